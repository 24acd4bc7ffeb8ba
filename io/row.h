/* SPDX-License-Identifier: Apache-2.0 */
/* Private to io: which values a row may hold. */
#ifndef KM_IO_ROW_H
#define KM_IO_ROW_H

#include "base/err.h"
#include <stddef.h>

/** Index of the first of n values that is not finite; n if all are. */
size_t km_row_bad(const float *v, size_t n);

/** The failure for value number i (from 0), found as v. */
int km_row_fail(struct km_err *err, size_t i, double v);

#endif
