/* SPDX-License-Identifier: Apache-2.0 */
/* One input of a conversion. */
#ifndef KM_CLI_SOURCE_H
#define KM_CLI_SOURCE_H

#include "io/reader.h"

/** Opens an input of format->kind (NULL: its first bytes decide, and complete *format, which stays
 * the caller's); format->feature_dim tells its width afterwards, 0 if it has no row. On failure *r
 * is NULL. */
int km_source_open(struct km_reader **r, const char *path, struct km_format *format,
                   struct km_err *err);

#endif
