/* SPDX-License-Identifier: Apache-2.0 */
/* The sparse shapes of `kmeans bench`: their rows, and a pass over them as training does it. */
#ifndef KM_CLI_BENCH_SPARSE_H
#define KM_CLI_BENCH_SPARSE_H

#include "algo/sparse_centers.h"

/** Most features of a sparse shape: what a float32 counts up to. */
#define KM_BENCH_SPARSE_D ((size_t)1 << 24)

/**
 * n rows of exactly nnz values, like the words of a text: the busiest features are in nearly every
 * row, the rarest in few; about half of a row's are those of its cluster (of 64), the others its
 * own. Values are 0.5 to 1.5, features ascend. The same rows on every machine and in
 * bench/data.py. nnz <= d <= KM_BENCH_SPARSE_D.
 */
int km_bench_sparse_rows(struct km_csr *x, size_t n, size_t d, size_t nnz, struct km_err *err);

/** Most rows of a block, as training cuts them (16 MiB of values), at most n. */
size_t km_bench_sparse_block(size_t n, size_t nnz);

/**
 * All rows once, in mini-batches (0: one of all rows), block by block. Weights are multiplied by
 * `decay` at the start of each mini-batch: 1 in training; 0 makes a mini-batch a step of Lloyd.
 * Returns the sum of squared distances to the centers as each mini-batch met them.
 */
double km_bench_sparse_pass(struct km_sparse_centers *c, struct km_sparse *s,
                            const struct km_csr *x, size_t nnz, size_t batch, double decay);

#endif
