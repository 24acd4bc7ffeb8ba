/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/bounds.h"

#include "base/mem.h"
#include "base/size.h"
#include <assert.h>
#include <math.h>
#include <string.h>

#define BLOCK   256 /* rows of a task */
#define GROUP   32  /* rows that are measured together */
#define COLUMNS 128 /* features of a task that changes sums */
/* Most centers. At levels that screen them bounds lose beyond it (MNIST, Zen 4: as fast at k=50, a
 * quarter slower at k=100); at others they would win with more, but what is chosen must not depend
 * on the level: sums by changes are not the last bit of sums of all rows. */
#define MOST_CENTERS 64
/* What a step is charged for each row whose label changes, and for looking at the bounds of so
 * many: about what it measures (MNIST, k=10 and 40: 12 rows for each that changes). */
#define MEASURED 12
#define LOOK     32
/* Of |sum|^2: where it is less, 33 of 53 bits are left of what was once added and taken away. */
#define CRUMBS 0x1p-40
/* What a few operations of float32 are off by, and what is lost to underflow. */
#define FEW_ROUNDINGS 0x1p-21f
#define LOST          1e-40

static size_t blocks_of(size_t rows)
{
    return km_ceil_div(rows, BLOCK);
}

int km_bounds_pay(size_t k, size_t d)
{
    return d >= 64 && k <= km_min(d / 4, MOST_CENTERS);
}

int km_bounds_init(struct km_bounds *b, size_t k, size_t d, struct km_err *err)
{
    int rc;

    *b = (struct km_bounds){.k = k, .d = d};
    rc = km_sums_init(&b->sums, k, d, err);
    if (rc == KM_OK)
        rc = km_mat_init(&b->at, k, d, err);
    b->drift = km_alloc(k, sizeof(*b->drift));
    b->members = km_alloc(k, sizeof(*b->members));
    b->top = km_alloc(k, sizeof(*b->top));
    if (rc == KM_OK && (!b->drift || !b->members || !b->top))
        rc = km_fail(err, KM_E_MEM, "no memory for bounds");
    if (rc)
        km_bounds_done(b);
    return rc;
}

static void free_rows(struct km_bounds *b)
{
    km_free(b->label);
    km_free(b->upper);
    km_free(b->lower);
    km_free(b->changes);
    km_free(b->changed);
    km_free(b->measured);
}

void km_bounds_done(struct km_bounds *b)
{
    free_rows(b);
    km_free(b->drift);
    km_free(b->members);
    km_free(b->top);
    km_mat_done(&b->at);
    km_sums_done(&b->sums);
    *b = (struct km_bounds){0};
}

int km_bounds_reserve(struct km_bounds *b, size_t rows, struct km_err *err)
{
    struct km_bounds more = *b;

    if (rows <= b->room)
        return KM_OK;
    more.room = rows;
    more.label = km_alloc(rows, sizeof(*more.label));
    more.upper = km_alloc(rows, sizeof(*more.upper));
    more.lower = km_alloc(rows, b->k * sizeof(*more.lower));
    more.changes = km_alloc(rows, sizeof(*more.changes));
    more.changed = km_alloc(blocks_of(rows), sizeof(*more.changed));
    more.measured = km_alloc(blocks_of(rows), sizeof(*more.measured));
    if (!more.label || !more.upper || !more.lower || !more.changes || !more.changed ||
        !more.measured) {
        free_rows(&more);
        return km_fail(err, KM_E_MEM, "no memory for the bounds of %zu rows", rows);
    }
    if (b->n) {
        memcpy(more.label, b->label, b->n * sizeof(*b->label));
        memcpy(more.upper, b->upper, b->n * sizeof(*b->upper));
        memcpy(more.lower, b->lower, b->n * b->k * sizeof(*b->lower));
    }
    free_rows(b);
    *b = more;
    return KM_OK;
}

/* One step: what its tasks need to know. */
struct step {
    struct km_bounds *b;
    struct km_assign *a;
    struct km_mat x;
    const double *norm2, *weight;
    const struct km_centers *c;
    struct km_exact exact;
    size_t old; /* rows that have bounds */
};

