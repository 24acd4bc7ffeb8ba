/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/seed.h"

#include "algo/exact.h"
#include "base/mem.h"
#include "base/size.h"
#include <assert.h>
#include <math.h>
#include <string.h>

void km_seed_random(struct km_centers *c, const struct km_mat *x, struct km_rng *rng)
{
    for (size_t j = 0; j < c->k; j++)
        km_centers_set(c, j, km_mat_row(x, km_rng_below(rng, x->n)), 1);
}

#define WIDE  64 /* features from which on a distance costs more than a bound of it */
#define GROUP 48 /* rows whose scores are computed together */
#define BLOCK KM_KERN_ROWS

/* Starts side by side: while rows are in cache, all take in their newest centers. */
struct update {
    const struct km_kernels *kern;
    struct km_pool *pool;
    const struct km_mat *x;
    const double *weight;
    struct km_seed_start *start;
    size_t n, j;           /* starts; the number of their newest center */
    struct km_centers *at; /* these centers, from number `from` on */
    size_t from;
    struct km_exact exact;
    float *norm2; /* (x->n) NULL: not wanted */
};

static struct update update_of(struct km_seed_start *start, size_t n, const struct km_mat *x,
                               const double *weight, const struct km_kernels *kern,
                               struct km_pool *pool)
{
    struct update u = {
        .kern = kern, .pool = pool, .x = x, .weight = weight, .start = start, .n = n};

    u.at = start->c;
    u.exact = km_exact_of(kern, start->c);
    for (size_t s = 0; s < n; s++)
        for (size_t i = 0; i < x->n; i++)
            start[s].dist2[i] = INFINITY;
    return u;
}

/* Measures those rows that may be nearer to a center than before. */
static void update_some(const struct update *u, size_t from, const struct km_mat *x)
{
    const float *row[GROUP];
    float score[GROUP * KM_SEED_STARTS];

    for (size_t i = 0; i < x->n; i++)
        row[i] = km_mat_row(x, i);
    u->kern->scores(score, row, x->n, u->at, u->from, u->n);
    for (size_t i = 0; i < x->n; i++)
        for (size_t s = 0; s < u->n; s++) {
            float *dist2 = u->start[s].dist2 + from + i, half = u->at->half[u->from + s];
            struct km_mat one = km_mat_view(x, i, 1);

            if (!(km_exact_least_dist2(&u->exact, u->norm2[from + i], score[i * u->n + s], half) >
                  (double)*dist2))
                u->kern->min_dist2(dist2, &one, km_mat_row(&u->at->c, u->from + s));
        }
}

static void update_block(void *arg, size_t task, int worker)
{
    const struct update *u = arg;
    size_t from = task * BLOCK, n = km_min(u->x->n - from, BLOCK);
    struct km_mat view = km_mat_view(u->x, from, n);

    (void)worker;
    if (u->norm2 && u->j > 0) {
        for (size_t i = 0; i < n; i += GROUP) {
            struct km_mat some = km_mat_view(&view, i, km_min(n - i, GROUP));

            update_some(u, from + i, &some);
        }
        return;
    }
    for (size_t s = 0; s < u->n; s++)
        u->kern->min_dist2(u->start[s].dist2 + from, &view, km_mat_row(&u->at->c, u->from + s));
    if (u->norm2)
        u->kern->norms(u->norm2 + from, &view);
}

static void update_all(struct update *u)
{
    km_pool_run(u->pool, update_block, u, km_ceil_div(u->x->n, BLOCK));
}

size_t km_seed_draw(const float *dist2, const double *weight, size_t n, struct km_rng *rng)
{
    double total = 0, target;
    size_t last = n;

    for (size_t i = 0; i < n; i++)
        total += (weight ? weight[i] : 1) * (isinf(dist2[i]) ? 1 : (double)dist2[i]);
    if (!(total > 0))
        return km_rng_below(rng, n);
    target = km_rng_unit(rng) * total;
    for (size_t i = 0; i < n; i++) {
        double share = (weight ? weight[i] : 1) * (isinf(dist2[i]) ? 1 : (double)dist2[i]);

        if (share > 0)
            last = i;
        target -= share;
        if (target < 0)
            return i;
    }
    return last; /* rounding left a crumb of target: the last row that could be drawn */
}

