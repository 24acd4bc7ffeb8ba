/* SPDX-License-Identifier: Apache-2.0 */
/* Full-batch Lloyd iterations on (weighted) rows in memory. */
#ifndef KM_ALGO_LLOYD_H
#define KM_ALGO_LLOYD_H

#include "algo/points.h"
#include "algo/relax.h"
#include "algo/step.h"
#include "base/deadline.h"

/** How a run of Lloyd ended. */
struct km_lloyd_result {
    /* sum of weight * squared distance to the mean of the own cluster; >= 0 (to the origin, if
     * there was no iteration) */
    double loss;
    int iterations;
    int converged; /* stopped by tol, not by max_iter */
    /* what that is counted as, in iterations that measure every row: less with bounds */
    double work;
};

/**
 * Moves c to the means of what is nearest to each, again and again, until an iteration lowers the
 * loss by no more than tol * loss, or max_iter iterations are done, or the deadline (NULL: none) is
 * over after one. An empty center keeps its place. `step` is made for such rows and c->k centers,
 * with sums; of a bounded one the rows of p may begin with those of an earlier run (and have other
 * weights).
 */
struct km_lloyd_result km_lloyd(struct km_step *step, struct km_centers *c,
                                const struct km_points *p, int max_iter, double tol,
                                const struct km_deadline *deadline);

/**
 * The same, but between two iterations centers go on beyond their means (algo/relax.h; NULL: they
 * do not), until the loss rises once: as far in fewer iterations. It ends at means.
 */
struct km_lloyd_result km_lloyd_beyond(struct km_step *step, struct km_centers *c,
                                       const struct km_points *p, int max_iter, double tol,
                                       const struct km_deadline *deadline, struct km_relax *relax);

#endif
