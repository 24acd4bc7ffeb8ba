/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to the refinement: the rows that it uses, the operations that are left, and its
 * candidates, which run on the rows and are measured by them.
 */
#ifndef KM_ALGO_REFINING_H
#define KM_ALGO_REFINING_H

#include "algo/lloyd.h"
#include "algo/refine.h"
#include "algo/relax.h"

/** The first cut is made on this part of the rows. */
#define KM_REFINE_FIRST_SHARE 16

/** Iterations on all rows that the budget must allow, or rows are cut. */
#define KM_REFINE_LAST_ITER 15

/** Starts from the sample itself. */
#define KM_REFINE_EXTRA 10

/** Looks at rows, with iterations behind each. */
#define KM_REFINE_LOOKS 8

struct km_candidate {
    struct km_centers *centers;
    double loss, weight; /* of the rows that it ran on last */
    size_t number;       /* decides between equal losses */
    /* knows the rows that it has competed on; NULL where that does not pay */
    struct km_step *bounded;
};

struct km_refining {
    const struct km_refine_options *o;
    size_t all, some; /* rows that are used, and those on which the first cut is made */
    double *norm2;    /* (all) |x_i|^2 of the first `normed` rows */
    size_t normed;
    double *weight; /* (all) of the first `weighed` rows, */
    size_t weighed;
    int weighted;  /* where they are not all alike */
    double *dist2; /* (all) squared distances to the centers that were measured last */
    const struct km_kernels *kern;
    struct km_pool *pool;
    struct km_step *step;  /* over up to all rows */
    struct km_look look;   /* at rows; .k is 0: there are none */
    struct km_relax relax; /* where there are looks */
    uint64_t looks;        /* how many there were: names their random numbers */
    int few;               /* so few rows that everything is done on all of them */
    struct km_candidate *list;
    size_t n;                                 /* candidates left */
    size_t wanted;                            /* candidates that the budget allows */
    struct km_centers extra[KM_REFINE_EXTRA]; /* starts from the sample */
    size_t n_extra;
    double budget, flop; /* floating point operations to spend; what is left of them */
    double lent;         /* and was spent beyond them */
    struct km_refine_result *result;
};

/** Operations of an iteration. */
double km_refining_flop(const struct km_points *p, const struct km_centers *c);

/** What labels these rows of a candidate. Of fewer rows than bounds are of, as between looks at
 * some, nothing is kept: what is known of the others stays good. */
struct km_step *km_refining_step(const struct km_refining *r, const struct km_candidate *c,
                                 const struct km_points *p);

/** Iterations of a candidate on these rows, as many of them as operations are left for. */
int km_refining_run(struct km_refining *r, struct km_candidate *c, const struct km_points *p,
                    int iterations, double tol, struct km_err *err);

/** r->dist2, by the labels of the step's last call; returns the msd. */
double km_refining_measure_labelled(struct km_refining *r, struct km_step *step,
                                    const struct km_centers *c, const struct km_points *p);

/** The same with new labels. */
double km_refining_measure(struct km_refining *r, struct km_step *step, const struct km_centers *c,
                           const struct km_points *p);

/** The same for a candidate, whose bounds know most of them. */
int km_refining_measure_candidate(struct km_refining *r, struct km_candidate *c,
                                  const struct km_points *p, double *msd, struct km_err *err);

/** The first n of the rows (as nested), without their norms. */
struct km_points km_refining_view(struct km_refining *r, size_t n);

/** The first n of the rows, as nested. */
struct km_points km_refining_rows(struct km_refining *r, size_t n);

/** Which rows the budget allows: all that are used, and those of the first cut. */
void km_refining_choose_rows(struct km_refining *r, size_t k);

/** The next larger of the numbers of rows that are samples. */
size_t km_refining_nested(const struct km_refining *r, size_t least);

/** Whether there are rows that do not take part. */
int km_refining_is_sample(const struct km_refining *r);

#endif
