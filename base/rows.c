/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rows.h"

#include "base/scale.h"
#include <math.h>
#include <string.h>

#define VALUE_BYTES (sizeof(float) + sizeof(uint32_t))
/* What a sparse row costs beside its values, all that is kept about it taken together. */
#define SPARSE_ROW_BYTES 64

struct km_rows km_rows_of_mat(const struct km_mat *x)
{
    return (struct km_rows){.dense = *x};
}

struct km_rows km_rows_of_csr(const struct km_csr *s)
{
    return (struct km_rows){.sparse = *s};
}

struct km_rows km_rows_none(const struct km_shape *shape)
{
    if (shape->sparse)
        return (struct km_rows){.sparse = {.d = shape->d}};
    return (struct km_rows){.dense = {.d = shape->d, .ld = km_mat_ld(shape->d)}};
}

struct km_rows km_rows_view(const struct km_rows *r, size_t from, size_t n)
{
    struct km_rows view = {.weight = r->weight ? r->weight + from : NULL};

    if (km_rows_are_sparse(r))
        view.sparse = km_csr_view(&r->sparse, from, n);
    else
        view.dense = km_mat_view(&r->dense, from, n);
    return view;
}

int km_rows_init(struct km_rows *r, const struct km_shape *shape, struct km_room room,
                 struct km_err *err)
{
    *r = (struct km_rows){0};
    if (shape->sparse)
        return km_csr_init(&r->sparse, room.rows, room.values, shape->d, err);
    return km_mat_init(&r->dense, room.rows, shape->d, err);
}

void km_rows_done(struct km_rows *r)
{
    km_mat_done(&r->dense);
    km_csr_done(&r->sparse);
    r->weight = NULL;
}

size_t km_rows_values(const struct km_rows *r)
{
    return km_rows_are_sparse(r) ? km_csr_values(&r->sparse) : r->dense.n * r->dense.d;
}

float km_rows_most(const struct km_rows *r)
{
    float most = 0;

    if (km_rows_are_sparse(r))
        return km_scale_most(r->sparse.val, r->sparse.nnz);
    for (size_t i = 0; i < r->dense.n; i++)
        most = fmaxf(most, km_scale_most(km_mat_row(&r->dense, i), r->dense.d));
    return most;
}

void km_rows_move(struct km_rows *r, const float *origin, int exponent)
{
    if (km_rows_are_sparse(r)) {
        km_scale_move(r->sparse.val, NULL, r->sparse.nnz, exponent);
        return;
    }
    for (size_t i = 0; i < r->dense.n; i++)
        km_scale_move(km_mat_row(&r->dense, i), origin, r->dense.d, exponent);
}

void km_rows_scale(struct km_rows *r, int exponent)
{
    if (km_rows_are_sparse(r)) {
        km_scale(r->sparse.val, r->sparse.nnz, exponent);
        return;
    }
    for (size_t i = 0; i < r->dense.n; i++)
        km_scale(km_mat_row(&r->dense, i), r->dense.d, exponent);
}

static double dense_norm2(const float *row, const float *origin, size_t d)
{
    double norm2 = 0;

    for (size_t t = 0; t < d; t++) {
        double v = (double)row[t] - (origin ? (double)origin[t] : 0);

        norm2 += v * v;
    }
    return norm2;
}

void km_rows_norms(double *norm2, const struct km_rows *r, const float *origin)
{
    for (size_t i = 0; i < r->sparse.n; i++)
        norm2[i] = km_csr_norm2(&r->sparse, i);
    for (size_t i = 0; i < r->dense.n; i++)
        norm2[i] = dense_norm2(km_mat_row(&r->dense, i), origin, r->dense.d);
}

/* By number: -0 is 0. */
#define COMPARE(a, b, n)                                                                           \
    for (size_t t = 0; t < (n); t++)                                                               \
        if ((a)[t] < (b)[t] || (a)[t] > (b)[t])                                                    \
            return (a)[t] < (b)[t] ? -1 : 1;

static int compare_sparse(const struct km_csr *s, size_t i, size_t j)
{
    const uint32_t *col_i = s->col + s->at[i], *col_j = s->col + s->at[j];
    const float *a = s->val + s->at[i], *b = s->val + s->at[j];

    if (s->len[i] != s->len[j])
        return s->len[i] < s->len[j] ? -1 : 1;
    COMPARE(col_i, col_j, s->len[i])
    COMPARE(a, b, s->len[i])
    return 0;
}

int km_rows_compare(const struct km_rows *r, size_t i, size_t j)
{
    const float *a, *b;

    if (km_rows_are_sparse(r))
        return compare_sparse(&r->sparse, i, j);
    a = km_mat_row(&r->dense, i);
    b = km_mat_row(&r->dense, j);
    COMPARE(a, b, r->dense.d)
    return 0;
}

size_t km_rows_some_values(const struct km_rows *r, size_t n)
{
    size_t values = 0;

    for (size_t i = 0; km_rows_are_sparse(r) && i < n; i++)
        values += r->sparse.len[i * r->sparse.n / n];
    return values;
}

static void place_sparse(struct km_csr *s, size_t row, size_t value, const struct km_csr *from,
                         size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t source = i * from->n / n, at = from->at[source], len = from->len[source];

        s->len[row + i] = from->len[source];
        memcpy(s->col + value, from->col + at, len * sizeof(*s->col));
        memcpy(s->val + value, from->val + at, len * sizeof(*s->val));
        value += len;
    }
}

void km_rows_place(struct km_rows *r, size_t row, size_t value, const struct km_rows *from,
                   size_t n)
{
    if (km_rows_are_sparse(r)) {
        place_sparse(&r->sparse, row, value, &from->sparse, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        memcpy(km_mat_row(&r->dense, row + i), km_mat_row(&from->dense, i * from->dense.n / n),
               r->dense.ld * sizeof(float));
}

size_t km_rows_lists(const struct km_rows *r, struct km_rows_list list[KM_ROWS_LISTS])
{
    const struct km_csr *s = &r->sparse;

    list[0] = (struct km_rows_list){r->dense.v, r->dense.ld * sizeof(float), 0};
    if (!km_rows_are_sparse(r))
        return 1;
    list[0] = (struct km_rows_list){s->len, sizeof(*s->len), 0};
    list[1] = (struct km_rows_list){s->col, sizeof(*s->col), 1};
    list[2] = (struct km_rows_list){s->val, sizeof(*s->val), 1};
    return 3;
}

void km_rows_complete(struct km_rows *r, size_t n)
{
    struct km_csr *s = &r->sparse;

    if (!km_rows_are_sparse(r)) {
        r->dense.n = n;
        return;
    }
    s->n = n;
    s->nnz = 0;
    for (size_t i = 0; i < n; i++) {
        s->at[i] = s->nnz;
        s->nnz += s->len[i];
    }
}

static size_t row_bytes(const struct km_shape *shape)
{
    return shape->sparse ? SPARSE_ROW_BYTES : km_mat_ld(shape->d) * sizeof(float);
}

struct km_room km_shape_fit(const struct km_shape *shape, size_t bytes, size_t extra, size_t least)
{
    size_t row = row_bytes(shape) + (shape->sparse ? 0 : extra), want = least * shape->values;
    struct km_room room = {bytes / row, shape->sparse ? bytes / VALUE_BYTES : 0};

    room.rows = room.rows > least ? room.rows : least;
    if (shape->sparse && room.values < want)
        room.values = want;
    return room;
}

double km_shape_bytes(const struct km_shape *shape, struct km_room room)
{
    return (double)room.rows * (double)row_bytes(shape) + (double)room.values * (double)VALUE_BYTES;
}
