/* SPDX-License-Identifier: Apache-2.0 */
/* A matrix of float32 rows with padding, the one shape in which rows travel through the program. */
#ifndef KM_BASE_MAT_H
#define KM_BASE_MAT_H

#include "base/err.h"
#include <stddef.h>

/**
 * n rows of d values, ld floats from one row to the next. The first row starts on 64 bytes. The
 * padding (columns d to ld) is zero and stays zero, so kernels may read and multiply whole rows.
 */
struct km_mat {
    float *v;  /* (n, ld) */
    size_t n;  /* rows */
    size_t d;  /* columns that mean something */
    size_t ld; /* leading dimension, km_mat_ld(d) */
};

/**
 * Leading dimension of rows with d columns: a multiple of 16 from d = 16 on (a row starts on a
 * cache line) but not one of 1024 (rows would compete for the same lines of the cache), below that
 * the next power of two (small rows stay small, and do not straddle a line).
 */
size_t km_mat_ld(size_t d);

/** Allocates n zero rows of d columns. On failure *m is empty and km_mat_done may be called. */
int km_mat_init(struct km_mat *m, size_t n, size_t d, struct km_err *err);

/** Frees the rows; an empty (zeroed) matrix is fine. */
void km_mat_done(struct km_mat *m);

/** Row i. */
static inline float *km_mat_row(const struct km_mat *m, size_t i)
{
    return m->v + i * m->ld;
}

/** Rows from to from + n of m, without owning them. */
static inline struct km_mat km_mat_view(const struct km_mat *m, size_t from, size_t n)
{
    return (struct km_mat){m->v + from * m->ld, n, m->d, m->ld};
}

#endif
