/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step of every k-means here: the nearest center of each row, and the sums of the rows of each
 * center, on all threads, with the same bits whatever their number.
 */
#ifndef KM_ALGO_ASSIGN_H
#define KM_ALGO_ASSIGN_H

#include "algo/centers.h"
#include "algo/exact.h"
#include "algo/given.h"
#include "algo/kern/kernels.h"
#include "algo/order.h"
#include <stdint.h>

/** Kernels, threads and all the memory that a step needs, allocated once for (rows, k, d). */
struct km_assign {
    const struct km_kernels *kern;
    struct km_pool *pool; /* NULL: the caller's thread alone */
    size_t max_rows, max_k, d;
    uint32_t *label;       /* (max_rows) nearest center of each row of the last call */
    float *score, *second; /* (max_rows) see km_kernels.nearest */
    float *scratch;        /* (threads, KM_KERN_SCRATCH) */
    float *packed;         /* the centers as the kernels want them, or NULL */
    size_t max_packed;
    float *norm2;            /* (max_rows) see km_kernels.norms */
    double *squares;         /* (blocks) sums of that, or of squared distances */
    struct km_order *orders; /* (threads) the first one large enough for a wave */
    struct km_sums *parts;   /* sums of groups of rows, where they are small */
    size_t max_parts;
    double rows;           /* of all calls, */
    size_t *unsure;        /* (threads) and those whose scores did not decide */
    struct km_exact exact; /* of the last call */
};

/** Memory for steps of up to max_rows rows of d features and up to max_k centers. */
int km_assign_init(struct km_assign *a, const struct km_kernels *kern, struct km_pool *pool,
                   size_t max_rows, size_t max_k, size_t d, struct km_err *err);
void km_assign_done(struct km_assign *a); /* zeroed is fine */

/** Share of the rows of all calls that had to be measured, as float32 could not tell
 * (algo/exact.h). */
double km_assign_unsure(const struct km_assign *a);

/** Fills a->label for the rows of x: the nearest center by km_kernels.dist2, of equals the
 * lowest. */
void km_assign_rows(struct km_assign *a, const struct km_mat *x, const struct km_centers *c);

/**
 * km_assign_rows, and adds the rows to *sums (count, sum, rows), each `weight[i]` times (NULL:
 * once). With want_ssd (unweighted rows only) also their |x|^2, good to float32: what
 * km_centers_move makes squared distances of.
 */
void km_assign_add(struct km_assign *a, struct km_sums *sums, const struct km_mat *x,
                   const double *weight, const struct km_centers *c, int want_ssd);

/** Labels and scores of rows, the caller's. */
struct km_scored {
    uint32_t *label; /* (rows) */
    float *score;    /* (rows, k) as km_kernels.scores tells them, of the rows behind the known */
    const double *norm2; /* (rows) |x_i|^2 */
    size_t known;        /* rows, from the first on, whose labels are known */
};

/** Labels and scores of the rows that are not known, and counts and sums of all. a->label stays as
 * it is. */
void km_assign_add_scored(struct km_assign *a, struct km_sums *sums, const struct km_mat *x,
                          const double *weight, const struct km_scored *scored,
                          const struct km_centers *c);

/**
 * Sum over the rows of x of the squared distance to the nearest center, by differences in float64.
 * Fills a->label.
 */
double km_assign_ssd(struct km_assign *a, const struct km_mat *x, const struct km_centers *c);

/**
 * The same of rows as given and a model as written: exact up to the rounding of sums; dist2 (x->n,
 * or NULL: not wanted): of each row. Moves the rows.
 */
double km_assign_ssd_given(struct km_assign *a, double *dist2, const struct km_mat *x,
                           const struct km_given *g);

/** No less than the squared distance of row i of the last call to its center; not after
 * km_assign_add_scored. */
float km_assign_most_dist2(const struct km_assign *a, size_t i);

#endif
