/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/sparse_reservoir.h"

#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

int km_sparse_reservoir_init(struct km_sparse_reservoir *r, size_t rows, size_t values, size_t d,
                             uint64_t seed, struct km_err *err)
{
    int rc;

    *r = (struct km_sparse_reservoir){.threshold = 1};
    km_rng_seed(&r->rng, seed, 'R', 0);
    if (!rows)
        return KM_OK;
    rc = km_csr_init(&r->rows, rows, values > d ? values : d, d, err);
    r->key = km_alloc(rows, sizeof(*r->key));
    r->sorted = km_alloc(rows, sizeof(*r->sorted));
    if (rc == KM_OK && (!r->key || !r->sorted))
        rc = km_fail(err, KM_E_MEM, "no memory for a sample of %zu rows", rows);
    if (rc)
        km_sparse_reservoir_done(r);
    return rc;
}

void km_sparse_reservoir_done(struct km_sparse_reservoir *r)
{
    km_csr_done(&r->rows);
    km_free(r->key);
    km_free(r->sorted);
    *r = (struct km_sparse_reservoir){0};
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

void km_sparse_reservoir_lower(struct km_sparse_reservoir *r, double threshold)
{
    struct km_csr *m = &r->rows;
    size_t n = m->n;

    if (threshold >= r->threshold)
        return;
    r->threshold = threshold;
    km_csr_clear(m);
    for (size_t i = 0; i < n; i++) {
        size_t at = m->at[i], len = m->len[i];

        if (r->key[i] >= r->threshold)
            continue;
        memmove(m->col + m->nnz, m->col + at, len * sizeof(*m->col));
        memmove(m->val + m->nnz, m->val + at, len * sizeof(*m->val));
        r->key[m->n] = r->key[i];
        m->at[m->n] = m->nnz;
        m->len[m->n++] = (uint32_t)len;
        m->nnz += len;
    }
}

/* Lets a quarter of the rows drop out. */
static void make_room(struct km_sparse_reservoir *r)
{
    size_t n = r->rows.n;

    memcpy(r->sorted, r->key, n * sizeof(*r->key));
    qsort(r->sorted, n, sizeof(*r->sorted), by_value);
    km_sparse_reservoir_lower(r, r->sorted[n * 3 / 4]);
}

void km_sparse_reservoir_offer(struct km_sparse_reservoir *r, const struct km_csr *x)
{
    struct km_csr *m = &r->rows;

    if (!m->max_n)
        return;
    for (size_t i = 0; i < x->n; i++) {
        double key = km_rng_unit(&r->rng);

        while (key < r->threshold && (m->n == m->max_n || x->len[i] > m->max_nnz - m->nnz))
            make_room(r);
        if (key >= r->threshold)
            continue;
        r->key[m->n] = key;
        km_csr_copy_row(m, x, i);
    }
}
