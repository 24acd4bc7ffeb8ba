/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/sparse_centers.h"

#include "algo/seed.h"
#include "base/mem.h"
#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* Sums are written anew above this ratio; float64 keeps 13 bits of a row's last digit below it. */
#define MOST_RATIO 0x1p40
/* A center that has forgotten everything weighs this: nothing beside the next row. */
#define LEAST_WEIGHT 1e-30

int km_sparse_centers_init(struct km_sparse_centers *c, size_t k, size_t d, struct km_err *err)
{
    size_t cells;

    *c = (struct km_sparse_centers){.k = k, .d = d};
    if (!__builtin_mul_overflow(k, d, &cells))
        c->sum = km_alloc(cells, sizeof(*c->sum));
    c->ratio = km_alloc(k, sizeof(*c->ratio));
    c->unit = km_alloc(k, sizeof(*c->unit));
    c->norm2 = km_alloc(k, sizeof(*c->norm2));
    c->touched = km_alloc(d, 1);
    c->stale = km_alloc(k, 1);
    if (c->sum && c->ratio && c->unit && c->norm2 && c->touched && c->stale &&
        km_lanes_init(&c->lanes, k, d, err) == KM_OK)
        return KM_OK;
    km_sparse_centers_done(c);
    return km_fail(err, KM_E_MEM, "no memory for %zu centers of %zu features", k, d);
}

void km_sparse_centers_done(struct km_sparse_centers *c)
{
    km_free(c->sum);
    km_free(c->ratio);
    km_free(c->unit);
    km_free(c->norm2);
    km_free(c->touched);
    km_free(c->stale);
    km_lanes_done(&c->lanes);
    *c = (struct km_sparse_centers){0};
}

/* The numbers that the kernel multiplies with. */
static void publish_scale(struct km_sparse_centers *c, size_t j)
{
    c->lanes.scale[j] = (float)(-1 / c->ratio[j]);
    c->lanes.half[j] = (float)(0.5 * c->norm2[j] / c->ratio[j] / c->ratio[j]);
}

static void publish_center(struct km_sparse_centers *c, size_t j)
{
    for (size_t t = 0; t < c->d; t++)
        *km_lanes_at(&c->lanes, j, t) = (float)c->sum[j * c->d + t];
}

static void publish_feature(struct km_sparse_centers *c, size_t t)
{
    for (size_t j = 0; j < c->k; j++)
        *km_lanes_at(&c->lanes, j, t) = (float)c->sum[j * c->d + t];
}

/* Divides the sum and the ratio of a center by the same number; the center stays what it is. */
static void rescale(struct km_sparse_centers *c, size_t j, double by)
{
    for (size_t t = 0; t < c->d; t++)
        c->sum[j * c->d + t] /= by;
    c->ratio[j] /= by;
    c->norm2[j] = c->norm2[j] / by / by;
    c->unit[j] *= by;
}

/* ---- the start ---- */

static void set_center(struct km_sparse_centers *c, size_t j, const struct km_csr *x, size_t i)
{
    double *sum = c->sum + j * c->d;

    for (size_t e = x->at[i]; e < x->at[i] + x->len[i]; e++) {
        sum[x->col[e]] = (double)x->val[e];
        *km_lanes_at(&c->lanes, j, x->col[e]) = x->val[e];
    }
    c->ratio[j] = 1;
    c->unit[j] = 1;
    c->norm2[j] = km_csr_norm2(x, i);
    publish_scale(c, j);
}

void km_sparse_seed_random(struct km_sparse_centers *c, const struct km_csr *x, struct km_rng *rng)
{
    for (size_t j = 0; j < c->k; j++)
        set_center(c, j, x, km_rng_below(rng, x->n));
}

void km_sparse_seed_evenly(struct km_sparse_centers *c, const struct km_csr *x)
{
    assert(x->n >= c->k);
    memset(c->sum, 0, c->k * c->d * sizeof(*c->sum));
    for (size_t p = 0; p < km_lanes_panels(c->k); p++)
        memset(km_lanes_panel(&c->lanes, p), 0, km_lanes_width(c->k, p) * c->d * sizeof(float));
    memset(c->touched, 0, c->d);
    memset(c->stale, 0, c->k);
    c->pending = 0;
    c->most_norm2 = 0;
    for (size_t j = 0; j < c->k; j++)
        set_center(c, j, x, j * (x->n / c->k));
}

