/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step of every k-means here: the nearest center of each row, and the sums of the rows of each
 * center, for rows of either kind. The one interface to them: what is behind it depends on the rows
 * (algo/assign.h for dense ones, algo/sparse.h for sparse ones) and on whether the same rows come
 * again (algo/bounds.h); it is chosen once for a step. Same labels at every level, same bits on any
 * number of threads.
 */
#ifndef KM_ALGO_STEP_H
#define KM_ALGO_STEP_H

#include "algo/centers.h"
#include "algo/given.h"
#include "algo/kern/kernels.h"
#include "algo/seed.h"
#include "base/rows.h"
#include <stdint.h>

struct km_step;

/** What a step is made for. */
struct km_step_size {
    size_t rows, k, d; /* at most so many rows and centers */
    int sparse;        /* the rows are */
    int has_sums;      /* km_step_sum will be called */
};

/** For rows like these, as many of them, and k centers; with sums. */
struct km_step_size km_step_size_of(const struct km_rows *rows, size_t k);

/** Allocates all that its calls need. pool NULL: the caller's thread alone. *step is NULL on
 * failure. */
int km_step_new(struct km_step **step, const struct km_step_size *size,
                const struct km_kernels *kern, struct km_pool *pool, struct km_err *err);

/**
 * A bounded step: it keeps what it learns of rows, so that most of them are not measured the next
 * time. The rows of a call begin with those of the call before (their weights may be others only
 * when rows come). It works in the memory of `on`, a step on as many dense rows, which must live as
 * long; it has room for rows as km_step_reserve says.
 */
int km_step_bounded(struct km_step **step, struct km_step *on, size_t k, struct km_err *err);

/** Whether bounds for k centers are worth their memory and time on the rows of this step. */
int km_step_bounds_pay(const struct km_step *on, size_t k);

/** Frees it. */
void km_step_free(struct km_step *step); /* NULL is fine */

/** Room for that many rows, at least; what is known of rows stays. Does nothing but for bounded
 * steps. */
int km_step_reserve(struct km_step *step, size_t rows, struct km_err *err);

/** Labels the rows. norm2: (rows) |x_i|^2, for bounded steps; others do not read it. */
void km_step_label(struct km_step *step, const struct km_rows *rows, const double *norm2,
                   const struct km_centers *c);

/**
 * Labels the rows and adds them, each times its weight, to *sums (count, sum, rows); with
 * want_norms (rows of weight 1 each) also their |x|^2, good to float32, to sums->ssd: what
 * km_centers_move makes squared distances of. Not for bounded steps.
 */
void km_step_add(struct km_step *step, struct km_sums *sums, const struct km_rows *rows,
                 const struct km_centers *c, int want_norms);

/** Labels the rows; what they alone add up to, valid until the next call. norm2 as for
 * km_step_label. */
const struct km_sums *km_step_sum(struct km_step *step, const struct km_rows *rows,
                                  const double *norm2, const struct km_centers *c);

/** What the last km_step_sum is counted as, in steps that measure every row: less than 1 with
 * bounds. */
double km_step_work(const struct km_step *step);

/** The labels of the last call, and how many rows it had. */
const uint32_t *km_step_labels(const struct km_step *step);
size_t km_step_rows(const struct km_step *step);

/** dist2[i]: squared distance of row i to the center of its label, wherever that is now. The rows
 * are those of the last call. */
void km_step_dist2(struct km_step *step, double *dist2, const struct km_rows *rows,
                   const struct km_centers *c);

/** The sum of these, each times the row's weight. */
double km_step_loss(struct km_step *step, const struct km_rows *rows, const struct km_centers *c);

/**
 * Rows as given and a model as written: labels; dist2 (NULL: not wanted) the squared distance of
 * each to its label's row of the model, in the data's own units; returns their sum, without
 * weights. Exact up to the rounding of sums. Moves the rows; where sparse ones do not fit,
 * g->exponent falls.
 */
double km_step_given(struct km_step *step, double *dist2, struct km_rows *rows, struct km_given *g);

/** No less than any row's squared distance as km_step_dist2 tells it, times its weight, without
 * reading the rows; infinite where nothing is known. */
double km_step_most_dist2(const struct km_step *step, const struct km_rows *rows,
                          const struct km_centers *c);

/**
 * k-means++ on these rows by their weights, greedy or plain (algo/seed.h), for n starts, up to
 * KM_SEED_STARTS, whose centers are as km_centers_init left them. Not for bounded steps.
 */
int km_step_seed(struct km_step *step, struct km_seed_start *starts, size_t n,
                 const struct km_rows *rows, int greedy, struct km_err *err);

/** Whether several starts take less in one call. */
int km_step_seeds_together(const struct km_step *step, int greedy);

/**
 * How many numbers a step over these rows multiplies with each center, for what it costs. Sparse
 * rows are few numbers beside the features, and so the centers themselves, which a step writes in
 * several forms, count as well.
 */
double km_step_cells(const struct km_rows *rows);

#endif
