/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/near_all.h"

#include "algo/by_feature.h"
#include "algo/exact.h"
#include "algo/two_nearest.h"
#include "base/size.h"
#include <math.h>

#define BLOCK 192 /* rows of a task */
#define GROUP 48  /* rows whose scores lie in scratch memory */
#define FEW   16  /* below, all distances are measured in float64 */

int km_near_all_has_lanes(size_t d, int sparse)
{
    return sparse || d < FEW;
}

size_t km_near_all_scratch(size_t k, size_t d, int sparse)
{
    if (km_near_all_has_lanes(d, sparse))
        return km_by_feature_width(k) * sizeof(double);
    return GROUP * k * sizeof(float);
}

/* What the tasks need to know. */
struct measure {
    struct km_look *l;
    const struct km_points *p;
    const struct km_centers *c;
    struct km_exact exact;
};

static const double *exact_of(const struct measure *s, size_t j)
{
    return s->c->exact + j * s->c->d;
}

static double dist2_to(const struct measure *s, size_t i, size_t j)
{
    struct km_place place = {exact_of(s, j), s->l->of[j].norm2};

    return km_points_dist2(s->p, s->l->kern, i, &place);
}

static void put(const struct measure *s, size_t i, const struct km_two_nearest *b)
{
    s->l->near[i] = b->near;
    s->l->next[i] = s->l->k > 1 ? b->next : b->near;
    s->l->near2[i] = b->near2;
    s->l->next2[i] = s->l->k > 1 ? b->next2 : (double)INFINITY;
}

/* Squared distances of a sparse row to all centers, as km_points_dist2. */
static void all_sparse_dist2(double *dist2, const struct measure *s, size_t i, size_t width)
{
    const struct km_look *l = s->l;

    for (size_t j = 0; j < width; j++)
        dist2[j] = j < l->k ? l->of[j].norm2 : 0;
    km_by_feature_sparse_dist2(dist2, &s->p->rows.sparse, i, l->lanes, width);
    for (size_t j = 0; j < l->k; j++)
        dist2[j] = dist2[j] > 0 ? dist2[j] : 0;
}

static void measure_by_lanes(const struct measure *s, size_t from, size_t to, double *dist2)
{
    size_t width = km_by_feature_width(s->l->k);

    for (size_t i = from; i < to; i++) {
        struct km_two_nearest b = km_two_nearest_none(0);

        if (km_rows_are_sparse(&s->p->rows))
            all_sparse_dist2(dist2, s, i, width);
        else
            km_by_feature_dist2(dist2, km_mat_row(&s->p->rows.dense, i), s->l->lanes, s->c->d,
                                width);
        for (uint32_t j = 0; j < s->l->k; j++)
            km_two_nearest_take(&b, dist2[j], j);
        put(s, i, &b);
    }
}

/* The two nearest of those centers that the scores leave: no other can be the second. */
static void measure_row(const struct measure *s, size_t i, const float *score, float norm2)
{
    struct km_two_nearest b = km_two_nearest_none(0);
    const float *half = s->c->half;
    float share = s->exact.share, first = INFINITY, limit = INFINITY;

    for (size_t j = 0; j < s->l->k; j++) {
        float high = score[j] + share * half[j];

        limit = high < first ? first : high < limit ? high : limit;
        first = high < first ? high : first;
    }
    limit += nextafterf((float)(2 * km_exact_rest(&s->exact, km_exact_norm2(&s->exact, norm2))),
                        INFINITY);
    for (uint32_t j = 0; j < s->l->k; j++)
        if (!(score[j] - share * half[j] > limit))
            km_two_nearest_take(&b, dist2_to(s, i, j), j);
    put(s, i, &b);
}

static void measure_many(const struct measure *s, size_t from, size_t to, float *score)
{
    size_t k = s->l->k;

    for (size_t i = from; i < to; i += GROUP) {
        const float *row[GROUP];
        float norm2[GROUP];
        size_t n = km_min(GROUP, to - i);
        struct km_mat rows = km_mat_view(&s->p->rows.dense, i, n);

        for (size_t m = 0; m < n; m++)
            row[m] = km_mat_row(&rows, m);
        s->l->kern->norms(norm2, &rows);
        s->l->kern->scores(score, row, n, s->c, 0, k);
        for (size_t m = 0; m < n; m++)
            measure_row(s, i + m, score + m * k, norm2[m]);
    }
}

static void measure_task(void *arg, size_t task, int worker)
{
    const struct measure *s = arg;
    size_t from = task * BLOCK, to = km_min(from + BLOCK, km_points_n(s->p));
    void *scratch = s->l->scratch + (size_t)worker * s->l->scratch_bytes;

    if (s->l->lanes)
        measure_by_lanes(s, from, to, scratch);
    else
        measure_many(s, from, to, scratch);
}

void km_near_all_measure(struct km_look *l, const struct km_points *p, const struct km_centers *c)
{
    struct measure s = {l, p, c, km_exact_of(l->kern, c)};
    size_t width = km_by_feature_width(l->k);

    for (size_t j = 0; j < l->k; j++)
        l->of[j].norm2 = km_place_of(p, exact_of(&s, j), l->d).norm2;
    for (size_t t = 0; l->lanes && t < l->d; t++)
        for (size_t j = 0; j < l->k; j++)
            l->lanes[t * width + j] = exact_of(&s, j)[t];
    km_pool_run(l->pool, measure_task, &s, km_ceil_div(km_points_n(p), BLOCK));
}