struct update {
    const struct km_csr *x;
    const double *norm2; /* of the rows */
    const double *point; /* the new center, written out */
    double point2;
    float *dist2;
};

#define UPDATE_ROWS 256
static void update_block(void *arg, size_t task, int worker)
{
    const struct update *u = arg;
    size_t end = (task + 1) * UPDATE_ROWS < u->x->n ? (task + 1) * UPDATE_ROWS : u->x->n;

    (void)worker;
    for (size_t i = task * UPDATE_ROWS; i < end; i++) {
        double dist2 = u->norm2[i] - 2 * km_csr_dot(u->x, i, u->point) + u->point2;

        if (dist2 < (double)u->dist2[i])
            u->dist2[i] = dist2 > 0 ? (float)dist2 : 0;
    }
}

int km_sparse_seed_plusplus(struct km_sparse_centers *c, const struct km_csr *x,
                            struct km_sparse *s, struct km_rng *rng, struct km_err *err)
{
    float *dist2 = km_alloc(x->n, sizeof(*dist2));
    struct update u = {.x = x, .norm2 = s->norm2, .dist2 = dist2};

    if (!dist2)
        return km_fail(err, KM_E_MEM, "no memory for k-means++ on %zu rows", x->n);
    km_sparse_norms(s, x, NULL);
    for (size_t i = 0; i < x->n; i++)
        dist2[i] = INFINITY;
    for (size_t j = 0; j < c->k; j++) {
        set_center(c, j, x, km_seed_draw(dist2, NULL, x->n, rng));
        u.point = c->sum + j * c->d;
        u.point2 = c->norm2[j];
        if (j + 1 < c->k)
            km_pool_run(s->pool, update_block, &u, (x->n + UPDATE_ROWS - 1) / UPDATE_ROWS);
    }
    km_free(dist2);
    return KM_OK;
}

/* ---- the pass ---- */

void km_sparse_centers_forget(struct km_sparse_centers *c, double decay)
{
    for (size_t j = 0; decay < 1 && j < c->k; j++) {
        c->unit[j] *= decay;
        if (c->unit[j] * c->ratio[j] < LEAST_WEIGHT)
            c->unit[j] = LEAST_WEIGHT / c->ratio[j];
    }
}

static double most_ratio(double most_norm2)
{
    double fit = (double)FLT_MAX / 2 / most_norm2;

    return most_norm2 > 0 && fit < MOST_RATIO ? fit : MOST_RATIO;
}

/* Rows of unheard size have come: sums that they could overflow with become smaller. */
static void make_room(struct km_sparse_centers *c)
{
    for (size_t j = 0; j < c->k; j++)
        if (1 / -(double)c->lanes.scale[j] > most_ratio(c->most_norm2)) {
            rescale(c, j, c->ratio[j]);
            publish_center(c, j);
            publish_scale(c, j);
        }
}

void km_sparse_centers_make_room(struct km_sparse_centers *c, double most_norm2)
{
    for (size_t j = 0; j < c->k; j++) {
        if (1 / -(double)c->lanes.scale[j] <= most_ratio(most_norm2))
            continue;
        for (size_t t = 0; t < c->d; t++)
            *km_lanes_at(&c->lanes, j, t) = (float)(c->sum[j * c->d + t] / c->ratio[j]);
        c->lanes.scale[j] = -1;
        c->lanes.half[j] = (float)(0.5 * c->norm2[j] / c->ratio[j] / c->ratio[j]);
        c->stale[j] = 1;
    }
}

void km_sparse_centers_bound(struct km_sparse_centers *c, double most_norm2)
{
    if (most_norm2 > c->most_norm2)
        c->most_norm2 = most_norm2;
    for (size_t j = 0; j < c->k; j++)
        if (c->ratio[j] > most_ratio(c->most_norm2)) {
            rescale(c, j, c->ratio[j]);
            c->stale[j] = 1;
        }
}

