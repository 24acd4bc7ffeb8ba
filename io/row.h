/* SPDX-License-Identifier: Apache-2.0 */
/* Private to io: which values a row may hold. */
#ifndef KM_IO_ROW_H
#define KM_IO_ROW_H

#include "base/err.h"
#include <stddef.h>

/**
 * The largest absolute value that a row of dim columns may hold: 0.99 sqrt(FLT_MAX / 4 / dim). Then
 * no squared distance between two such rows overflows a float32.
 */
float km_row_limit(size_t dim);

/** Index of the first value that is not finite or above the limit; dim if all are fine. */
size_t km_row_bad(const float *row, size_t dim);

/** Index of the first of n values that a row of dim columns may not hold; n if all are fine. */
size_t km_row_bad_of(const float *v, size_t n, size_t dim);

/** The failure for value number i (from 0), found as v. */
int km_row_fail(struct km_err *err, size_t i, size_t dim, double v);

#endif
