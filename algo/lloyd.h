/* SPDX-License-Identifier: Apache-2.0 */
/* Full-batch Lloyd iterations on (weighted) rows in memory. */
#ifndef KM_ALGO_LLOYD_H
#define KM_ALGO_LLOYD_H

#include "algo/bounds.h"
#include "algo/relax.h"
#include "algo/sparse.h"

/** Rows for Lloyd, with the one number about them that the loss needs. */
struct km_points {
    struct km_mat x;
    struct km_csr s;        /* sparse rows, in place of x, if s.d > 0 */
    struct km_sparse *step; /* of sparse rows: what steps over them use, in place of a km_assign */
    const double *weight;   /* (rows), or NULL: 1 each */
    const double *norm2;    /* (rows) |x_i|^2, where a run with bounds needs them */
    double total_weight;
    double total_norm2; /* sum of weight * |x_i|^2, float64 */
};

/** Describes rows (not copied). */
struct km_points km_points_of(const struct km_mat *x, const double *weight,
                              const struct km_kernels *kern);

/** Number of the rows. */
static inline size_t km_points_n(const struct km_points *p)
{
    return p->s.d ? p->s.n : p->x.n;
}

/** Weight of row i. */
static inline double km_points_weight(const struct km_points *p, size_t i)
{
    return p->weight ? p->weight[i] : 1;
}

/** A place that rows are measured from: d values, and the sum of their squares, which only sparse rows need. */
struct km_place {
    const double *at;
    double norm2;
};

/** The place at those d values, for rows like p. */
struct km_place km_place_of(const struct km_points *p, const double *at, size_t d);

/** The squared distance of row i to a place, in float64: the same at every level. */
double km_points_dist2(const struct km_points *p, const struct km_kernels *kern, size_t i,
                       const struct km_place *place);

/** Row i, written out to d values. */
void km_points_write(const struct km_points *p, size_t i, double *row, size_t d);

/** Adds the n rows of those numbers to sum (d), each times its weight, in their order; returns their weight. */
double km_points_add(const struct km_points *p, const struct km_kernels *kern, double *sum,
                     const uint32_t *at, size_t n);

/** How a run of Lloyd ended. */
struct km_lloyd_result {
    double loss; /* sum of weight * squared distance to the mean of the own cluster; >= 0 (to the
                  * origin, if there was no iteration) */
    int iterations;
    int converged; /* stopped by tol, not by max_iter */
    double
        work; /* what that is counted as, in iterations that measure every row: less with bounds */
};

struct km_lloyd_options {
    int max_iter;
    double tol;
    struct km_relax *relax; /* or NULL: centers go to their means, no farther */
};

/**
 * Moves c to the means of what is nearest to each, again and again, until an iteration lowers the
 * loss by no more than tol * loss, or max_iter iterations are done, or a stop is late (base/stop.h). An
 * empty center keeps its place. `a` is sized for (p->x.n, c->k), `sums` for c->k; sparse rows use p->step in
 * place of `a`.
 *
 * With bounds (or NULL) the labels and sums are there, in place of `a` and `sums`, and may be known from
 * a run on the first of the rows (whose weights may have been others); only for dense rows.
 *
 * With relax (algo/relax.h) centers go beyond their means between two iterations, until the loss rises once; they end at means.
 */
struct km_lloyd_result km_lloyd(struct km_assign *a, struct km_sums *sums, struct km_bounds *bounds,
                                struct km_centers *c, const struct km_points *p,
                                const struct km_lloyd_options *o);

#endif