/* The next center of a start. */
static void draw_task(void *arg, size_t task, int worker)
{
    const struct update *u = arg;
    struct km_seed_start *start = &u->start[task];
    size_t row = km_seed_draw(start->dist2, u->weight, u->x->n, &start->rng);

    (void)worker;
    km_centers_set(start->c, u->j, km_mat_row(u->x, row), 1);
    if (u->at != start->c)
        km_centers_set(u->at, task, km_mat_row(u->x, row), 1);
}

static void draw_all(struct update *u)
{
    for (u->j = 0; u->j < u->start->c->k; u->j++) {
        u->from = u->at == u->start->c ? u->j : 0;
        km_pool_run(u->pool, draw_task, u, u->n);
        if (u->j + 1 < u->start->c->k)
            update_all(u);
    }
}

void km_seed_plusplus(struct km_centers *c, const struct km_mat *x, const double *weight,
                      const struct km_kernels *kern, struct km_pool *pool, float *dist2,
                      struct km_rng *rng)
{
    struct km_seed_start start = {c, *rng, dist2};
    struct update u = update_of(&start, 1, x, weight, kern, pool);

    u.norm2 = x->d >= WIDE ? dist2 + x->n : NULL;
    draw_all(&u);
    *rng = start.rng;
}

int km_seed_together(struct km_seed_start *starts, size_t n, const struct km_mat *x,
                     const double *weight, const struct km_kernels *kern, struct km_pool *pool,
                     struct km_err *err)
{
    struct update u = update_of(starts, n, x, weight, kern, pool);
    struct km_centers newest = {0};
    int rc = km_centers_init(&newest, n, x->d, err);

    assert(n > 0 && n <= KM_SEED_STARTS);
    u.at = &newest;
    u.norm2 = x->d >= WIDE ? km_alloc(x->n, sizeof(*u.norm2)) : NULL;
    if (rc == KM_OK && x->d >= WIDE && !u.norm2)
        rc = km_fail(err, KM_E_MEM, "no memory for k-means++ on %zu rows", x->n);
    if (rc == KM_OK)
        draw_all(&u);
    km_free(u.norm2);
    km_centers_done(&newest);
    return rc;
}

size_t km_seed_draws(size_t k)
{
    return 2 + (size_t)log((double)k);
}

double km_seed_potential(const float *dist2, const double *weight, size_t n)
{
    double total = 0;

    for (size_t i = 0; i < n; i++)
        total += (weight ? weight[i] : 1) * (double)dist2[i];
    return total;
}

void km_seed_greedy(struct km_centers *c, const struct km_mat *x, const double *weight,
                    const struct km_kernels *kern, struct km_pool *pool, float *dist2,
                    struct km_rng *rng)
{
    size_t n = x->n;
    struct km_seed_start start = {.c = c, .dist2 = dist2};
    struct update u = update_of(&start, 1, x, weight, kern, pool);

    u.norm2 = x->d >= WIDE ? dist2 + 2 * n : NULL;
    for (size_t j = 0; j < c->k; j++) {
        size_t best = 0;
        double least = (double)INFINITY;

        u.j = u.from = j;
        start.dist2 = dist2 + n;
        for (size_t draws = j > 0 ? km_seed_draws(c->k) : 1; draws > 0; draws--) {
            size_t row = km_seed_draw(dist2, weight, n, rng);
            double left;

            memcpy(start.dist2, dist2, n * sizeof(*dist2));
            km_centers_set(c, j, km_mat_row(x, row), 1);
            update_all(&u);
            left = km_seed_potential(start.dist2, weight, n);
            if (left < least) {
                best = row;
                least = left;
            }
        }
        start.dist2 = dist2;
        km_centers_set(c, j, km_mat_row(x, best), 1);
        update_all(&u);
    }
}
