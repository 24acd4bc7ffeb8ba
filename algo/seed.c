/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/seed.h"

#include <math.h>

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
            km_pool_run(pool, update_block, &u, (x->n + KM_KERN_ROWS - 1) / KM_KERN_ROWS);
    }
}