struct km_sparse_taker km_sparse_centers_taker(struct km_sparse_centers *c, size_t j, double rows)
{
    double by = c->ratio[j] + rows / c->unit[j];

    if (by > most_ratio(c->most_norm2)) {
        rescale(c, j, by);
        c->stale[j] = 1;
    }
    return (struct km_sparse_taker){
        .sum = c->sum + j * c->d,
        .lanes = km_lanes_at(&c->lanes, j, 0),
        .width = km_lanes_width(c->k, j / KM_LANES),
        .rows = rows,
        .each = 1 / c->unit[j],
    };
}

void km_sparse_centers_taken(struct km_sparse_centers *c, size_t j, const struct km_sparse_taker *t)
{
    c->ratio[j] += t->rows * t->each;
    c->norm2[j] += t->norm2;
}

struct take {
    struct km_sparse_centers *c;
    const struct km_sparse *s;
    const struct km_csr *x;
    int ends;
};

/* The rows of one label; with `ends` straight into the lanes, too. */
static void take_label(void *arg, size_t j, int worker)
{
    const struct take *t = arg;
    const struct km_csr *x = t->x;
    struct km_sparse_taker taker =
        km_sparse_centers_taker(t->c, j, (double)(t->s->first[j + 1] - t->s->first[j]));

    (void)worker;
    if (!t->ends)
        taker.lanes = NULL;
    for (size_t o = t->s->first[j]; o < t->s->first[j + 1]; o++) {
        size_t i = t->s->order[o], end = x->at[i] + x->len[i];

        for (size_t e = x->at[i]; e < end; e++)
            km_sparse_taker_add(&taker, x->col[e], (double)x->val[e]);
    }
    km_sparse_centers_taken(t->c, j, &taker);
}

/* What the blocks of a mini-batch have changed comes into the lanes: after one block it is there
 * already. */
void km_sparse_centers_publish(struct km_sparse_centers *c)
{
    for (size_t t = 0; c->pending && t < c->d; t++)
        if (c->touched[t]) {
            publish_feature(c, t);
            c->touched[t] = 0;
        }
    for (size_t j = 0; j < c->k; j++) {
        if (c->stale[j])
            publish_center(c, j);
        c->stale[j] = 0;
        publish_scale(c, j);
    }
    c->pending = 0;
}

static void mark(struct km_sparse_centers *c, const struct km_csr *x)
{
    for (size_t i = 0; i < x->n; i++)
        for (size_t e = x->at[i]; e < x->at[i] + x->len[i]; e++)
            c->touched[x->col[e]] = 1;
    c->pending = 1;
}

double km_sparse_centers_take(struct km_sparse_centers *c, struct km_sparse *s,
                              const struct km_csr *x, double decay, int ends)
{
    struct take t = {c, s, x, ends};
    double most = c->most_norm2, ssd = km_sparse_norms(s, x, &c->most_norm2);

    if (c->most_norm2 > most)
        make_room(c);
    km_sparse_label(s, x, &c->lanes);
    for (size_t i = 0; i < x->n; i++)
        ssd += 2 * (double)s->score[i];
    km_sparse_centers_forget(c, decay);
    km_sparse_order(s, x->n, c->k);
    km_sparse_each_label(s, x->n, c->k, take_label, &t);
    if (!ends)
        mark(c, x);
    else
        km_sparse_centers_publish(c);
    return ssd > 0 ? ssd : 0;
}

/* ---- the end ---- */

int km_sparse_centers_to_dense(struct km_centers *dense, struct km_sparse_centers *c,
                               struct km_err *err)
{
    int rc;

    km_lanes_done(&c->lanes); /* room for what comes */
    for (size_t j = 0; j < c->k; j++) {
        double weight = c->ratio[j] * c->unit[j];

        rescale(c, j, c->ratio[j]);
        c->unit[j] = weight;
    }
    rc = km_centers_adopt(dense, c->k, c->d, c->sum, c->unit, err);
    if (rc == KM_OK)
        c->sum = c->unit = NULL;
    km_sparse_centers_done(c);
    return rc;
}
