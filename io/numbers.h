/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain numbers between separators, many at a time: what most of a CSV file is. A table, one row
 * for each level of instruction set; km_take_decimal is the specification of all of them.
 */
#ifndef KM_IO_NUMBERS_H
#define KM_IO_NUMBERS_H

#include "io/dialect.h"
#include <stddef.h>

struct km_numbers {
    const char *level;
    /**
     * Takes up to n fields of a line, which ends at `end`, from the beginning of one at *p on, each
     * up to its separator or to the end: for as long as a field is a number as km_take_decimal
     * takes it and nothing else, of the same value. Returns how many; *p is then the separator
     * behind the last one, or the end; not changed if there are none. The separator is no part of a
     * number, and d has both characters.
     */
    size_t (*take)(const char **p, const char *end, const struct km_dialect *d, float *value,
                   size_t n);
};

/** The rows that this CPU can run, the best first; the last one is generic. NULL behind it. */
const struct km_numbers *const *km_numbers_all(void);

/** The row for a level of kernels (KM_ISA): that of its name, generic for blas; else the best. */
const struct km_numbers *km_numbers_pick(const char *level);

extern const struct km_numbers km_numbers_generic;
#if defined(__x86_64__)
extern const struct km_numbers km_numbers_avx512, km_numbers_avx2;
#endif

#endif
