/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/points.h"

#include <string.h>

void km_points_norms(double *norm2, const struct km_rows *rows, size_t from, size_t to,
                     const struct km_kernels *kern)
{
    if (km_rows_are_sparse(rows)) {
        for (size_t i = from; i < to; i++)
            norm2[i] = km_csr_norm2(&rows->sparse, i);
        return;
    }
    for (size_t i = from; i < to; i++) {
        struct km_mat row = km_mat_view(&rows->dense, i, 1);

        norm2[i] = kern->norm2(&row);
    }
}

struct km_points km_points_of(const struct km_rows *rows, const struct km_kernels *kern)
{
    struct km_points p = {.rows = *rows};

    for (size_t i = 0; i < km_points_n(&p); i++) {
        struct km_rows row = km_rows_view(rows, i, 1);
        double w = km_points_weight(&p, i), norm2;

        km_points_norms(&norm2, &row, 0, 1, kern);
        p.total_weight += w;
        p.total_norm2 += w * norm2;
    }
    return p;
}

struct km_place km_place_of(const struct km_points *p, const double *at, size_t d)
{
    struct km_place place = {at, 0};

    for (size_t t = 0; km_rows_are_sparse(&p->rows) && t < d; t++)
        place.norm2 += at[t] * at[t];
    return place;
}

double km_points_dist2(const struct km_points *p, const struct km_kernels *kern, size_t i,
                       const struct km_place *place)
{
    const struct km_csr *s = &p->rows.sparse;
    double dist2 = place->norm2;

    if (!km_rows_are_sparse(&p->rows))
        return kern->dist2(km_mat_row(&p->rows.dense, i), place->at, p->rows.dense.d);
    for (size_t e = s->at[i]; e < s->at[i] + s->len[i]; e++) {
        double v = (double)s->val[e];

        dist2 += v * (v - 2 * place->at[s->col[e]]);
    }
    return dist2 > 0 ? dist2 : 0;
}

void km_points_write(const struct km_points *p, size_t i, double *row, size_t d)
{
    const struct km_csr *s = &p->rows.sparse;

    if (km_rows_are_sparse(&p->rows)) {
        memset(row, 0, d * sizeof(*row));
        for (size_t e = s->at[i]; e < s->at[i] + s->len[i]; e++)
            row[s->col[e]] = (double)s->val[e];
    } else {
        for (size_t t = 0; t < d; t++)
            row[t] = (double)km_mat_row(&p->rows.dense, i)[t];
    }
}

static double add_sparse(const struct km_points *p, double *sum, const uint32_t *at, size_t n)
{
    const struct km_csr *s = &p->rows.sparse;
    double weight = 0;

    for (size_t m = 0; m < n; m++) {
        size_t i = at[m];
        double w = km_points_weight(p, i);

        for (size_t e = s->at[i]; e < s->at[i] + s->len[i]; e++)
            sum[s->col[e]] += w * (double)s->val[e];
        weight += w;
    }
    return weight;
}

/* Some at a time, so that the sum is loaded and stored once for them. */
#define ADD_ROWS 64

double km_points_add(const struct km_points *p, const struct km_kernels *kern, double *sum,
                     const uint32_t *at, size_t n)
{
    double weight = 0;

    if (km_rows_are_sparse(&p->rows))
        return add_sparse(p, sum, at, n);
    for (size_t i = 0; i < n; i += ADD_ROWS) {
        const float *row[ADD_ROWS];
        double w[ADD_ROWS];
        size_t some = n - i < ADD_ROWS ? n - i : ADD_ROWS;

        for (size_t m = 0; m < some; m++) {
            row[m] = km_mat_row(&p->rows.dense, at[i + m]);
            w[m] = km_points_weight(p, at[i + m]);
            weight += w[m];
        }
        kern->add(sum, row, p->rows.weight ? w : NULL, some, p->rows.dense.d);
    }
    return weight;
}
