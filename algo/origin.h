/* SPDX-License-Identifier: Apache-2.0 */
/* A place in the middle of the rows, which a few far ones cannot move: float32 has its digits near
 * 0. */
#ifndef KM_ALGO_ORIGIN_H
#define KM_ALGO_ORIGIN_H

#include "base/rows.h"

/**
 * origin[t], for each feature of dense rows: the mean of the values of up to 255 of them at even
 * distances, those farther than 6 MAD from their median taken for so far. (MAD: median of the
 * distances to the median; 0 where more than half of the values are equal: then their median is the
 * origin. Hampel 1974.) A sentinel such as -9999 in less than half of the rows moves it by a few
 * MAD at most. At least one row. Sparse rows: 0, as their zeros are not written.
 */
void km_origin(double *origin, const struct km_rows *rows);

#endif
