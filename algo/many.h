/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search for many centers: where iterations over the rows are what costs, and a tournament of
 * starts (algo/refine.h) cannot be paid. From the given centers steps of Lloyd, and between them
 * looks that move centers from where they are not missed to where they are (algo/look.h), as long
 * as they find many of them; a look measures rows against the centers near to their own only
 * (algo/near_rows.h).
 */
#ifndef KM_ALGO_MANY_H
#define KM_ALGO_MANY_H

#include "algo/points.h"

struct km_many_options {
    double work;    /* of so many iterations over these rows, at most */
    int looks_only; /* end when looks do not find much any more: iterations over more rows follow */
    uint64_t seed;
    const struct km_deadline *deadline; /* ends the search; NULL: none */
};

/** What was done, for the log. */
struct km_many_result {
    double work;              /* that was spent, in iterations over these rows */
    size_t iterations, looks; /* of both, */
    size_t moved;             /* and the centers that looks moved */
    double before, after;     /* loss of the given centers, and of those that were found */
};

/** Most rows and centers for looks; with more of them there are only iterations. */
#define KM_MANY_ROWS    ((size_t)1 << 20)
#define KM_MANY_CENTERS ((size_t)1 << 15)

/** Whether it can search with such rows: dense ones. */
int km_many_takes(const struct km_rows *rows);

/**
 * Improves c on dense rows p. Ends when an iteration, and the look before it, gain less than 1e-4
 * of the loss; or when the work is spent; or when the deadline is over. An empty center keeps its
 * place. Same bits on any number of threads and at every level.
 */
int km_many(struct km_centers *c, struct km_many_result *result, const struct km_points *p,
            const struct km_many_options *options, const struct km_kernels *kern,
            struct km_pool *pool, struct km_err *err);

#endif
