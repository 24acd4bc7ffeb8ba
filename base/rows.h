/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of either kind, dense or sparse, with or without weights: the one shape that rows travel in.
 *
 * Which kind rows are is decided once for a job (struct km_shape). Only the step, the learner and
 * the sample of algo/, and what decodes rows in io/, look into struct km_rows; everybody else asks
 * the functions below, which decide once for a block and never for a row.
 */
#ifndef KM_BASE_ROWS_H
#define KM_BASE_ROWS_H

#include "base/csr.h"
#include "base/mat.h"

struct km_rows {
    struct km_mat dense;  /* the rows, or */
    struct km_csr sparse; /* these, if sparse.d > 0 */
    const double *weight; /* (n) how many rows each stands for; NULL: 1 each. Not owned */
};

/** What the rows of a job are like. */
struct km_shape {
    size_t d;      /* features */
    size_t values; /* of a row: d of a dense one, about how many are not 0 of a sparse one */
    int sparse;
};

/** How many rows there is room for, and how many values of sparse ones (of dense ones: 0). */
struct km_room {
    size_t rows, values;
};

static inline int km_rows_are_sparse(const struct km_rows *r)
{
    return r->sparse.d > 0;
}

static inline size_t km_rows_n(const struct km_rows *r)
{
    return km_rows_are_sparse(r) ? r->sparse.n : r->dense.n;
}

static inline size_t km_rows_d(const struct km_rows *r)
{
    return km_rows_are_sparse(r) ? r->sparse.d : r->dense.d;
}

/** Weight of row i. */
static inline double km_rows_weight(const struct km_rows *r, size_t i)
{
    return r->weight ? r->weight[i] : 1;
}

/** Rows without owning them, of weight 1 each. */
struct km_rows km_rows_of_mat(const struct km_mat *x);
struct km_rows km_rows_of_csr(const struct km_csr *s);

/** No rows of that shape. */
struct km_rows km_rows_none(const struct km_shape *shape);

/** Rows from to from + n of r, without owning them. */
struct km_rows km_rows_view(const struct km_rows *r, size_t from, size_t n);

/** Allocates: as many dense rows, all zero; or no sparse row yet, and room for them. On failure *r
 * is empty. */
int km_rows_init(struct km_rows *r, const struct km_shape *shape, struct km_room room,
                 struct km_err *err);
void km_rows_done(struct km_rows *r); /* zeroed is fine; the weights are not freed */

/** Values of all rows: n * d of dense rows, the stored ones of sparse rows. */
size_t km_rows_values(const struct km_rows *r);

/** The largest absolute value (finite); 0 for none. */
float km_rows_most(const struct km_rows *r);

/** Every value becomes (value - origin) * 2^exponent (base/scale.h); origin: (d) for dense rows,
 * not used for sparse ones, whose zeros stay where they are. */
void km_rows_move(struct km_rows *r, const float *origin, int exponent);

/** Takes every value times 2^exponent. */
void km_rows_scale(struct km_rows *r, int exponent);

/** norm2[i] = |row i - origin|^2 in float64, feature after feature; origin NULL or sparse rows:
 * 0. */
void km_rows_norms(double *norm2, const struct km_rows *r, const float *origin);

/** Orders rows i and j by number (-0 is 0): < 0, 0, > 0. */
int km_rows_compare(const struct km_rows *r, size_t i, size_t j);

/* ---- rows that are put together from several places ---- */

/** Values that n of the rows, at even distances (row i * N / n of N), have in a list; of dense
 * rows: 0. */
size_t km_rows_some_values(const struct km_rows *r, size_t n);

/** Copies these rows of `from` to where row `row` and value `value` of r are. */
void km_rows_place(struct km_rows *r, size_t row, size_t value, const struct km_rows *from,
                   size_t n);

/** A list that rows consist of, one item for each row or for each value. */
struct km_rows_list {
    void *items;
    size_t bytes; /* of an item */
    int of_values;
};

#define KM_ROWS_LISTS 3

/** The lists of r; returns how many there are. */
size_t km_rows_lists(const struct km_rows *r, struct km_rows_list list[KM_ROWS_LISTS]);

/** All lists have n rows. */
void km_rows_complete(struct km_rows *r, size_t n);

/** What `bytes` hold of such rows, dense ones with `extra` bytes beside each; but room for `least`
 * rows. */
struct km_room km_shape_fit(const struct km_shape *shape, size_t bytes, size_t extra, size_t least);

/** Bytes of so much room. */
double km_shape_bytes(const struct km_shape *shape, struct km_room room);

#endif
