/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step of k-means for sparse rows, on all threads, with the same bits whatever their number:
 * labels, then the rows in the order of their labels, so that one task alone changes a center.
 * Its cost is the rows' values times the centers; rows are never written out.
 */
#ifndef KM_ALGO_SPARSE_H
#define KM_ALGO_SPARSE_H

#include "algo/given.h"
#include "algo/lanes.h"

/** Memory for steps of up to max_rows rows and max_k centers. */
struct km_sparse {
    const struct km_kernels *kern;
    struct km_pool *pool;
    size_t max_rows, max_k;
    uint32_t *label;       /* (max_rows) nearest center of each row of the last call */
    float *score, *second; /* (max_rows) see km_kernels.sparse_panel */
    double *norm2;         /* (max_rows) |x_i|^2, after km_sparse_norms */
    double *dist2;         /* (max_rows) squared distance to that center, after km_sparse_ssd */
    uint32_t *order; /* (max_rows) rows by label, after km_sparse_order; in a label by number */
    uint32_t *first; /* (max_k + 1) where the rows of each label begin in order */
    uint32_t *next;  /* (max_k + 1) scratch of km_sparse_order */
    double reach;    /* no center of the last call is larger */
    struct km_lanes lanes; /* of dense centers; not there if made with d = 0 */
};

/** d: 0 if the steps work on the caller's lanes only (km_sparse_label, km_sparse_order). */
int km_sparse_init(struct km_sparse *s, const struct km_kernels *kern, struct km_pool *pool,
                   size_t max_rows, size_t max_k, size_t d, struct km_err *err);
void km_sparse_done(struct km_sparse *s); /* zeroed is fine */

/** Fills s->norm2. Returns the sum; *most (when not NULL) is raised to the largest. */
double km_sparse_norms(struct km_sparse *s, const struct km_csr *x, double *most);

/** Fills s->label (after km_sparse_norms): the nearest center as float64 tells from the lanes, of
 * equal ones the lowest, at every level; and s->score, in float32. */
void km_sparse_label(struct km_sparse *s, const struct km_csr *x, const struct km_lanes *lanes);

/** Fills s->order and s->first from the labels of n rows; only labels below k. */
void km_sparse_order(struct km_sparse *s, size_t n, size_t k);

/** Runs fn once for each label that has rows (as km_task: the label, the worker), on all threads.
 */
void km_sparse_each_label(struct km_sparse *s, size_t n, size_t k, km_task *fn, void *arg);

/** No less than the squared distance of a row of the last km_sparse_label to its center. */
float km_sparse_most_dist2(const struct km_sparse *s, const struct km_csr *x, size_t i);

/** The squared distance of such a row to center j, as float64 tells from the same lanes. */
double km_sparse_dist2(const struct km_sparse *s, const struct km_csr *x, size_t i, size_t j,
                       const struct km_lanes *lanes);

/** Labels the rows by dense centers; fills s->norm2 and s->order as well. */
void km_sparse_rows(struct km_sparse *s, const struct km_csr *x, const struct km_centers *c);

/** km_sparse_rows, and adds each row weight[i] times (NULL: once) to *sums (count, sum, rows). */
void km_sparse_add(struct km_sparse *s, struct km_sums *sums, const struct km_csr *x,
                   const double *weight, const struct km_centers *c);

/**
 * Sum over the rows of the squared distance to the nearest of dense centers, as |x|^2 - 2 x.c +
 * |c|^2 in float64, with what sums lose (rows may be far from 0, and near each other). Fills
 * s->label and s->dist2.
 */
double km_sparse_ssd(struct km_sparse *s, const struct km_csr *x, const struct km_centers *c);

/** The same sum for the labels that the last km_sparse_rows gave these rows, wherever the centers
 * are now. */
double km_sparse_measure(struct km_sparse *s, const struct km_csr *x, const struct km_centers *c);

/** km_sparse_ssd of rows as given and a model as written (its origin 0), in the data's own units.
 * Rows are scaled in place; where they do not fit, g->exponent falls. */
double km_sparse_ssd_given(struct km_sparse *s, const struct km_csr *x, struct km_given *g);

#endif
