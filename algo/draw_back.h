/* SPDX-License-Identifier: Apache-2.0 */
/* Centers that a sample moved, drawn back towards what stands for all rows. */
#ifndef KM_ALGO_DRAW_BACK_H
#define KM_ALGO_DRAW_BACK_H

#include "algo/assign.h"

/** Rows of a sample by their nearest center. */
struct km_sample_view {
    const uint32_t *label;      /* (rows) */
    const struct km_sums *sums; /* of the rows of each center */
    const double *norm2;        /* (rows) |x_i|^2 */
    size_t rows;
    uint64_t total_rows; /* that the sample stands for */
};

/**
 * A center with m rows in the sample is off by noise: v / m (1 - share of all rows in the sample), v the squared distances
 * within its cluster over m - 1. Each center goes towards the mean of the coarse centers (by weight) that are nearest
 * to it, by noise / distance^2 between the two, at most all the way (James and Stein 1961, positive part).
 */
int km_draw_back(struct km_centers *c, const struct km_sample_view *sample,
                 const struct km_centers *coarse, const struct km_kernels *kern,
                 struct km_pool *pool, struct km_err *err);

#endif
