/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outline. A row keeps u and what speaks for it (its key); thresholds decide (sample.h).
 *
 *   offer         a block of rows, just labelled: rows that cannot be kept are out by their float32
 *                 score; the others are picked, measured in float64 by all threads, and taken in
 *                 order
 *   find_untried  a center that may have been made of a far row: its rows are measured to others
 *   shrink        no more room: thresholds that leave 7/8 of the rows, read from some of the rows
 *   lower         rows above the thresholds go; the last rows fill their places
 *   nest          orders rows by how far thresholds may fall until they go: the first n are a
 *                 sample again
 *   weights       1 / probability, for the first n rows
 */
#include "algo/sample.h"

#include "base/mem.h"
#include "base/scale.h"
#include "base/select.h"
#include "base/size.h"
#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* Rows that are left when there is no more room. */
#define LEFT(n) ((n)*7 / 8)
/* Thresholds come from about so many of the rows: off by a few per mille of them. */
#define LOOKED_AT 16384
#define AIM_BELOW 0.01
/* Of those, the share that is kept for its distance, and for its small cluster. */
#define FAR_SHARE  0.3
#define RARE_SHARE 0.2
/* Centers that a row is measured to where its own one says nothing; see find_untried. */
#define OTHERS 32
/* keep.far is below 2^90: the least distances that speak for a row, its chance over that, have all
 * digits. */
#define FAR_EXPONENT 90
/* More than a few operations of float32 are off by. */
#define SLACK (1 + 0x1p-20F)

/* A row of the block that may be kept. */
struct km_sample_pick {
    uint32_t row;
    struct km_sample_key key;
};

static int init_rows(struct km_sample *s, const struct km_sample_size *size, struct km_err *err)
{
    size_t room = size->rows + 1; /* a row comes, and then some go */
    int rc;

    if (size->values)
        return km_csr_init(&s->rows.sparse, room, km_max(size->values, size->d), size->d, err);
    rc = km_mat_init(&s->rows.dense, room, size->d, err);
    s->rows.dense.n = 0;
    return rc;
}

int km_sample_init(struct km_sample *s, const struct km_sample_size *size, uint64_t seed,
                   struct km_err *err)
{
    int rc;

    *s = (struct km_sample){.capacity = size->rows, .keep = {INFINITY, INFINITY, INFINITY}};
    km_rng_seed(&s->rng, seed, 'R', 0);
    if (!size->rows)
        return KM_OK;
    rc = init_rows(s, size, err);
    s->key = km_alloc(size->rows + 1, sizeof(*s->key));
    s->order = km_alloc(size->rows + 1, sizeof(*s->order));
    s->rarity = km_alloc(size->centers, sizeof(*s->rarity));
    s->came = km_alloc(size->centers, sizeof(*s->came));
    s->pick = km_alloc(size->block_rows, sizeof(*s->pick));
    if (rc == KM_OK && (!s->key || !s->order || !s->rarity || !s->came || !s->pick))
        rc = km_fail(err, KM_E_MEM, "no memory for a sample of %zu rows", size->rows);
    if (rc)
        km_sample_done(s);
    return rc;
}

void km_sample_done(struct km_sample *s)
{
    km_rows_done(&s->rows);
    km_free(s->key);
    km_free(s->order);
    km_free(s->rarity);
    km_free(s->came);
    km_free(s->pick);
    *s = (struct km_sample){0};
}

size_t km_sample_rows(const struct km_sample *s)
{
    return km_rows_n(&s->rows);
}

int km_sample_is_complete(const struct km_sample *s)
{
    return isinf(s->keep.any);
}

/* ---- what decides ---- */

static float float_of(double dist2)
{
    return dist2 < (double)FLT_MAX ? (float)dist2 : FLT_MAX;
}

/* A row is kept for one reason if its u is so small for what speaks for it. */
static float ratio_of(float u, float reason)
{
    return reason > 0 ? u / reason : INFINITY;
}

static int is_kept_for_distance(const struct km_sample_key *key, const struct km_sample_keep *keep)
{
    return ratio_of(key->u, key->dist2) < keep->far;
}

static int is_kept_for_rarity(const struct km_sample_key *key, const struct km_sample_keep *keep)
{
    return ratio_of(key->u, key->rarity) < keep->rare;
}

static int is_kept(const struct km_sample_key *key, const struct km_sample_keep *keep)
{
    return key->u < keep->any || is_kept_for_distance(key, keep) || is_kept_for_rarity(key, keep);
}

static double times(float threshold, float reason)
{
    return reason > 0 ? (double)threshold * (double)reason : 0;
}

/* The row's probability, before it is cut off at 1. */
static double chance_of(const struct km_sample_key *key, const struct km_sample_keep *keep)
{
    return fmax((double)keep->any,
                fmax(times(keep->far, key->dist2), times(keep->rare, key->rarity)));
}

