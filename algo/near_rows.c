/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/near_rows.h"

#include "algo/by_feature.h"
#include "algo/order.h"
#include "algo/two_nearest.h"
#include "base/mem.h"
#include "base/size.h"
#include <assert.h>
#include <math.h>
#include <string.h>

#define NARROW 16 /* rows of fewer features are measured in float64, feature by feature */
#define ROWS   48 /* whose scores lie in scratch memory */

/* ---- memory ---- */

/* What a worker needs for a list of n centers: scores of some rows, half norms, the centers
 * themselves. */
static size_t score_bytes(size_t n)
{
    return km_round_up(ROWS * n * sizeof(float), 64);
}

static size_t half_bytes(size_t n)
{
    return km_round_up((n + KM_PANEL) * sizeof(float), 64);
}

static size_t scratch_for(size_t n, size_t d)
{
    if (d < NARROW)
        return km_round_up((d + 1) * km_by_feature_width(n) * sizeof(double), 64);
    return score_bytes(n) + half_bytes(n) + n * km_mat_ld(d) * sizeof(float);
}

int km_near_rows_init(struct km_near_rows *r, const struct km_kernels *kern, struct km_pool *pool,
                      size_t max_rows, size_t k, size_t d, size_t longest, struct km_err *err)
{
    *r = (struct km_near_rows){
        kern, pool, max_rows, k, d, longest, .scratch_bytes = scratch_for(longest, d)};
    r->row = km_alloc(max_rows, sizeof(*r->row));
    r->start = km_alloc(k + 1, sizeof(*r->start));
    r->scratch = km_alloc((size_t)km_pool_threads(pool), r->scratch_bytes);
    if (!r->row || !r->start || !r->scratch) {
        km_near_rows_done(r);
        return km_fail(err, KM_E_MEM, "no memory to measure %zu rows and %zu centers", max_rows, k);
    }
    return KM_OK;
}

void km_near_rows_done(struct km_near_rows *r)
{
    km_free(r->row);
    km_free(r->start);
    km_free(r->scratch);
    *r = (struct km_near_rows){0};
}

/* What the tasks need to know. */
struct measure {
    struct km_near_rows *r;
    struct km_look *look;
    const struct km_points *p;
    const struct km_centers *c;
    const struct km_near_list *lists;
    struct km_exact exact;
};

static void put(const struct measure *t, size_t i, const struct km_two_nearest *b)
{
    struct km_look *l = t->look;

    l->near[i] = b->near;
    l->near2[i] = b->near2;
    l->next[i] = b->next;
    l->next2[i] = b->next2;
}

/* ---- few features ---- */

static void measure_narrow(const struct measure *t, const struct km_near_list *list, size_t from,
                           size_t to, double *scratch)
{
    size_t d = t->c->d, width = km_by_feature_width(list->n);
    double *lanes = scratch + width;

    for (size_t f = 0; f < d; f++)
        for (size_t j = 0; j < width; j++)
            lanes[f * width + j] = j < list->n ? t->c->exact[list->center[j] * d + f] : 0;
    for (size_t m = from; m < to; m++) {
        size_t i = t->r->row[m];
        struct km_two_nearest b = km_two_nearest_none(list->center[0]);

        km_by_feature_dist2(scratch, km_mat_row(&t->p->rows.dense, i), lanes, d, width);
        for (size_t j = 0; j < list->n; j++)
            km_two_nearest_take(&b, scratch[j], list->center[j]);
        put(t, i, &b);
    }
}

/* ---- many features ---- */

/* The centers of a list, side by side as kernels want them; `memory` is a worker's scratch. */
static struct km_centers gather(const struct measure *t, const struct km_near_list *list,
                                char *memory)
{
    const struct km_centers *c = t->c;
    size_t at = score_bytes(t->r->longest);
    struct km_centers g = {.k = list->n, .d = c->d};

    g.half = (float *)(void *)(memory + at);
    g.c = (struct km_mat){(float *)(void *)(memory + at + half_bytes(t->r->longest)), list->n, c->d,
                          c->c.ld};
    for (size_t j = 0; j < list->n; j++) {
        memcpy(km_mat_row(&g.c, j), km_mat_row(&c->c, list->center[j]), c->c.ld * sizeof(float));
        g.half[j] = c->half[list->center[j]];
    }
    return g;
}

/* No score above it can be one of the nearest two. */
static float limit_of(const struct measure *t, const struct km_mat *row, const struct km_centers *g,
                      const float *score)
{
    float share = t->exact.share, first = INFINITY, second = INFINITY, norm2;

    for (size_t j = 0; j < g->k; j++) {
        float high = score[j] + share * g->half[j];

        second = high < first ? first : high < second ? high : second;
        first = high < first ? high : first;
    }
    t->r->kern->norms(&norm2, row);
    return second +
           nextafterf((float)(2 * km_exact_rest(&t->exact, km_exact_norm2(&t->exact, norm2))),
                      INFINITY);
}

static void measure_row(const struct measure *t, const struct km_near_list *list, size_t i,
                        const struct km_centers *g, const float *score)
{
    struct km_two_nearest b = km_two_nearest_none(list->center[0]);
    struct km_mat row = km_mat_view(&t->p->rows.dense, i, 1);
    float limit = limit_of(t, &row, g, score), share = t->exact.share;

    for (size_t j = 0; j < g->k; j++)
        if (!(score[j] - share * g->half[j] > limit))
            km_two_nearest_take(
                &b, t->r->kern->dist2(row.v, t->c->exact + list->center[j] * g->d, g->d),
                list->center[j]);
    put(t, i, &b);
}

static void measure_wide(const struct measure *t, const struct km_near_list *list, size_t from,
                         size_t to, char *memory)
{
    struct km_centers g = gather(t, list, memory);
    float *score = (float *)(void *)memory;

    for (size_t m = from; m < to; m += ROWS) {
        const float *row[ROWS];
        size_t n = km_min(ROWS, to - m);

        for (size_t r = 0; r < n; r++)
            row[r] = km_mat_row(&t->p->rows.dense, t->r->row[m + r]);
        t->r->kern->scores(score, row, n, &g, 0, g.k);
        for (size_t r = 0; r < n; r++)
            measure_row(t, list, t->r->row[m + r], &g, score + r * g.k);
    }
}

/* ---- all clusters ---- */

static void measure_task(void *arg, size_t j, int worker)
{
    const struct measure *t = arg;
    char *memory = t->r->scratch + (size_t)worker * t->r->scratch_bytes;
    size_t from = t->r->start[j], to = t->r->start[j + 1];

    if (from == to)
        return;
    assert(t->lists[j].n > 0 && t->lists[j].n <= t->r->longest);
    if (t->c->d < NARROW)
        measure_narrow(t, &t->lists[j], from, to, (double *)(void *)memory);
    else
        measure_wide(t, &t->lists[j], from, to, memory);
}

void km_near_rows_measure(struct km_near_rows *r, struct km_look *look, const struct km_points *p,
                          const uint32_t *label, const struct km_centers *c,
                          const struct km_near_lists *lists)
{
    struct measure t = {r, look, p, c, lists->of, km_exact_of(r->kern, c)};

    assert(p->rows.dense.n <= r->max_rows && c->k == r->k && c->d == r->d);
    assert(!km_rows_are_sparse(&p->rows));
    km_order_numbers(r->row, r->start, label, p->rows.dense.n, r->k);
    km_pool_run(r->pool, measure_task, &t, r->k);
}
