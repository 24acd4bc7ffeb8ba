/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of one type that stand side by side in a file, as float32. */
#ifndef KM_IO_ELEMENTS_H
#define KM_IO_ELEMENTS_H

#include "base/err.h"
#include <stddef.h>

struct km_elements {
    char kind;      /* 'f' IEEE 754, 'i' signed, 'u' unsigned, as numpy names them */
    int bytes;      /* of each: 1, 2, 4 or 8; of 'f' 2, 4 or 8 */
    int big_endian; /* the highest byte comes first */
};

/**
 * Makes n numbers at p float32, rounded to the nearest, ties to even. KM_E_INPUT: one is not finite
 * as float32; the message names it, by its number from 1, and not the place. No alignment is asked
 * for. Threads: safe.
 */
int km_elements_take(const struct km_elements *e, const unsigned char *p, size_t n, float *row,
                     struct km_err *err);

#endif
