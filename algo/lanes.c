/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/lanes.h"

#include "base/mem.h"
#include "base/size.h"
#include <math.h>
#include <string.h>

/* Features of one task of km_lanes_fill. */
#define FILL_FEATURES 512

static size_t padded(size_t k)
{
    return km_round_up(k, 16);
}

int km_lanes_init(struct km_lanes *l, size_t k, size_t d, struct km_err *err)
{
    size_t cells;

    *l = (struct km_lanes){.k = k, .d = d};
    if (!__builtin_mul_overflow(padded(k), d, &cells))
        l->v = km_alloc(cells, sizeof(float));
    l->scale = km_alloc(padded(k), sizeof(float));
    l->half = km_alloc(padded(k), sizeof(float));
    l->exact_half = km_alloc(k, sizeof(double));
    if (!l->v || !l->scale || !l->half || !l->exact_half) {
        km_lanes_done(l);
        return km_fail(err, KM_E_MEM, "no memory for %zu centers of %zu features", k, d);
    }
    for (size_t j = k; j < padded(k); j++)
        l->half[j] = INFINITY;
    return KM_OK;
}

void km_lanes_done(struct km_lanes *l)
{
    km_free(l->v);
    km_free(l->scale);
    km_free(l->half);
    km_free(l->exact_half);
    *l = (struct km_lanes){0};
}

struct fill {
    const struct km_lanes *l;
    const struct km_centers *c;
};

static void fill_features(void *arg, size_t task, int worker)
{
    const struct fill *f = arg;
    size_t d = f->l->d, from = task * FILL_FEATURES;
    size_t to = km_min(from + FILL_FEATURES, d);

    (void)worker;
    for (size_t p = 0; p < km_lanes_panels(f->l->k); p++) {
        size_t width = km_lanes_width(f->l->k, p), first = p * KM_LANES;
        size_t n = km_min(f->l->k - first, width);
        float *v = km_lanes_panel(f->l, p);

        for (size_t t = from; t < to; t++) {
            for (size_t j = 0; j < n; j++)
                v[t * width + j] = km_mat_row(&f->c->c, first + j)[t];
            memset(v + t * width + n, 0, (width - n) * sizeof(*v));
        }
    }
}

void km_lanes_fill(struct km_lanes *l, const struct km_centers *c, struct km_pool *pool)
{
    struct fill f = {l, c};

    l->k = c->k;
    for (size_t j = 0; j < padded(c->k); j++) {
        l->scale[j] = j < c->k ? -1 : 0;
        l->half[j] = c->half[j];
    }
    memcpy(l->exact_half, c->exact_half, c->k * sizeof(double));
    km_pool_run(pool, fill_features, &f, km_ceil_div(l->d, FILL_FEATURES));
}