/* ---- rows go ---- */

/* The last rows fill the holes. */
static void lower_dense(struct km_sample *s)
{
    struct km_mat *m = &s->rows.dense;

    for (size_t i = 0; i < m->n;) {
        if (is_kept(&s->key[i], &s->keep)) {
            i++;
        } else if (--m->n > i) {
            s->key[i] = s->key[m->n];
            memcpy(km_mat_row(m, i), km_mat_row(m, m->n), m->ld * sizeof(float));
        }
    }
}

/* Values are to lie one behind the other, so rows stay in order. */
static void lower_sparse(struct km_sample *s)
{
    struct km_csr *m = &s->rows.sparse;
    size_t n = m->n;

    km_csr_clear(m);
    for (size_t i = 0; i < n; i++) {
        size_t at = m->at[i], len = m->len[i];

        if (!is_kept(&s->key[i], &s->keep))
            continue;
        memmove(m->col + m->nnz, m->col + at, len * sizeof(*m->col));
        memmove(m->val + m->nnz, m->val + at, len * sizeof(*m->val));
        s->key[m->n] = s->key[i];
        m->at[m->n] = m->nnz;
        m->len[m->n++] = (uint32_t)len;
        m->nnz += len;
    }
}

void km_sample_lower(struct km_sample *s, struct km_sample_keep keep)
{
    s->keep = (struct km_sample_keep){fminf(s->keep.any, keep.any), fminf(s->keep.far, keep.far),
                                      fminf(s->keep.rare, keep.rare)};
    if (km_rows_are_sparse(&s->rows))
        lower_sparse(s);
    else
        lower_dense(s);
}

/* The threshold that so many of the n ratios are below. */
static float threshold_of(float *ratio, size_t n, double most)
{
    return (double)n > most ? km_select(ratio, n, (size_t)most) : INFINITY;
}

/* Thresholds for `most` of n rows, of which every step-th is looked at. */
static struct km_sample_keep choose(struct km_sample *s, size_t n, size_t step, double most)
{
    struct km_sample_keep keep = s->keep;
    const struct km_sample_key *key = s->key;
    size_t looked_at = 0, left = 0;

    for (size_t i = 0; i < n; i += step)
        s->order[looked_at++] = ratio_of(key[i].u, key[i].dist2);
    most *= (double)looked_at / (double)n;
    keep.far = fminf(keep.far, threshold_of(s->order, looked_at, FAR_SHARE * most));
    for (size_t i = 0; i < n; i += step)
        if (!is_kept_for_distance(&key[i], &keep))
            s->order[left++] = ratio_of(key[i].u, key[i].rarity);
    keep.rare = fminf(keep.rare, threshold_of(s->order, left, RARE_SHARE * most));
    left = 0;
    for (size_t i = 0; i < n; i += step)
        if (!is_kept_for_distance(&key[i], &keep) && !is_kept_for_rarity(&key[i], &keep))
            s->order[left++] = key[i].u;
    most = fmax(most - (double)(looked_at - left), 0);
    keep.any = fminf(keep.any, threshold_of(s->order, left, most));
    return keep;
}

void km_sample_shrink(struct km_sample *s, size_t most)
{
    size_t n = km_sample_rows(s), step = n / LOOKED_AT + 1;

    if (n <= most)
        return;
    km_sample_lower(s, choose(s, n, step, (step > 1 ? 1 - AIM_BELOW : 1) * (double)most));
    n = km_sample_rows(s);
    if (n > most)
        km_sample_lower(s, choose(s, n, 1, (double)most));
}

/*
 * The power of two that squared distances are taken times, and keep.far divided by: that of the
 * rows, unless keep.far would come near the end of float32. Then distances that come later are in a
 * smaller unit, and speak less for their rows; what a row was kept for stays what it was.
 */
static int unit_of(const struct km_sample *s, int exponent)
{
    int far, by = 2 * exponent;

    if (!isfinite(s->keep.far))
        return by;
    (void)frexpf(s->keep.far, &far);
    far -= FAR_EXPONENT;
    return by < far ? (far < 0 ? far : 0) : by;
}

void km_sample_scale(struct km_sample *s, int exponent)
{
    int by = unit_of(s, exponent);

    km_rows_scale(&s->rows, exponent);
    for (size_t i = 0; i < km_sample_rows(s); i++)
        s->key[i].dist2 = float_of(ldexp((double)s->key[i].dist2, by));
    if (isfinite(s->keep.far))
        s->keep.far = float_of(ldexp((double)s->keep.far, -by));
}

/* ---- rows come ---- */

