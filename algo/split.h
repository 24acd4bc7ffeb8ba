/* SPDX-License-Identifier: Apache-2.0 */
/* Two centers in place of one: 2-means on some rows of a cluster. */
#ifndef KM_ALGO_SPLIT_H
#define KM_ALGO_SPLIT_H

#include "algo/points.h"
#include "base/rng.h"

/** Most rows of a split: more tell no more. */
#define KM_SPLIT_ROWS 500

struct km_split {
    const struct km_kernels *kern;
    const struct km_points *p; /* rows, of d features */
    size_t d;
    const uint32_t *row; /* (n) numbers of those that are split, */
    size_t n;            /* KM_SPLIT_ROWS at most */
    const double *dist2; /* (rows of p) squared distances to the center that they have now */
    double *memory;      /* (km_split_room) the caller's */
    double *best[2];     /* (d) in it: the two centers, where the split gains anything */
};

/** Doubles of memory for rows of d features. */
static inline size_t km_split_room(size_t d)
{
    return 6 * d + KM_SPLIT_ROWS;
}

/**
 * The better of two trials of 3 iterations, each from two rows: one drawn in proportion to its
 * squared distance to the center, one to that to the first. Returns by how much their loss is below
 * that of the one center; 0 if neither is.
 */
double km_split(struct km_split *s, struct km_rng *rng);

#endif
