/* SPDX-License-Identifier: Apache-2.0 */
/* Content types of channels. */
#ifndef KM_TRAIN_CONTENT_TYPE_H
#define KM_TRAIN_CONTENT_TYPE_H

#include "io/shard.h"

/** Parses a content type as MIME: lower case, parameters; KM_E_INPUT names what is not known. */
int km_content_type_parse(const char *text, struct km_format *format, char *name, size_t name_size,
                          struct km_err *err);

/** "auto", "present" or "absent"; -1 for another word. */
int km_header_rule(enum km_header_rule *rule, const char *text);

#endif
