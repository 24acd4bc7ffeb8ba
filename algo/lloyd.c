/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/lloyd.h"

#include "algo/loss.h"
#include "base/stop.h"
#include <string.h>

struct km_points km_points_of(const struct km_mat *x, const double *weight,
                              const struct km_kernels *kern)
{
    struct km_points p = {.x = *x, .weight = weight};

    for (size_t i = 0; i < x->n; i++) {
        struct km_mat row = km_mat_view(x, i, 1);
        double w = weight ? weight[i] : 1;

        p.total_weight += w;
        p.total_norm2 += w * kern->norm2(&row);
    }
    return p;
}

struct km_place km_place_of(const struct km_points *p, const double *at, size_t d)
{
    struct km_place place = {at, 0};

    for (size_t t = 0; p->s.d && t < d; t++)
        place.norm2 += at[t] * at[t];
    return place;
}

double km_points_dist2(const struct km_points *p, const struct km_kernels *kern, size_t i,
                       const struct km_place *place)
{
    double dist2 = place->norm2;

    if (!p->s.d)
        return kern->dist2(km_mat_row(&p->x, i), place->at, p->x.d);
    for (size_t e = p->s.at[i]; e < p->s.at[i] + p->s.len[i]; e++) {
        double v = (double)p->s.val[e];

        dist2 += v * (v - 2 * place->at[p->s.col[e]]);
    }
    return dist2 > 0 ? dist2 : 0;
}

void km_points_write(const struct km_points *p, size_t i, double *row, size_t d)
{
    if (p->s.d) {
        memset(row, 0, d * sizeof(*row));
        for (size_t e = p->s.at[i]; e < p->s.at[i] + p->s.len[i]; e++)
            row[p->s.col[e]] = (double)p->s.val[e];
    } else {
        for (size_t t = 0; t < d; t++)
            row[t] = (double)km_mat_row(&p->x, i)[t];
    }
}

static double add_sparse(const struct km_points *p, double *sum, const uint32_t *at, size_t n)
{
    double weight = 0;

    for (size_t m = 0; m < n; m++) {
        size_t i = at[m];
        double w = km_points_weight(p, i);

        for (size_t e = p->s.at[i]; e < p->s.at[i] + p->s.len[i]; e++)
            sum[p->s.col[e]] += w * (double)p->s.val[e];
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

    if (p->s.d)
        return add_sparse(p, sum, at, n);
    for (size_t i = 0; i < n; i += ADD_ROWS) {
        const float *row[ADD_ROWS];
        double w[ADD_ROWS];
        size_t some = n - i < ADD_ROWS ? n - i : ADD_ROWS;

        for (size_t m = 0; m < some; m++) {
            row[m] = km_mat_row(&p->x, at[i + m]);
            w[m] = km_points_weight(p, at[i + m]);
            weight += w[m];
        }
        kern->add(sum, row, p->weight ? w : NULL, some, p->x.d);
    }
    return weight;
}

/* Labels and sums of all rows; returns the share of them that is counted as measured. */
static double step(struct km_assign *a, struct km_sums *sums, struct km_bounds *bounds,
                   const struct km_centers *c, const struct km_points *p)
{
    if (bounds) {
        struct km_bounds_rows rows = {p->x, p->norm2, p->weight};

        km_bounds_step(bounds, a, &rows, c);
        return bounds->work / (double)p->x.n;
    }
    km_sums_clear(sums);
    if (p->s.d)
        km_sparse_add(p->step, sums, &p->s, p->weight, c);
    else
        km_assign_add(a, sums, &p->x, p->weight, c, 0);
    return 1;
}

/* The loss of the labels of the last step against the means of their rows, at which the centers are from here on. */
static double move(struct km_assign *a, const struct km_sums *sums, const struct km_bounds *bounds,
                   struct km_centers *c, const struct km_points *p)
{
    double loss = p->total_norm2 - km_centers_to_means(c, bounds ? &bounds->sums : sums);

    if (loss < KM_LOSS_SHARE * p->total_norm2)
        loss = km_loss(p, bounds ? bounds->label : a->label, c, a->kern, a->pool);
    return loss;
}

struct km_lloyd_result km_lloyd(struct km_assign *a, struct km_sums *sums, struct km_bounds *bounds,
                                struct km_centers *c, const struct km_points *p,
                                const struct km_lloyd_options *o)
{
    struct km_lloyd_result r = {.loss = p->total_norm2};
    struct km_relax none = {0}, *relax = o->relax ? o->relax : &none;

    while (r.iterations < o->max_iter && !r.converged && !(r.iterations > 0 && km_stop_is_late())) {
        double before = r.loss;
        int rose;

        if (r.iterations > 0)
            km_relax_beyond(relax, c);
        r.work += step(a, sums, bounds, c, p);
        km_relax_remember(relax, c);
        r.loss = move(a, sums, bounds, c, p);
        rose = relax->at && r.loss > before;
        if (rose)
            relax = &none;
        r.converged = r.iterations > 0 && !rose && before - r.loss <= o->tol * r.loss;
        r.iterations++;
    }
    return r;
}
