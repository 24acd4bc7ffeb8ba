/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/sparse_centers.h"

#include "algo/seed.h"
#include "base/mem.h"
#include "base/scale.h"
#include "base/size.h"
#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* Sums are written anew above this ratio; float64 keeps 13 bits of a row's last digit below it. */
#define MOST_RATIO 0x1p40
/* Centers whose lanes share a cache line: one thread at a time should write there. */
#define LINE 16
/* A line of lanes is written whole where its centers received a value for every WHOLE_CELLS cells
 * of it, or more. */
#define WHOLE_CELLS 4
/* Rows of a piece of work that adds rows to sums; shares of all values that a piece is below. */
#define PIECE_ROWS  64
#define PIECE_SHARE 16
/* Features of a task that writes lines, and of a tile within it. */
#define TASK_FEATURES 1024
#define TILE_FEATURES 16

/* A center that has forgotten everything weighs this: nothing beside the next row. */
#define LEAST_WEIGHT 1e-30

static size_t lines(size_t k)
{
    return km_ceil_div(k, LINE);
}

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
    c->values = km_alloc(k, sizeof(*c->values));
    c->count = km_alloc(k, sizeof(*c->count));
    c->cut = km_alloc(k + 1, sizeof(*c->cut));
    c->form = km_alloc(lines(k), 1);
    if (c->sum && c->ratio && c->unit && c->norm2 && c->touched && c->stale && c->values &&
        c->count && c->cut && c->form && km_lanes_init(&c->lanes, k, d, err) == KM_OK)
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
    km_free(c->values);
    km_free(c->count);
    km_free(c->cut);
    km_free(c->form);
    km_lanes_done(&c->lanes);
    *c = (struct km_sparse_centers){0};
}

static void publish_half(struct km_sparse_centers *c, size_t j)
{
    c->lanes.exact_half[j] = 0.5 * c->norm2[j] / c->ratio[j] / c->ratio[j];
    c->lanes.half[j] = (float)c->lanes.exact_half[j];
}

/* The numbers that the kernel multiplies with. */
static void publish_scale(struct km_sparse_centers *c, size_t j)
{
    c->lanes.scale[j] = (float)(-1 / c->ratio[j]);
    publish_half(c, j);
}

