/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the learners: what each kind of rows does its own way. Contracts: algo/learner.h. */
#ifndef KM_ALGO_LEARNER_KIND_H
#define KM_ALGO_LEARNER_KIND_H

#include "algo/learner.h"

struct km_learner_kind {
    size_t size; /* of its struct, which begins with a struct km_learner */
    int (*init)(struct km_learner *l, struct km_err *err);
    void (*done)(struct km_learner *l);
    double (*bytes)(const struct km_learner_size *size);
    int (*start)(struct km_learner *l, const struct km_rows *rows, int plusplus, struct km_rng *rng,
                 struct km_err *err);
    void (*label)(struct km_learner *l, const struct km_rows *rows);
    void (*offer)(struct km_learner *l, struct km_sample *sample, const struct km_rows *rows);
    void (*add)(struct km_learner *l, const struct km_rows *rows, int ends);
    struct km_sums *(*close)(struct km_learner *l);
    int (*pack)(struct km_learner *l, struct km_pack *pack);
    int (*move)(struct km_learner *l, struct km_moved *moved, struct km_err *err);
    void (*scale)(struct km_learner *l, int exponent);
    int (*finish)(struct km_learner *l, struct km_centers *centers, struct km_err *err);
};

struct km_learner {
    const struct km_learner_kind *kind;
    struct km_learner_size size;
    const struct km_kernels *kern;
    struct km_pool *pool;
};

extern const struct km_learner_kind km_learner_dense, km_learner_sparse;

/** What the centers' weights are multiplied by when so many rows come. */
double km_learner_decay(const struct km_learner *l, double rows);

/** KM_E_BUG unless the k counts of rows that centers received add up to `rows`. */
int km_learner_check(const double *count, size_t k, double rows, struct km_err *err);

#endif