/* Twice the error of a score of a row and a center is at most flat + share * half; so is the
 * rounding of what is computed from it here. */
struct slack {
    float norm2, flat, share;
};

static struct slack slack_of(const struct step *s, size_t i)
{
    double norm2 = s->norm2[i] * (1 + 0x1p-20);

    return (struct slack){
        .norm2 = (float)s->norm2[i],
        .flat = (float)(2 * km_exact_rest(&s->exact, norm2) + (double)FEW_ROUNDINGS * norm2 + LOST),
        .share = 2 * s->exact.share + FEW_ROUNDINGS};
}

/* The distance that a score tells; rounding may have made it shorter (sign 1) or longer (sign
 * -1). */
static inline float distance(float score, const struct slack *r, float half, float sign)
{
    float square = r->norm2 + 2 * score + sign * (r->flat + r->share * half);

    return sqrtf(square > 0 ? square : 0) * (1 + sign * FEW_ROUNDINGS);
}

static void set_upper(const struct step *s, size_t i, uint32_t label, float score)
{
    struct km_bounds *b = s->b;
    struct slack r = slack_of(s, i);
    float now = distance(score, &r, s->c->half[label], 1), drift = b->drift[label];

    b->upper[i] = now - drift + FEW_ROUNDINGS * (now + drift);
}

/* Bounds of row i from its k scores, which may be where the lower bounds go. */
static void set_bounds(const struct step *s, size_t i, uint32_t label, const float *score)
{
    struct km_bounds *b = s->b;
    const float *drift = b->drift, *half = s->c->half;
    float *lower = b->lower + i * b->k;
    struct slack r = slack_of(s, i);
    size_t k = b->k;

    set_upper(s, i, label, score[label]);
    for (size_t j = 0; j < k; j++)
        lower[j] = (distance(score[j], &r, half[j], -1) + drift[j]) * (1 - FEW_ROUNDINGS);
    lower[label] = INFINITY;
    b->label[i] = label;
}

/* ---- rows that have bounds ---- */

static int may_change(const struct km_bounds *b, size_t i)
{
    const float *lower = b->lower + i * b->k;
    float upper = (b->upper[i] + b->drift[b->label[i]]) * (1 + FEW_ROUNDINGS);
    int near = 0;

    for (size_t j = 0; j < b->k; j++)
        near |= lower[j] - b->drift[j] <= upper;
    return near;
}

/* Rows that may change, some at a time. */
struct group {
    uint32_t at[GROUP];
    const float *row[GROUP];
    size_t n;
};

static void take(struct group *g, const struct step *s, uint32_t i)
{
    g->at[g->n] = i;
    g->row[g->n++] = km_mat_row(&s->x, i);
}

/* Often the own center is near enough once the distance to it is measured; other rows stay in the
 * group. */
static void measure_own(struct group *g, const struct step *s, float *score)
{
    struct km_bounds *b = s->b;
    uint32_t label[GROUP];
    size_t n = g->n;

    for (size_t r = 0; r < n; r++)
        label[r] = b->label[g->at[r]];
    s->a->kern->pairs(score, g->row, label, n, s->c);
    g->n = 0;
    for (size_t r = 0; r < n; r++) {
        uint32_t i = g->at[r];

        set_upper(s, i, label[r], score[r]);
        if (may_change(b, i))
            take(g, s, i);
    }
}

/* Measures the distances to all centers; returns how many rows have changed. */
static size_t measure_all(const struct group *g, const struct step *s, float *score,
                          struct km_change *changes)
{
    struct km_bounds *b = s->b;
    size_t found = 0;

    s->a->kern->scores(score, g->row, g->n, s->c, 0, b->k);
    for (size_t r = 0; r < g->n; r++) {
        uint32_t i = g->at[r], was = b->label[i];
        uint32_t now = km_exact_label(&s->exact, g->row[r], (float)s->norm2[i], score + r * b->k);

        if (now != was)
            changes[found++] = (struct km_change){i, was};
        set_bounds(s, i, now, score + r * b->k);
    }
    return found;
}