static void publish_center(struct km_sparse_centers *c, size_t j)
{
    for (size_t t = 0; t < c->d; t++)
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

void km_sparse_centers_scale(struct km_sparse_centers *c, int exponent)
{
    double by = ldexp(1, exponent);

    for (size_t i = 0; i < c->k * c->d; i++)
        c->sum[i] *= by;
    for (size_t p = 0; p < km_lanes_panels(c->k); p++)
        km_scale(km_lanes_panel(&c->lanes, p), km_lanes_width(c->k, p) * c->d, exponent);
    for (size_t j = 0; j < c->k; j++) {
        c->norm2[j] *= by * by;
        c->lanes.exact_half[j] *= by * by;
        c->lanes.half[j] = (float)c->lanes.exact_half[j];
    }
    c->most_norm2 *= by * by;
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
    size_t end = km_min((task + 1) * UPDATE_ROWS, u->x->n);

    (void)worker;
    for (size_t i = task * UPDATE_ROWS; i < end; i++) {
        double dist2 = u->norm2[i] - 2 * km_csr_dot(u->x, i, u->point) + u->point2;

        if (dist2 < (double)u->dist2[i])
            u->dist2[i] = dist2 > 0 ? (float)dist2 : 0;
    }
}

/* dist2 of all rows, where center j is row i as well. */
static void update_all(struct update *u, struct km_sparse_centers *c, size_t j, size_t i,
                       struct km_pool *pool)
{
    double *point = c->sum + j * c->d;

    for (size_t e = u->x->at[i]; e < u->x->at[i] + u->x->len[i]; e++)
        point[u->x->col[e]] = (double)u->x->val[e];
    u->point = point;
    u->point2 = km_csr_norm2(u->x, i);
    km_pool_run(pool, update_block, u, km_ceil_div(u->x->n, UPDATE_ROWS));
    for (size_t e = u->x->at[i]; e < u->x->at[i] + u->x->len[i]; e++)
        point[u->x->col[e]] = 0;
}

/* The best of some rows drawn for center j: the one that leaves the least. tried: u->x->n
 * values. */
static size_t draw_best(struct update *u, struct km_sparse_centers *c, size_t j,
                        const double *weight, size_t draws, float *tried, struct km_pool *pool,
                        struct km_rng *rng)
{
    float *dist2 = u->dist2;
    double least = (double)INFINITY;
    size_t n = u->x->n, best = 0;

    for (; draws > 0; draws--) {
        size_t row = km_seed_draw(dist2, weight, n, rng);
        double left;

        memcpy(tried, dist2, n * sizeof(*tried));
        u->dist2 = tried;
        update_all(u, c, j, row, pool);
        u->dist2 = dist2;
        left = km_seed_potential(tried, weight, n);
        if (left < least) {
            best = row;
            least = left;
        }
    }
    return best;
}

int km_sparse_seed_plusplus(struct km_sparse_centers *c, const struct km_csr *x,
                            const double *weight, size_t draws, struct km_sparse *s,
                            struct km_rng *rng, struct km_err *err)
{
    float *dist2 = km_alloc(x->n, 2 * sizeof(*dist2));
    struct update u = {.x = x, .norm2 = s->norm2, .dist2 = dist2};

    if (!dist2)
        return km_fail(err, KM_E_MEM, "no memory for k-means++ on %zu rows", x->n);
    km_sparse_norms(s, x, NULL);
    for (size_t i = 0; i < x->n; i++)
        dist2[i] = INFINITY;
    for (size_t j = 0; j < c->k; j++) {
        size_t row = j > 0 && draws > 1
                         ? draw_best(&u, c, j, weight, draws, dist2 + x->n, s->pool, rng)
                         : km_seed_draw(dist2, weight, x->n, rng);

        if (j + 1 < c->k)
            update_all(&u, c, j, row, s->pool);
        set_center(c, j, x, row);
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
        publish_half(c, j);
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

/*
 * How the lanes of a line of centers learn what a block changed. Either way costs no more than the
 * block's values: a line is written whole only where there are many.
 */
enum form {
    LATER,   /* when the mini-batch ends */
    EACH,    /* value by value, by the piece that adds the line's rows */
    EACH_OF, /* the same, but the line is in several pieces */
    WHOLE,   /* in tiles, when all rows are added */
};

struct take {
    struct km_sparse_centers *c;
    const struct km_sparse *s;
    const struct km_csr *x;
    size_t pieces;
};

static void count_values(struct km_sparse_centers *c, const struct km_sparse *s,
                         const struct km_csr *x)
{
    memset(c->values, 0, c->k * sizeof(*c->values));
    for (size_t i = 0; i < x->n; i++)
        c->values[s->label[i]] += x->len[i];
}

/* Chooses the form of each line and cuts the labels into pieces: c->cut[0 .. t->pieces]. */
static void plan_pieces(struct take *t, int ends)
{
    struct km_sparse_centers *c = t->c;
    const uint32_t *first = t->s->first;
    size_t total = km_csr_values(t->x), from = 0;

    count_values(c, t->s, t->x);
    t->pieces = 0;
    c->cut[0] = 0;
    for (size_t l = 0; l < lines(c->k); l++) {
        size_t j = l * LINE, end = km_min(j + LINE, c->k), values = 0;
        int together;

        for (size_t i = j; i < end; i++)
            values += c->values[i];
        together = values <= total / PIECE_SHARE;
        c->form[l] = (unsigned char)(!ends                                 ? LATER
                                     : values >= LINE * c->d / WHOLE_CELLS ? WHOLE
                                     : together                            ? EACH
                                                                           : EACH_OF);
        for (; j < end; j++)
            if ((c->form[l] != EACH && first[j + 1] - first[from] >= PIECE_ROWS) || j + 1 == end) {
                c->cut[++t->pieces] = (uint32_t)(j + 1);
                from = j + 1;
            }
    }
}

/* A row's values may be anywhere, and so may the cells of the sum that it changes: both are asked
 * for ahead. */
static void ask_row(const struct km_csr *x, size_t i)
{
    for (size_t e = x->at[i]; e < x->at[i] + x->len[i]; e += 16) {
        __builtin_prefetch(x->col + e);
        __builtin_prefetch(x->val + e);
    }
}

static void ask_sum(const double *sum, const struct km_csr *x, size_t i)
{
    for (size_t e = x->at[i]; e < x->at[i] + x->len[i]; e++)
        __builtin_prefetch(sum + x->col[e], 1);
}

/* Adds `each` times row i to sum. Returns by how much that changes |sum|^2. */
static double add_row(double *sum, const struct km_csr *x, size_t i, double each)
{
    const uint32_t *col = x->col + x->at[i];
    const float *val = x->val + x->at[i];
    size_t len = x->len[i], e = 0;
    double grown[2] = {0, 0}; /* two chains: one would wait for itself */

    for (; e + 2 <= len; e += 2)
        for (size_t r = 0; r < 2; r++) {
            double before = sum[col[e + r]], step = (double)val[e + r] * each;
            double after = before + step;

            sum[col[e + r]] = after;
            grown[r] += step * (before + after);
        }
    for (; e < len; e++) {
        double before = sum[col[e]], step = (double)val[e] * each, after = before + step;

        sum[col[e]] = after;
        grown[0] += step * (before + after);
    }
    return grown[0] + grown[1];
}

static void take_label(const struct take *t, size_t j)
{
    const uint32_t *order = t->s->order;
    size_t from = t->s->first[j], end = t->s->first[j + 1];
    unsigned char form = t->c->form[j / LINE];
    struct km_sparse_taker taker;

    if (from == end)
        return;
    taker = km_sparse_centers_taker(t->c, j, (double)(end - from));
    for (size_t o = from; o < end; o++) {
        ask_row(t->x, order[km_min(o + 2, end - 1)]);
        ask_sum(taker.sum, t->x, order[km_min(o + 1, end - 1)]);
        taker.norm2 += add_row(taker.sum, t->x, order[o], taker.each);
    }
    km_sparse_centers_taken(t->c, j, &taker);
    t->c->count[j] += taker.rows;
    for (size_t o = from; o < end && (form == EACH || form == EACH_OF); o++) {
        size_t at = t->x->at[order[o]];

        for (size_t e = at; e < at + t->x->len[order[o]]; e++)
            taker.lanes[t->x->col[e] * taker.width] = (float)taker.sum[t->x->col[e]];
    }
}

static void take_piece(void *arg, size_t task, int worker)
{
    const struct take *t = arg;

    (void)worker;
    for (size_t j = t->c->cut[task]; j < t->c->cut[task + 1]; j++)
        take_label(t, j);
}

/* Writes a line of lanes for features `from` to `end`: all, or those touched only. */
static void write_line(struct km_sparse_centers *c, size_t line, size_t from, size_t end, int all)
{
    size_t first = line * LINE, m = km_min(LINE, c->k - first);
    float *lanes = km_lanes_at(&c->lanes, first, 0);
    size_t width = km_lanes_width(c->k, first / KM_LANES), n;

    for (size_t t = from; t < end; t += n) {
        float tile[LINE][TILE_FEATURES];

        n = km_min(TILE_FEATURES, end - t);
        if (!all && !memchr(c->touched + t, 1, n))
            continue;
        for (size_t j = 0; j < m; j++)
            for (size_t i = 0; i < n; i++)
                tile[j][i] = (float)c->sum[(first + j) * c->d + t + i];
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < m; j++)
                lanes[(t + i) * width + j] = tile[j][i];
    }
}

static void write_task(void *arg, size_t task, int worker)
{
    struct km_sparse_centers *c = arg;
    size_t line = task % lines(c->k), from = task / lines(c->k) * TASK_FEATURES;
    size_t end = km_min(from + TASK_FEATURES, c->d);

    (void)worker;
    if (c->form[line] == WHOLE)
        write_line(c, line, from, end, 1);
    else if (c->pending)
        write_line(c, line, from, end, 0);
}

/* What the mini-batch has changed comes into the lanes, where it is not there already. */
void km_sparse_centers_publish(struct km_sparse_centers *c, struct km_pool *pool)
{
    int some = c->pending;

    for (size_t j = 0; j < c->k; j++) {
        if (c->stale[j])
            c->form[j / LINE] = WHOLE;
        c->stale[j] = 0;
        some |= c->form[j / LINE] == WHOLE;
        publish_scale(c, j);
    }
    if (some)
        km_pool_run(pool, write_task, c, lines(c->k) * km_ceil_div(c->d, TASK_FEATURES));
    if (c->pending)
        memset(c->touched, 0, c->d);
    memset(c->form, LATER, lines(c->k));
    c->pending = 0;
}

static void mark(struct km_sparse_centers *c, const struct km_csr *x)
{
    for (size_t i = 0; i < x->n; i++)
        for (size_t e = x->at[i]; e < x->at[i] + x->len[i]; e++)
            c->touched[x->col[e]] = 1;
    c->pending = 1;
}

double km_sparse_centers_label(struct km_sparse_centers *c, struct km_sparse *s,
                               const struct km_csr *x)
{
    double most = c->most_norm2, ssd = km_sparse_norms(s, x, &c->most_norm2);

    if (c->most_norm2 > most)
        make_room(c);
    km_sparse_label(s, x, &c->lanes);
    for (size_t i = 0; i < x->n; i++)
        ssd += 2 * (double)s->score[i];
    return ssd > 0 ? ssd : 0;
}

void km_sparse_centers_take(struct km_sparse_centers *c, struct km_sparse *s,
                            const struct km_csr *x, double decay, int ends)
{
    struct take t = {c, s, x, 0};

    km_sparse_centers_forget(c, decay);
    km_sparse_order(s, x->n, c->k);
    plan_pieces(&t, ends);
    km_pool_run(s->pool, take_piece, &t, t.pieces);
    if (!ends)
        mark(c, x);
    else
        km_sparse_centers_publish(c, s->pool);
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