static void set_rarity(struct km_sample *s, size_t j, double weight, double average)
{
    double rarity = average / weight;

    s->rarity[j] = rarity < (double)FLT_MAX ? (float)rarity : FLT_MAX; /* weight may be 0 */
}

static float draw(struct km_sample *s)
{
    return (float)(km_rng_unit(&s->rng) + 0x1p-54);
}

/* Whether a row of no more than that squared distance is out of the question. */
static int is_out(const struct km_sample *s, float u, float rarity, float most_dist2)
{
    float far = s->keep.far * most_dist2, rare = s->keep.rare * rarity;

    return u >= s->keep.any && u >= far * SLACK && u >= rare * SLACK; /* false with NaN */
}

/* A picked row whose key is known; `x` or `csr` is where it stands. */
static void take(struct km_sample *s, const struct km_sample_pick *p, const struct km_mat *x,
                 const struct km_csr *csr)
{
    struct km_csr *m = &s->rows.sparse;
    size_t n = km_sample_rows(s);

    while (m->d && is_kept(&p->key, &s->keep) && csr->len[p->row] > m->max_nnz - m->nnz) {
        km_sample_shrink(s, LEFT(n));
        n = km_sample_rows(s);
    }
    if (!is_kept(&p->key, &s->keep))
        return;
    s->key[n] = p->key;
    if (m->d) {
        km_csr_copy_row(m, csr, p->row);
    } else {
        memcpy(km_mat_row(&s->rows.dense, n), km_mat_row(x, p->row), x->ld * sizeof(float));
        s->rows.dense.n++;
    }
    if (n + 1 > s->capacity)
        km_sample_shrink(s, s->capacity > 1 ? LEFT(s->capacity) : 1);
}

/* The rows of a block, just labelled, and the centers of the pass: dense ones, or sparse ones. */
struct block {
    struct km_sample *s;
    const struct km_mat *x;
    const struct km_assign *assign;
    const struct km_centers *c;
    const struct km_csr *csr; /* or */
    const struct km_sparse *step;
    const struct km_sparse_centers *sparse;
    const uint32_t *label;
    struct km_pool *pool;
    size_t n, k;
    int has_new; /* a center that is still the row that it was made of */
    size_t picked;
};

static double weight_of(const struct block *b, size_t j)
{
    return b->x ? b->c->weight[j] : b->sparse->ratio[j] * b->sparse->unit[j];
}

static double dist2_to(const struct block *b, size_t row, size_t j)
{
    if (!b->x)
        return km_sparse_dist2(b->step, b->csr, row, j, &b->sparse->lanes);
    return b->assign->kern->dist2(km_mat_row(b->x, row), b->c->exact + j * b->c->d, b->c->d);
}

static float most_dist2(const struct block *b, size_t row)
{
    return b->x ? km_assign_most_dist2(b->assign, row) : km_sparse_most_dist2(b->step, b->csr, row);
}

/* The squared distance that a quarter of some other centers are within: a far group may have
 * several. */
static double to_others(const struct block *b, size_t row, size_t own)
{
    size_t step = (b->k - 1) / OTHERS + 1, n = 0;
    float dist2[OTHERS];

    for (size_t t = 1; t < b->k; t += step)
        dist2[n++] = float_of(dist2_to(b, row, (own + t) % b->k));
    return n ? (double)km_select(dist2, n, n / 4) : 0;
}

/* Distances of some of the picked rows. */
#define MEASURE_ROWS 256
static void measure_some(void *arg, size_t task, int worker)
{
    const struct block *b = arg;
    size_t end = (task + 1) * MEASURE_ROWS;

    (void)worker;
    for (size_t i = task * MEASURE_ROWS; i < end && i < b->picked; i++) {
        struct km_sample_pick *p = &b->s->pick[i];
        size_t j = b->label[p->row];
        double dist2 = dist2_to(b, p->row, j);

        if (b->has_new && b->s->came[j])
            dist2 = fmax(dist2, to_others(b, p->row, j));
        p->key.dist2 = float_of(dist2);
    }
}

/* How rare each center is. */
static void weigh_centers(struct block *b)
{
    double total = 0;

    for (size_t j = 0; j < b->k; j++) {
        total += weight_of(b, j);
        b->has_new |= weight_of(b, j) == 1;
    }
    for (size_t j = 0; j < b->k; j++)
        set_rarity(b->s, j, weight_of(b, j), total / (double)b->k);
}

/*
 * Centers that are still the row that they were made of, and got fewer rows of this block than the
 * average one. Of a far group one row may have been drawn as a center: its rows are then near to
 * that, and its weight is that of all others, so nothing would speak for them. They count as far as
 * other centers are. A block of fewer rows than centers (a host with few rows) does not tell what
 * is few: all of its rows do.
 */
