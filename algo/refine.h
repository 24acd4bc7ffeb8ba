/* SPDX-License-Identifier: Apache-2.0 */
/* The last word on the k centers: Lloyd on real rows, from the best trials of the shrink. */
#ifndef KM_ALGO_REFINE_H
#define KM_ALGO_REFINE_H

#include "algo/look.h"
#include "algo/sample.h"
#include "algo/shrink.h"

struct km_refine_options {
    struct km_sample *sample;        /* of the data; its rows may end in another order */
    uint64_t total_rows;             /* rows of the data that it stands for */
    const struct km_centers *coarse; /* the K weighted centers of the pass */
    uint64_t seed;
    uint64_t rank;   /* who refines: ranks with the same rows start from different ones of them */
    double flop;     /* floating point operations to spend, about */
    double few_flop; /* or so many, where everything can be done on all (dense) rows with them */
    const struct km_deadline *deadline; /* after it the best so far stands; NULL: none */
};

/** Most rows that looks are made at (algo/look.h): 36 MiB of what they keep of rows. */
#define KM_REFINE_LOOK_ROWS ((size_t)1 << 20)

/** Bytes for each row of the sample: its norm, weight, distance. */
#define KM_REFINE_ROW_BYTES (3 * sizeof(double))

/** For km_refine_options.few_flop: on few rows nobody minds. Not for sparse rows, whose operations
 * take several times as long. */
#define KM_REFINE_FEW_FLOP 40e9

/** The formula for km_refine_options.flop: 30 % of the pass, but at least 15 GFLOP. values: of all
 * rows of the pass; of sparse rows those that are stored. */
double km_refine_budget(double values, size_t from_k);

/** What was done, for the log. */
struct km_refine_result {
    size_t rows;       /* of the sample that were used */
    size_t candidates; /* trials and starts from the sample that took part */
    int iterations;    /* of all candidates together */
    /* centers that looks took away and put elsewhere, on coarse centers and on rows */
    size_t moved;
    double before; /* msd on those rows: best trial as it came out of the shrink */
    double after;  /* and the centers that were chosen, */
    /* where the msd on all rows is expected to be so many times as large (algo/draw_back.h) */
    double optimism;
    int kept; /* 0: refining would not have paid, the best trial stands */
};

/**
 * Improves the trials on real rows and leaves the chosen centers in *best (k, d as the trials). The
 * trials are candidates and are moved; up to ten more start by k-means++ from the sample.
 *
 * First looks at the coarse centers (algo/look.h) take the trials out of optima where Lloyd is
 * stuck. Then the candidates run a few Lloyd iterations on a small part of the rows, the worse half
 * drops out, the others go on with twice as many rows, again and again until one is left; where
 * everything on all rows is within the budget, on all rows, until 16 are left, with starts by
 * greedy k-means++. What is left has looks at rows; the best one has iterations to convergence,
 * first on parts of the rows, then on all, with centers beyond their means in between
 * (algo/relax.h), looks again, and, where they are cheap, bold changes that are undone unless they
 * pay; all within the budget (fewer rows, candidates, looks or iterations), but for looks that gain
 * 2 % each. Looks where they fit (km_look_fits).
 *
 * A center that has few rows in the sample would be moved by noise. Each is therefore drawn back
 * towards the mean of the coarse centers of its cluster, which stand for all rows
 * (algo/draw_back.h). And the result is dropped if, for the same reason, it cannot be expected to
 * beat the best trial on all rows.
 */
int km_refine(struct km_centers *best, struct km_refine_result *result, struct km_trial *trials,
              size_t n_trials, const struct km_refine_options *options,
              const struct km_kernels *kern, struct km_pool *pool, struct km_err *err);

#endif
