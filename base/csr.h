/* SPDX-License-Identifier: Apache-2.0 */
/* Sparse rows: each row is its non-zero values and their columns. */
#ifndef KM_BASE_CSR_H
#define KM_BASE_CSR_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

/**
 * n rows of d columns. Row i is val[at[i] .. at[i] + len[i] - 1] in columns col[the same], none of
 * them twice, in any order; a column that is not named is zero. Rows may stand in any order in col
 * and val, so that rows are moved without their values.
 */
struct km_csr {
    size_t n;      /* rows */
    size_t d;      /* columns; 0: there are no sparse rows here */
    size_t *at;    /* (max_n) */
    uint32_t *len; /* (max_n) */
    uint32_t *col; /* (max_nnz) */
    float *val;    /* (max_nnz) */
    size_t nnz;    /* values in use: the end of the last row added */
    size_t max_n;
    size_t max_nnz;
};

/** Room for rows and values; memory is used only as they come. On failure *m is empty. */
int km_csr_init(struct km_csr *m, size_t max_n, size_t max_nnz, size_t d, struct km_err *err);

/** Frees the rows; an empty (zeroed) matrix is fine. */
void km_csr_done(struct km_csr *m);

/** No rows. */
static inline void km_csr_clear(struct km_csr *m)
{
    m->n = 0;
    m->nnz = 0;
}

/** Rows from to from + n of m, without owning them; no row can be added to it. */
static inline struct km_csr km_csr_view(const struct km_csr *m, size_t from, size_t n)
{
    return (struct km_csr){
        .n = n, .d = m->d, .at = m->at + from, .len = m->len + from, .col = m->col, .val = m->val};
}

/** Adds a copy of row i of `from`; there must be room for it. */
void km_csr_copy_row(struct km_csr *m, const struct km_csr *from, size_t i);

/** Values of all rows together. */
size_t km_csr_values(const struct km_csr *m);

/** |row i|^2. */
double km_csr_norm2(const struct km_csr *m, size_t i);

/** Row i times a dense vector (d values). */
double km_csr_dot(const struct km_csr *m, size_t i, const double *dense);

#endif
