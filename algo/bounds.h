/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step of Lloyd for rows that have been labelled before: most of them need not be looked at.
 *
 * A row knows its distance to every center from when it was last measured, and a center how far it
 * has moved since. By the triangle inequality the first changes by no more than the second; where
 * the own center must still be nearer than every other, the label stands (Elkan 2003). Only the
 * other rows are read, and only those whose label changes are taken out of one sum and added to
 * another. All bounds allow for what rounding may do, so labels are those of km_assign_add, and
 * sums those up to rounding, with the same bits on any number of threads and at every level.
 */
#ifndef KM_ALGO_BOUNDS_H
#define KM_ALGO_BOUNDS_H

#include "algo/assign.h"

/** One row whose label has changed. */
struct km_change {
    uint32_t row, from;
};

struct km_bounds {
    size_t k, d;
    size_t n, room;            /* rows that have bounds, and that could */
    uint32_t *label;           /* (room) nearest center */
    float *upper;              /* (room) distance to it, less its drift at that time */
    float *lower;              /* (room, k) distance to the others, plus their drift at that time */
    float *drift;              /* (k) how far each center has come in all steps */
    struct km_mat at;          /* (k) where the centers were in the last step */
    struct km_sums sums;       /* of the n rows by label, by weight */
    size_t *members;           /* (k) rows of each center, where they have weights */
    struct km_change *changes; /* (room) of one step, those of each block from its first row on */
    size_t *changed;           /* (blocks) how many */
    double *measured;          /* (blocks) rows that were looked at, in distances to all centers */
    double *top; /* (k) most that |sum|^2 has been since the sums were last those of all rows */
    /* of the last step, in rows measured: by formula, as how many are depends on the level */
    double work;
};

/**
 * Whether bounds are worth their memory and time: k floats for each row to keep and to look at,
 * where a row has d.
 */
int km_bounds_pay(size_t k, size_t d);

/** Room for bounds to k centers of d features, none of them known yet. */
int km_bounds_init(struct km_bounds *b, size_t k, size_t d, struct km_err *err);
void km_bounds_done(struct km_bounds *b); /* zeroed is fine */

/** Room for that many rows, at least; what is known of rows stays. */
int km_bounds_reserve(struct km_bounds *b, size_t rows, struct km_err *err);

/** Rows of a step. */
struct km_bounds_rows {
    struct km_mat x;
    const double *norm2; /* (x.n) |x_i|^2 */
    /* (x.n) or NULL: 1 each. They may be others than before only when rows come. */
    const double *weight;
};

/**
 * Brings b->label and b->sums up to date with c for all rows. Rows 0..b->n-1 are those of the step
 * before; the others are new. `a` is sized for all. Sums that have become small beside what they
 * were are made anew from all rows: a far row that has come and gone would leave its rounding.
 * Returns how many rows had to be measured, in units of k distances each.
 */
double km_bounds_step(struct km_bounds *b, struct km_assign *a, const struct km_bounds_rows *rows,
                      const struct km_centers *c);

/** No less than any row's squared distance to the center of its label, which is in c now, times its
 * weight. */
double km_bounds_most_dist2(const struct km_bounds *b, const struct km_centers *c,
                            const double *weight);

#endif
