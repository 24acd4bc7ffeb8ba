/* SPDX-License-Identifier: Apache-2.0 */
/* The value that would stand at a place if a list were in order. */
#ifndef KM_BASE_SELECT_H
#define KM_BASE_SELECT_H

#include <stddef.h>

/** The value that would be number `nth` (from 0) of v[0..n-1] in order; leaves v in another order.
 * nth < n, no NaN. */
float km_select(float *v, size_t n, size_t nth);

#endif
