/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/draw_back.h"

#include "base/mem.h"
#include <math.h>

/* What the sample and the pass know of each cluster. */
struct evidence {
    struct km_sums coarse; /* sums of the coarse centers, by weight */
    double *spread; /* (k) sum of the squared distances of the sample's rows to their center */
    float *moved;   /* (d) a center's new place */
};

static int gather(struct evidence *e, const struct km_sample_view *s, const struct km_centers *c,
                  const struct km_centers *coarse, const struct km_kernels *kern,
                  struct km_pool *pool, struct km_err *err)
{
    struct km_assign a = {0};
    int rc = km_sums_init(&e->coarse, c->k, c->d, err);

    if (rc == KM_OK)
        rc = km_assign_init(&a, kern, pool, coarse->k, c->k, c->d, err);
    e->spread = km_alloc(c->k, sizeof(*e->spread));
    e->moved = km_alloc(c->d, sizeof(*e->moved));
    if (rc == KM_OK && (!e->spread || !e->moved))
        rc = km_fail(err, KM_E_MEM, "no memory for refining");
    if (rc == KM_OK) {
        km_assign_add(&a, &e->coarse, &coarse->c, coarse->weight, c, 0);
        for (size_t i = 0; i < s->rows; i++)
            e->spread[s->label[i]] += s->norm2[i];
        for (size_t j = 0; j < c->k; j++)
            e->spread[j] = fmax(e->spread[j] + km_centers_beyond_norms(c, s->sums, j), 0);
    }
    km_assign_done(&a);
    return rc;
}

static void draw_one(struct km_centers *c, size_t j, const struct evidence *e,
                     const struct km_sample_view *s)
{
    double unseen = 1 - (double)s->rows / (double)s->total_rows;
    double m = s->sums->count[j], n = e->coarse.count[j];
    const double *sum = e->coarse.sum + j * c->d, *exact = c->exact + j * c->d;
    double noise, dist2 = 0, pull;

    if (n <= 0 || m <= 0)
        return;
    noise = m > 1 ? e->spread[j] / (m - 1) / m * unseen : HUGE_VAL;
    for (size_t t = 0; t < c->d; t++)
        dist2 += (sum[t] / n - exact[t]) * (sum[t] / n - exact[t]);
    if (!(dist2 > 0))
        return;
    pull = dist2 > noise ? noise / dist2 : 1;
    for (size_t t = 0; t < c->d; t++)
        e->moved[t] = (float)(exact[t] + pull * (sum[t] / n - exact[t]));
    km_centers_set(c, j, e->moved, c->weight[j]);
}

int km_draw_back(struct km_centers *c, const struct km_sample_view *sample,
                 const struct km_centers *coarse, const struct km_kernels *kern,
                 struct km_pool *pool, struct km_err *err)
{
    struct evidence e = {0};
    int rc = gather(&e, sample, c, coarse, kern, pool, err);

    for (size_t j = 0; rc == KM_OK && j < c->k; j++)
        draw_one(c, j, &e, sample);
    km_sums_done(&e.coarse);
    km_free(e.spread);
    km_free(e.moved);
    return rc;
}
