/* SPDX-License-Identifier: Apache-2.0 */
/* Centers that a sample moved, drawn back towards what stands for all rows. */
#ifndef KM_ALGO_DRAW_BACK_H
#define KM_ALGO_DRAW_BACK_H

#include "algo/centers.h"
#include "algo/kern/kernels.h"
#include <stdint.h>

/** Rows of a sample by their nearest center. */
struct km_sample_view {
    const uint32_t *label; /* (rows) */
    const double *dist2;   /* (rows) squared distance to it */
    /* (rows) how many each stands for; NULL: rows / total_rows are in it, all alike */
    const double *weight;
    size_t rows;
    uint64_t total_rows; /* that the sample stands for */
};

/**
 * noise[j], of k centers: the squared distance between the mean of a cluster's rows in the sample
 * and the mean of all those that they stand for, as it is to be expected. Rows that are in the
 * sample with probability p_i have sum of (1 - p_i) / p_i^2 * dist2_i over (sum of 1 / p_i)^2,
 * times m / (m - 1) as dist2 is from the mean of the same m rows. HUGE_VAL for a row alone that
 * stands for more than 2. *excess: sum of noise * weight over the clusters (of those alone: as much
 * as of the others), by which the squared distances of all rows to these means are expected to be
 * above the least; on the sample they are below it by as much.
 */
int km_sample_noise(double *noise, double *excess, size_t k, const struct km_sample_view *sample,
                    struct km_err *err);

/**
 * Each center goes towards the mean of the coarse centers (by weight) that are nearest to it, by
 * noise / distance^2 between the two, at most all the way (James and Stein 1961, positive part).
 */
int km_draw_back(struct km_centers *c, const double *noise, const struct km_centers *coarse,
                 const struct km_kernels *kern, struct km_pool *pool, struct km_err *err);

#endif