static void check_block(void *arg, size_t block, int worker)
{
    const struct step *s = arg;
    struct km_bounds *b = s->b;
    float *score = s->a->scratch + (size_t)worker * KM_KERN_SCRATCH;
    struct km_change *changes = b->changes + block * BLOCK;
    size_t end = km_min((block + 1) * BLOCK, s->old), found = 0, pairs = 0;
    struct group g = {.n = 0};

    for (size_t i = block * BLOCK; i < end; i++) {
        if (may_change(b, i))
            take(&g, s, (uint32_t)i);
        if (g.n == GROUP || i + 1 == end) {
            pairs += g.n;
            measure_own(&g, s, score);
            pairs += g.n * b->k;
            found += measure_all(&g, s, score, changes + found);
            g.n = 0;
        }
    }
    b->changed[block] = found;
    b->measured[block] = (double)pairs / (double)b->k;
}

/* Some features of all changed rows, in the order of the rows. */
static void change_sums(void *arg, size_t task, int worker)
{
    const struct step *s = arg;
    struct km_bounds *b = s->b;
    size_t from = task * COLUMNS, len = km_min(COLUMNS, b->d - from);
    (void)worker;
    for (size_t block = 0; block < blocks_of(s->old); block++)
        for (size_t i = 0; i < b->changed[block]; i++) {
            struct km_change change = b->changes[block * BLOCK + i];
            const float *row = km_mat_row(&s->x, change.row) + from;
            double plus = s->weight ? s->weight[change.row] : 1, minus = -plus;
            double *sum = b->sums.sum + from;

            s->a->kern->add(sum + change.from * b->d, &row, &minus, 1, len);
            s->a->kern->add(sum + b->label[change.row] * b->d, &row, &plus, 1, len);
            if (task == 0) {
                b->sums.count[change.from] += minus;
                b->sums.count[b->label[change.row]] += plus;
                b->members[change.from]--;
                b->members[b->label[change.row]]++;
            }
        }
}

/* ---- new rows ---- */

static void new_block(void *arg, size_t block, int worker)
{
    const struct step *s = arg;
    size_t from = s->old + block * BLOCK, end = km_min(from + BLOCK, s->x.n);

    (void)worker;
    for (size_t i = from; i < end; i++)
        set_bounds(s, i, s->b->label[i], s->b->lower + i * s->b->k);
}

/* All rows are added anew, of which the first `known` have their labels, each block while its new
 * rows are in cache. */
static void sum_anew(struct step *s, size_t known)
{
    struct km_bounds *b = s->b;
    struct km_scored scored = {b->label, b->lower, s->norm2, known};

    km_sums_clear(&b->sums);
    km_assign_add_scored(s->a, &b->sums, &s->x, s->weight, &scored, s->c);
    memset(b->members, 0, b->k * sizeof(*b->members));
    for (size_t i = 0; i < s->x.n; i++)
        b->members[b->label[i]]++;
}

static void add_new(struct step *s)
{
    struct km_bounds *b = s->b;
    struct km_mat rest = km_mat_view(&s->x, s->old, s->x.n - s->old);
    struct km_scored scored = {b->label + s->old, b->lower + s->old * b->k, s->norm2 + s->old, 0};

    if (s->weight) /* those of the old rows are no longer those of the sums */
        sum_anew(s, s->old);
    else
        km_assign_add_scored(s->a, &b->sums, &rest, NULL, &scored, s->c);
    km_pool_run(s->a->pool, new_block, s, blocks_of(rest.n));
}

/* ---- the step ---- */

/* How far a center has moved since the last step: as the kernels see it, and what float32 hides of
 * it. */
