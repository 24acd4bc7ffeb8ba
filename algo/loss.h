/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loss of a partition. The sum of |x|^2 less that of |mean|^2 (Koenig-Huygens) costs nothing,
 * and has digits as long as the rows are not far from the origin, compared with how near they are
 * to their centers: a sentinel of 1e30 leaves none of them. Then the rows are measured, by
 * differences in float64.
 */
#ifndef KM_ALGO_LOSS_H
#define KM_ALGO_LOSS_H

#include "algo/centers.h"
#include "algo/kern/kernels.h"
#include "base/rows.h"
#include <stdint.h>

/** Below this share of the sum of |x|^2 the difference has fewer than 4 digits, and the rows are to
 * be measured. */
#define KM_LOSS_SHARE 1e-11

/** dist2[i]: the squared distance of row i of x to center label[i] (km_kernels.dist2), in any
 * number of rows. */
void km_loss_dist2(double *dist2, const struct km_mat *x, const uint32_t *label,
                   const struct km_centers *c, const struct km_kernels *kern, struct km_pool *pool);

/** The sum of these over dense rows, each times its weight. */
double km_loss(const struct km_rows *rows, const uint32_t *label, const struct km_centers *c,
               const struct km_kernels *kern, struct km_pool *pool);

#endif
