/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_sparse.h"

#include "base/size.h"
#include "cli/bench_random.h"

#define BLOCK_BYTES ((size_t)16 << 20) /* as in train/sparse.c */
#define VALUE_BYTES (sizeof(float) + sizeof(uint32_t))
/* A stream of random numbers for each purpose (bench/data.py has the same). */
#define PLACE_SEED 0x2545f491U
#define COIN_SEED  0x6c078965U
#define VALUE_SEED 0xb5297a4dU

/*
 * Values come in order of their features, one for each of nnz equal slices of 0..1: u^4 of a number
 * in slice e, times the features, plus e, so that no feature comes twice.
 */
static uint32_t feature(size_t e, size_t nnz, size_t d, float within)
{
    float u = ((float)e + within) / (float)nnz;

    u *= u;
    u *= u;
    return (uint32_t)e + (uint32_t)(u * (float)(d - nnz));
}

int km_bench_sparse_rows(struct km_csr *x, size_t n, size_t d, size_t nnz, struct km_err *err)
{
    int rc = km_csr_init(x, n, n * nnz, d, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < n; i++) {
        size_t cluster = km_bench_cluster(i);

        x->at[i] = i * nnz;
        x->len[i] = (uint32_t)nnz;
        for (size_t e = 0; e < nnz; e++) {
            size_t own = i * nnz + e, common = cluster * nnz + e;
            int shared = km_bench_unit((uint32_t)own ^ COIN_SEED) < 0.5F;
            uint32_t place = (uint32_t)(shared ? common : own + KM_BENCH_CLUSTERS * nnz);

            x->col[own] = feature(e, nnz, d, km_bench_unit(place ^ PLACE_SEED));
            x->val[own] = 0.5F + km_bench_unit((uint32_t)own ^ VALUE_SEED);
        }
    }
    x->n = n;
    x->nnz = n * nnz;
    return KM_OK;
}

size_t km_bench_sparse_block(size_t n, size_t nnz)
{
    size_t rows = BLOCK_BYTES / VALUE_BYTES / nnz;

    return km_min(n, rows < 1 ? 1 : rows);
}

double km_bench_sparse_pass(struct km_sparse_centers *c, struct km_sparse *s,
                            const struct km_csr *x, size_t nnz, size_t batch, double decay)
{
    size_t block = km_bench_sparse_block(x->n, nnz), left, n;
    double ssd = 0;

    if (batch == 0)
        batch = x->n;
    for (size_t from = 0; from < x->n; from += n) {
        struct km_csr rows;

        left = km_min(batch - from % batch, x->n - from); /* of the mini-batch */
        n = km_min(block, left);
        rows = km_csr_view(x, from, n);
        ssd += km_sparse_centers_label(c, s, &rows);
        km_sparse_centers_take(c, s, &rows, from % batch ? 1 : decay, n == left);
    }
    return ssd;
}
