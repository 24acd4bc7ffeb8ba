/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row belongs to the center that km_kernels.dist2 says (differences in float64, one order of
 * operations), of equal ones to the lowest. Scores in float32 are a fast way to know most labels:
 * each is off by no more than a bound, and only where two centers lie within it are their distances
 * measured. So labels depend neither on the level of the kernels nor on how rows are cut into
 * blocks. docs/correctness.md derives the bounds.
 */
#ifndef KM_ALGO_EXACT_H
#define KM_ALGO_EXACT_H

#include "algo/kern/kernels.h"

/** Bounds for the rows of one step; good as long as the centers stay where they are. */
struct km_exact {
    const struct km_kernels *kern;
    const struct km_centers *c;
    /* relative errors of a score of km_kernels.nearest, of one of scores, of a measured distance */
    double gamma_nearest, gamma, gamma64;
    double tiny;       /* what underflow may cost */
    double reach;      /* no |c_j| is larger */
    double norm_error; /* relative, of the root of km_kernels.norms */
    /* scores of nearest are told apart by flat + by_norm |x| + by_norm2 |x|^2; of scores, by so
     * much more */
    float flat, by_norm, by_norm2, widen;
    float share; /* see km_exact_rest */
};

/** The bounds of the errors of a level for these centers. */
struct km_exact km_exact_of(const struct km_kernels *kern, const struct km_centers *c);

/**
 * Makes label[i] right for the rows of x, of which `norm2` is km_kernels.norms and the other three
 * come from km_kernels.nearest. Returns the number of rows whose scores did not decide. Score is
 * not kept up to date. `scratch` is KM_KERN_SCRATCH floats.
 */
size_t km_exact_settle(const struct km_exact *e, uint32_t *label, const float *score,
                       const float *second, const float *norm2, const struct km_mat *x,
                       float *scratch);

/** The label of a row (padded as in a km_mat, of norm2 as above) with all its scores. */
uint32_t km_exact_label(const struct km_exact *e, const float *row, float norm2,
                        const float *score);

/** A bound for |x|^2, from what km_kernels.norms says of a row. */
double km_exact_norm2(const struct km_exact *e, float norm2);

/** No less than the squared distance of a row to its center, from what km_kernels.nearest and norms
 * say of the row. */
float km_exact_most_dist2(const struct km_exact *e, float norm2, float score);

/** No more than the squared distance (km_kernels.dist2) of a row and a center of that half, from
 * what km_kernels.norms says of the row and km_kernels.scores of both. */
double km_exact_least_dist2(const struct km_exact *e, float norm2, float score, float half);

/**
 * What km_kernels.scores and pairs say of a row of that |x|^2 (or less) and a center is off from
 * the score with c->exact by km_exact_rest() + share * half of the center, at most.
 */
double km_exact_rest(const struct km_exact *e, double norm2);

#endif
