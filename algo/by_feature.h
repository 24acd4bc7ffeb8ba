/* SPDX-License-Identifier: Apache-2.0 */
/* Points feature by feature in float64, and the squared distances of a row to all of them: each a
 * sum in the order of the features, whatever the CPU. */
#ifndef KM_ALGO_BY_FEATURE_H
#define KM_ALGO_BY_FEATURE_H

#include "base/csr.h"
#include "base/size.h"

/** Points beside each other, for k of them. */
static inline size_t km_by_feature_width(size_t k)
{
    return km_round_up(k, 8);
}

/** dist2[j], of `width` points: lanes (d, width). */
void km_by_feature_dist2(double *dist2, const float *row, const double *lanes, size_t d,
                         size_t width);

/** The same of sparse row i of x; on entry dist2 holds the squared norms of the points. Rounding
 * may leave it below 0. */
void km_by_feature_sparse_dist2(double *dist2, const struct km_csr *x, size_t i,
                                const double *lanes, size_t width);

#endif
