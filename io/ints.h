/* SPDX-License-Identifier: Apache-2.0 */
/* Private to io: packed int32 values of a record. */
#ifndef KM_IO_INTS_H
#define KM_IO_INTS_H

#include <stddef.h>

/**
 * Decodes the varints in n bytes into row[0..dim-1]: 1 if there are exactly dim, each of 1 to 5
 * bytes or, as negative ones are, of 10; else 0, and row holds anything.
 */
int km_ints_take(const unsigned char *p, size_t n, float *row, size_t dim);

#endif
