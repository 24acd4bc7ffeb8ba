/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/draw_back.h"

#include "algo/step.h"
#include "base/mem.h"
#include <float.h>
#include <math.h>

/* What a cluster's rows add up to. */
struct cluster {
    double rows, weight, weight2, spread;
};

static void add_up(struct cluster *of, const struct km_sample_view *s)
{
    double alike = (double)s->total_rows / (double)s->rows;

    for (size_t i = 0; i < s->rows; i++) {
        struct cluster *c = &of[s->label[i]];
        double weight = s->weight ? s->weight[i] : alike;

        c->rows++;
        c->weight += weight;
        c->weight2 += weight * weight;
        c->spread += weight * (weight - 1) * s->dist2[i];
    }
}

int km_sample_noise(double *noise, double *excess, size_t k, const struct km_sample_view *sample,
                    struct km_err *err)
{
    struct cluster *of = km_alloc(k, sizeof(*of));
    double known = 0, alone = 0;

    if (!of)
        return km_fail(err, KM_E_MEM, "no memory for refining");
    add_up(of, sample);
    *excess = 0;
    for (size_t j = 0; j < k; j++) {
        const struct cluster *c = &of[j];

        noise[j] = 0;
        if (c->rows > 1)
            noise[j] = c->spread > 0 ? c->spread / (c->weight * c->weight - c->weight2) : 0;
        else if (c->weight > 2)
            noise[j] = HUGE_VAL;
        *excess += c->rows > 1 ? noise[j] * c->weight : 0;
        known += c->rows > 1;
        alone += noise[j] > DBL_MAX;
    }
    if (alone > 0) /* as much as the others, on average */
        *excess = known > 0 ? *excess * (1 + alone / known) : (double)INFINITY;
    km_free(of);
    return KM_OK;
}

/* The sums of the coarse centers, by weight, that are nearest to each center. */
static int add_coarse(struct km_sums *sums, const struct km_centers *c,
                      const struct km_centers *coarse, const struct km_kernels *kern,
                      struct km_pool *pool, struct km_err *err)
{
    struct km_rows rows = {.dense = coarse->c, .weight = coarse->weight};
    struct km_step_size size = {.rows = coarse->k, .k = c->k, .d = c->d};
    struct km_step *step = NULL;
    int rc = km_sums_init(sums, c->k, c->d, err);

    if (rc == KM_OK)
        rc = km_step_new(&step, &size, kern, pool, err);
    if (rc == KM_OK)
        km_step_add(step, sums, &rows, c, 0);
    km_step_free(step);
    return rc;
}

static void draw_one(struct km_centers *c, size_t j, const struct km_sums *coarse, double noise,
                     float *moved)
{
    double n = coarse->count[j], dist2 = 0, pull;
    const double *sum = coarse->sum + j * c->d, *exact = c->exact + j * c->d;

    if (n <= 0 || !(noise > 0))
        return;
    for (size_t t = 0; t < c->d; t++)
        dist2 += (sum[t] / n - exact[t]) * (sum[t] / n - exact[t]);
    if (!(dist2 > 0))
        return;
    pull = dist2 > noise ? noise / dist2 : 1;
    for (size_t t = 0; t < c->d; t++)
        moved[t] = (float)(exact[t] + pull * (sum[t] / n - exact[t]));
    km_centers_set(c, j, moved, c->weight[j]);
}

int km_draw_back(struct km_centers *c, const double *noise, const struct km_centers *coarse,
                 const struct km_kernels *kern, struct km_pool *pool, struct km_err *err)
{
    struct km_sums sums = {0};
    float *moved = km_alloc(c->d, sizeof(*moved));
    int rc = moved ? KM_OK : km_fail(err, KM_E_MEM, "no memory for refining");

    if (rc == KM_OK)
        rc = add_coarse(&sums, c, coarse, kern, pool, err);
    for (size_t j = 0; rc == KM_OK && j < c->k; j++)
        draw_one(c, j, &sums, noise[j], moved);
    km_sums_done(&sums);
    km_free(moved);
    return rc;
}