static float moved_by(const struct km_bounds *b, const struct km_centers *c, size_t j)
{
    const float *was = km_mat_row(&b->at, j), *now = km_mat_row(&c->c, j);
    double moved2 = 0, moved, norm = sqrt(2 * (double)c->half[j] + LOST);

    for (size_t t = 0; t < b->d; t++)
        moved2 += ((double)now[t] - (double)was[t]) * ((double)now[t] - (double)was[t]);
    moved = sqrt(moved2);
    moved = (moved + 0x1p-22 * (norm + moved) + LOST) * (1 + (double)FEW_ROUNDINGS);
    return (float)moved;
}

static void follow(struct km_bounds *b, const struct km_centers *c)
{
    for (size_t j = 0; j < b->k; j++)
        b->drift[j] = b->n ? (b->drift[j] + moved_by(b, c, j)) * (1 + FEW_ROUNDINGS / 8) : 0;
    memcpy(b->at.v, c->c.v, b->k * b->at.ld * sizeof(float));
}

double km_bounds_most_dist2(const struct km_bounds *b, const struct km_centers *c,
                            const double *weight)
{
    float to[MOST_CENTERS]; /* since a row was measured, with its upper bound */
    double most = 0;

    assert(b->k <= MOST_CENTERS && c->k == b->k);
    for (size_t j = 0; j < b->k; j++)
        to[j] = b->drift[j] + moved_by(b, c, j);
    for (size_t i = 0; i < b->n; i++) {
        double upper = (double)(b->upper[i] + to[b->label[i]]) * (1 + 2 * (double)FEW_ROUNDINGS);

        upper *= upper * (weight ? weight[i] : 1);
        if (upper > most) /* gcc 12 for arm64 breaks down at fmax here */
            most = upper;
    }
    return most;
}

/* What comes and goes leaves crumbs. */
static void clear_empty(struct km_bounds *b, int weighted)
{
    for (size_t j = 0; j < b->k; j++)
        if (weighted ? b->members[j] == 0 : b->sums.count[j] == 0) {
            b->sums.count[j] = 0;
            memset(b->sums.sum + j * b->d, 0, b->d * sizeof(double));
        }
}

static double norm2_of(const struct km_bounds *b, size_t j)
{
    double norm2 = 0;

    for (size_t t = 0; t < b->d; t++)
        norm2 += b->sums.sum[j * b->d + t] * b->sums.sum[j * b->d + t];
    return norm2;
}

/* Whether the crumbs of what has gone may count in a sum that is left. */
static int has_crumbs(struct km_bounds *b)
{
    int found = 0;

    for (size_t j = 0; j < b->k; j++) {
        double norm2 = norm2_of(b, j);

        b->top[j] = b->sums.count[j] > 0 ? fmax(b->top[j], norm2) : 0;
        found |= norm2 < CRUMBS * b->top[j];
    }
    return found;
}

double km_bounds_step(struct km_bounds *b, struct km_assign *a, const struct km_bounds_rows *rows,
                      const struct km_centers *c)
{
    const struct km_mat *x = &rows->x;
    struct step s = {b, a, *x, rows->norm2, rows->weight, c, km_exact_of(a->kern, c), b->n};
    size_t changed = 0;
    double measured = (double)(x->n - b->n);

    assert(x->n <= b->room && x->n >= b->n && c->k == b->k);
    follow(b, c);
    if (s.old) {
        km_pool_run(a->pool, check_block, &s, blocks_of(s.old));
        km_pool_run(a->pool, change_sums, &s, km_ceil_div(b->d, COLUMNS));
        for (size_t block = 0; block < blocks_of(s.old); block++) {
            measured += b->measured[block];
            changed += b->changed[block];
        }
    } else {
        km_sums_clear(&b->sums);
    }
    if (x->n > s.old)
        add_new(&s);
    else
        clear_empty(b, s.weight != NULL);
    if (has_crumbs(b)) {
        sum_anew(&s, x->n); /* sums have lost digits */
        for (size_t j = 0; j < b->k; j++)
            b->top[j] = norm2_of(b, j);
    }
    b->work = (double)(x->n - s.old) + (double)km_min(s.old, s.old / LOOK + MEASURED * changed);
    b->n = x->n;
    return measured;
}