static void find_untried(const struct block *b)
{
    uint32_t *came = b->s->came;

    memset(came, 0, b->k * sizeof(*came));
    for (size_t i = 0; i < b->n; i++)
        came[b->label[i]]++;
    for (size_t j = 0; j < b->k; j++)
        came[j] =
            weight_of(b, j) == 1 && (b->n <= b->k || (double)came[j] * (double)b->k < (double)b->n);
}

static void offer(struct block *b)
{
    struct km_sample *s = b->s;

    if (!s->capacity)
        return;
    weigh_centers(b);
    if (b->has_new)
        find_untried(b);
    for (size_t i = 0; i < b->n; i++) {
        size_t j = b->label[i];
        float u = draw(s), rarity = s->rarity[j];

        if ((b->has_new && s->came[j]) || !is_out(s, u, rarity, most_dist2(b, i)))
            s->pick[b->picked++] = (struct km_sample_pick){(uint32_t)i, {u, 0, rarity}};
    }
    km_pool_run(b->pool, measure_some, b, km_ceil_div(b->picked, MEASURE_ROWS));
    for (size_t i = 0; i < b->picked; i++)
        take(s, &s->pick[i], b->x, b->csr);
    s->seen += b->n;
}

void km_sample_offer(struct km_sample *s, const struct km_mat *x, const struct km_assign *a,
                     const struct km_centers *c)
{
    offer(&(struct block){.s = s,
                          .x = x,
                          .assign = a,
                          .c = c,
                          .label = a->label,
                          .pool = a->pool,
                          .n = x->n,
                          .k = c->k});
}

void km_sample_offer_sparse(struct km_sample *s, const struct km_csr *x, const struct km_sparse *a,
                            const struct km_sparse_centers *c)
{
    offer(&(struct block){.s = s,
                          .csr = x,
                          .step = a,
                          .sparse = c,
                          .label = a->label,
                          .pool = a->pool,
                          .n = x->n,
                          .k = c->k});
}

/* ---- the rows in front ---- */

static void swap_rows(struct km_sample *s, size_t i, size_t other)
{
    struct km_sample_key key = s->key[i];
    float order = s->order[i];

    s->key[i] = s->key[other];
    s->key[other] = key;
    s->order[i] = s->order[other];
    s->order[other] = order;
    if (km_rows_are_sparse(&s->rows)) {
        struct km_csr *m = &s->rows.sparse;
        size_t at = m->at[i];
        uint32_t len = m->len[i];

        m->at[i] = m->at[other];
        m->len[i] = m->len[other];
        m->at[other] = at;
        m->len[other] = len;
        return;
    }
    for (size_t t = 0; t < s->rows.dense.d; t++) {
        float *a = km_mat_row(&s->rows.dense, i), *b = km_mat_row(&s->rows.dense, other);
        float value = a[t];

        a[t] = b[t];
        b[t] = value;
    }
}

/* By what factor thresholds may fall until the row is not kept: less than 1, for all that are. */
static void set_order(struct km_sample *s)
{
    int complete = km_sample_is_complete(s);

    for (size_t i = 0; i < km_sample_rows(s); i++) {
        double u = (double)s->key[i].u;

        s->order[i] = (float)(complete ? u : u / chance_of(&s->key[i], &s->keep));
    }
}

/* The n rows of least order, of those from `low` to `high`, to the front of these: as km_select,
 * with the rows. */
static void split(struct km_sample *s, size_t low, size_t high, size_t n)
{
    while (n <= high && low < high) {
        float pivot = s->order[low + (high - low) / 2];
        size_t i = low, j = high;

        for (;;) {
            while (s->order[i] < pivot)
                i++;
            while (s->order[j] > pivot)
                j--;
            if (i >= j)
                break;
            swap_rows(s, i++, j--);
        }
        if (n <= j)
            high = j;
        else
            low = j + 1;
    }
}

void km_sample_nest(struct km_sample *s, size_t least, size_t most)
{
    size_t n = least, high = km_sample_rows(s) - 1;

    assert(least > 0 && least <= most && most <= high + 1);
    set_order(s);
    split(s, 0, high, most);
    while (n < most / 2 + most % 2)
        n *= 2;
    for (high = most - 1; n >= least && n <= high; n /= 2) {
        split(s, 0, high, n);
        high = n - 1;
    }
}

int km_sample_weights(const struct km_sample *s, size_t n, double *weight)
{
    double factor = 1;

    if (km_sample_is_complete(s))
        return 0;
    for (size_t i = n; i < km_sample_rows(s); i++)
        factor = fmin(factor, (double)s->order[i]);
    for (size_t i = 0; i < n; i++)
        weight[i] = 1 / fmin(1, factor * chance_of(&s->key[i], &s->keep));
    return 1;
}
