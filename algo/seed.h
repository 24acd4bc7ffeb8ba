/* SPDX-License-Identifier: Apache-2.0 */
/* Where the centers start. */
#ifndef KM_ALGO_SEED_H
#define KM_ALGO_SEED_H

#include "algo/assign.h"
#include "base/rng.h"

/** Floats of scratch memory for each row. */
#define KM_SEED_FLOATS 3

/** Every center becomes a row of x drawn uniformly with replacement, of weight 1; x->n > 0. */
void km_seed_random(struct km_centers *c, const struct km_mat *x, struct km_rng *rng);

/**
 * k-means++ (Arthur and Vassilvitskii 2007): each next center is a row drawn with probability
 * proportional to weight * squared distance to the nearest center so far; the first in proportion
 * to weight (NULL: 1 each). Where no row is left that differs from all centers, rows are drawn
 * uniformly. dist2 is scratch for KM_SEED_FLOATS x->n values, the first x->n of which become the
 * squared distances to the nearest of all centers but the last. Centers get weight 1.
 */
void km_seed_plusplus(struct km_centers *c, const struct km_mat *x, const double *weight,
                      const struct km_kernels *kern, struct km_pool *pool, float *dist2,
                      struct km_rng *rng);

/** One of several starts, with its own random numbers. */
struct km_seed_start {
    struct km_centers *c;
    struct km_rng rng;
    float *dist2; /* (rows) scratch */
};
#define KM_SEED_STARTS 16 /* side by side, at most */

/** km_seed_plusplus for each of n starts of the same k: rows are read once for all of them. */
int km_seed_together(struct km_seed_start *starts, size_t n, const struct km_mat *x,
                     const double *weight, const struct km_kernels *kern, struct km_pool *pool,
                     struct km_err *err);

/**
 * Greedy k-means++ (Arthur and Vassilvitskii 2007, section 6; as scikit-learn): the same, but each
 * next center is the best of 2 + ln k rows drawn: the one that leaves the least sum of weight *
 * squared distance. dist2 is scratch as above.
 */
void km_seed_greedy(struct km_centers *c, const struct km_mat *x, const double *weight,
                    const struct km_kernels *kern, struct km_pool *pool, float *dist2,
                    struct km_rng *rng);

/** Sum of weight * dist2; weight NULL: 1 each. */
double km_seed_potential(const float *dist2, const double *weight, size_t n);

/** Rows that km_seed_greedy draws for each center. */
size_t km_seed_draws(size_t k);

/**
 * Number of a row drawn in proportion to weight * dist2 (all dist2 infinite: to weight), or
 * uniformly when all of them are zero; weight NULL: 1 each.
 */
size_t km_seed_draw(const float *dist2, const double *weight, size_t n, struct km_rng *rng);

#endif
