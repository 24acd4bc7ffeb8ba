/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a model says of rows: the nearest of its rows to each, and how far that is, as float64
 * differences of the written numbers tell. For rows as given, and for those that lie where the
 * training keeps them.
 */
#ifndef KM_ALGO_PREDICT_H
#define KM_ALGO_PREDICT_H

#include "algo/step.h"

/** A model as written, and where the rows that it was trained on were clustered: at (row - origin)
 * * 2^exponent. */
struct km_written {
    const struct km_mat *rows; /* (k, d) */
    const float *origin;       /* (d); 0 for sparse rows */
    int exponent;
};

struct km_predict;

/** For blocks of rows as size says, its k and d those of the model. The model is copied. *p is NULL
 * on failure. */
int km_predict_new(struct km_predict **p, const struct km_written *model,
                   const struct km_step_size *size, const struct km_kernels *kern,
                   struct km_pool *pool, struct km_err *err);
void km_predict_free(struct km_predict *p); /* NULL is fine */

/**
 * A block of rows as given, which are moved in place: dist2 (NULL: not wanted) the squared distance
 * of each to the nearest row of the model. Returns their sum (weights are not used), exact up to
 * the rounding of sums.
 */
double km_predict(struct km_predict *p, double *dist2, struct km_rows *rows);

/** The nearest row of the model, of equals the lowest, for each row of the last call. */
const uint32_t *km_predict_labels(const struct km_predict *p);

/**
 * Labels (NULL: not wanted) and squared distances of rows that lie where the training keeps them,
 * which stay as they are; the distances are those there.
 */
int km_predict_kept(uint32_t *label, double *dist2, const struct km_rows *rows,
                    const struct km_written *model, const struct km_kernels *kern,
                    struct km_pool *pool, struct km_err *err);

#endif
