/* SPDX-License-Identifier: Apache-2.0 */
/* Content types of channels, read as MIME types: text/csv; label_size=0; charset="utf-8". */
#ifndef KM_IO_CONTENT_TYPE_H
#define KM_IO_CONTENT_TYPE_H

#include "io/format.h"

/**
 * Parses a content type (NULL or blank: the default one) into *format, and its name, in lower case
 * and without parameters, into `name`. KM_E_INPUT names what is not known. What is ignored is told
 * to `warn`, if it is not NULL.
 */
int km_content_type_parse(const char *text, struct km_format *format, char *name, size_t name_size,
                          void (*warn)(const char *text), struct km_err *err);

/** "auto", "present" or "absent"; -1 for another word. */
int km_header_rule(enum km_header_rule *rule, const char *text);

#endif
