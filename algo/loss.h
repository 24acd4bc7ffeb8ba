/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loss of a partition. The sum of |x|^2 less that of |mean|^2 (Koenig-Huygens) costs nothing, and has digits as long
 * as the rows are not far from the origin, compared with how near they are to their centers: a sentinel of 1e30 leaves
 * none of them. Then the rows are measured.
 */
#ifndef KM_ALGO_LOSS_H
#define KM_ALGO_LOSS_H

#include "algo/lloyd.h"

/** Below this share of the sum of |x|^2 the difference has fewer than 4 digits, and the rows are to be measured. */
#define KM_LOSS_SHARE 1e-11

/**
 * Sum over the rows of weight times squared distance to the center of their label, by differences in float64. Sparse
 * rows: those of the last km_sparse_add with p->step; label, kern and pool are not used.
 */
double km_loss(const struct km_points *p, const uint32_t *label, const struct km_centers *c,
               const struct km_kernels *kern, struct km_pool *pool);

#endif
