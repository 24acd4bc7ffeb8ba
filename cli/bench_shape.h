/* SPDX-License-Identifier: Apache-2.0 */
/* One row of `kmeans bench`: a shape, its data, and the work that is timed. */
#ifndef KM_CLI_BENCH_SHAPE_H
#define KM_CLI_BENCH_SHAPE_H

#include "algo/assign.h"
#include "algo/sparse_centers.h"
#include "cli/peak.h"

enum km_shape_kind {
    KM_SHAPE_PASS,   /* every row to its center, centers moved: as the training loop does it */
    KM_SHAPE_SEED,   /* k-means++ */
    KM_SHAPE_SHRINK, /* n weighted points to k centers, trials of `auto` */
};

struct km_bench_shape {
    char name[128];
    enum km_shape_kind kind;
    size_t n, d, k;
    size_t nnz;   /* values of a sparse row; 0: dense */
    size_t batch; /* rows of a mini-batch; 0: all rows are one batch */
};

/** A shape with its rows and first centers; several lanes may work on it. */
struct km_shape_data {
    struct km_bench_shape shape;
    struct km_mat x;
    struct km_centers start;
    struct km_csr sparse; /* the rows of a sparse shape: it has neither of the two above */
};

/** Bytes that a shape takes in all, with `lanes` lanes. */
double km_bench_shape_bytes(const struct km_bench_shape *s, size_t lanes);

/**
 * Rows of a mixture of 64 clusters, the same on every machine (bench/data.py makes the same ones),
 * and centers at every n / k-th row. Sparse rows: cli/bench_sparse.h.
 */
int km_shape_data_init(struct km_shape_data *data, const struct km_bench_shape *shape,
                       struct km_pool *pool, struct km_err *err);
void km_shape_data_done(struct km_shape_data *data); /* zeroed is fine */

/** Measured values; the median counts. */
struct km_samples {
    double *v;
    size_t n, max;
};

/** The median, 0 when there is none; sorts the values. */
double km_samples_median(struct km_samples *s);

/** A shape on a number of threads. */
struct km_lane {
    const struct km_shape_data *data;
    const struct km_kernels *kern;
    struct km_pool *pool;
    struct km_assign assign;
    struct km_centers centers;
    struct km_sums sums;
    struct km_sparse sparse_step; /* these two in place of the three above for sparse rows */
    struct km_sparse_centers sparse_centers;
    float *dist2;                         /* for k-means++ */
    struct km_samples seconds, fma, read; /* of a pass, of the machine at the same time */
};

/** `data` stays where it is until km_lane_done; pool NULL: one thread. */
int km_lane_init(struct km_lane *lane, const struct km_shape_data *data,
                 const struct km_kernels *kern, struct km_pool *pool, struct km_err *err);
void km_lane_done(struct km_lane *lane); /* zeroed is fine */

/** The work of the shape once, from the first centers. Seconds, or a negative error code. */
double km_lane_once(struct km_lane *lane, struct km_err *err);

/** One round: the peaks, a warm-up, then passes for at least `seconds`, each a sample. */
int km_lane_round(struct km_lane *lane, const struct km_peak *peak, double seconds,
                  struct km_err *err);

/**
 * What one pass of Lloyd (one epoch of mini-batches) from the first centers reaches: the mean
 * squared distance of the rows to their centers. One pass, since no center can be empty in it:
 * what to do with those is where programs differ. For KM_SHAPE_PASS only.
 */
double km_lane_objective(struct km_lane *lane);

#endif
