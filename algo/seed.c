/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/seed.h"

#include "base/size.h"

#include <math.h>
#include <string.h>

void km_seed_random(struct km_centers *c, const struct km_mat *x, struct km_rng *rng)
{
    for (size_t j = 0; j < c->k; j++)
        km_centers_set(c, j, km_mat_row(x, km_rng_below(rng, x->n)), 1);
}

struct update {
    const struct km_kernels *kern;
    const struct km_mat *x;
    const float *point;
    float *dist2;
};

static void update_block(void *arg, size_t task, int worker)
{
    const struct update *u = arg;
    size_t from = task * KM_KERN_ROWS;
    size_t n = u->x->n - from < KM_KERN_ROWS ? u->x->n - from : KM_KERN_ROWS;
    struct km_mat view = km_mat_view(u->x, from, n);

    (void)worker;
    u->kern->min_dist2(u->dist2 + from, &view, u->point);
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

void km_seed_plusplus(struct km_centers *c, const struct km_mat *x, const double *weight,
                      const struct km_kernels *kern, struct km_pool *pool, float *dist2,
                      struct km_rng *rng)
{
    struct update u = {kern, x, NULL, dist2};

    for (size_t i = 0; i < x->n; i++)
        dist2[i] = INFINITY;
    for (size_t j = 0; j < c->k; j++) {
        u.point = km_mat_row(x, km_seed_draw(dist2, weight, x->n, rng));
        km_centers_set(c, j, u.point, 1);
        if (j + 1 < c->k)
            km_pool_run(pool, update_block, &u, km_ceil_div(x->n, KM_KERN_ROWS));
    }
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
    size_t n = x->n, blocks = km_ceil_div(n, KM_KERN_ROWS);
    struct update u = {kern, x, NULL, dist2 + n};

    for (size_t i = 0; i < n; i++)
        dist2[i] = INFINITY;
    for (size_t j = 0; j < c->k; j++) {
        size_t best = 0;
        double least = (double)INFINITY;

        for (size_t draws = j > 0 ? km_seed_draws(c->k) : 1; draws > 0; draws--) {
            size_t row = km_seed_draw(dist2, weight, n, rng);
            double left;

            memcpy(u.dist2, dist2, n * sizeof(*dist2));
            u.point = km_mat_row(x, row);
            km_pool_run(pool, update_block, &u, blocks);
            left = km_seed_potential(u.dist2, weight, n);
            if (left < least) {
                best = row;
                least = left;
            }
        }
        u.point = km_mat_row(x, best);
        km_centers_set(c, j, u.point, 1);
        u.dist2 = dist2;
        km_pool_run(pool, update_block, &u, blocks);
        u.dist2 = dist2 + n;
    }
}
