/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/near_lists.h"

#include "base/mem.h"
#include "base/size.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define NARROW  16 /* rows of fewer features have no scores (km_kernels.scores) */
#define CENTERS 16 /* of a task */

int km_near_lists_init(struct km_near_lists *l, struct km_pool *pool, size_t k, size_t each,
                       struct km_err *err)
{
    size_t threads = (size_t)km_pool_threads(pool);

    assert(k >= 2 && k <= KM_NEAR_MOST && each <= KM_NEAR_EACH);
    *l = (struct km_near_lists){.k = k, .each = km_min(each, k)};
    l->center = km_alloc(k, l->each * sizeof(*l->center));
    l->of = km_alloc(k, sizeof(*l->of));
    l->dist2 = km_alloc(threads, k * sizeof(*l->dist2));
    l->number = km_alloc(threads, k * sizeof(*l->number));
    l->score = km_alloc(threads, KM_KERN_SCRATCH * sizeof(*l->score));
    if (!l->center || !l->of || !l->dist2 || !l->number || !l->score) {
        km_near_lists_done(l);
        return km_fail(err, KM_E_MEM, "no memory for the neighbours of %zu centers", k);
    }
    for (size_t j = 0; j < k; j++)
        l->of[j] = (struct km_near_list){l->center + j * l->each, l->each};
    return KM_OK;
}

void km_near_lists_done(struct km_near_lists *l)
{
    km_free(l->center);
    km_free(l->of);
    km_free(l->dist2);
    km_free(l->number);
    km_free(l->score);
    *l = (struct km_near_lists){0};
}

struct find {
    struct km_near_lists *l;
    const struct km_centers *c;
    struct km_exact exact;
};

/* The n smallest of many values, as a heap whose largest is on top. */
static void heap_clear(double *heap, size_t n)
{
    for (size_t i = 0; i < n; i++)
        heap[i] = (double)INFINITY;
}

static void heap_offer(double *heap, size_t n, double value)
{
    size_t at = 0;

    if (!(value < heap[0]))
        return;
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && heap[child + 1] > heap[child])
            child++;
        if (!(heap[child] > value))
            break;
        heap[at] = heap[child];
    }
    heap[at] = value;
}

static int by_dist2(const void *a, const void *b, void *dist2)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const double *of = dist2;

    if (of[x] != of[y])
        return of[x] < of[y] ? -1 : 1;
    return x < y ? -1 : 1;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* The list of center j, out of n candidates whose distances are known. */
static void fill(const struct find *f, size_t j, uint32_t *number, size_t n, double *dist2)
{
    struct km_near_lists *l = f->l;
    uint32_t *list = l->center + j * l->each;
    int has_own = 0;

    qsort_r(number, n, sizeof(*number), by_dist2, dist2);
    for (size_t i = 0; i < l->each; i++) {
        list[i] = number[i];
        has_own |= list[i] == j;
    }
    if (!has_own) /* it has many copies */
        list[l->each - 1] = (uint32_t)j;
    qsort(list, l->each, sizeof(*list), by_number);
}

static double dist2_of(const struct find *f, size_t j, size_t i)
{
    return f->exact.kern->dist2(km_mat_row(&f->c->c, j), f->c->exact + i * f->c->d, f->c->d);
}

/* Measures the distances to those centers that the scores leave. */
static void find_by_scores(const struct find *f, size_t j, const float *score, int worker)
{
    struct km_near_lists *l = f->l;
    struct km_mat row = km_mat_view(&f->c->c, j, 1);
    uint32_t *number = l->number + (size_t)worker * l->k;
    double *dist2 = l->dist2 + (size_t)worker * l->k, heap[KM_NEAR_EACH], limit;
    const float *half = f->c->half, share = f->exact.share;
    float norm2;
    size_t n = 0;

    heap_clear(heap, l->each);
    for (size_t i = 0; i < l->k; i++)
        heap_offer(heap, l->each, (double)(score[i] + share * half[i]));
    f->exact.kern->norms(&norm2, &row);
    limit = heap[0] + 2 * km_exact_rest(&f->exact, km_exact_norm2(&f->exact, norm2));
    for (uint32_t i = 0; i < l->k; i++) {
        if ((double)(score[i] - share * half[i]) > limit)
            continue;
        dist2[i] = dist2_of(f, j, i);
        number[n++] = i;
    }
    fill(f, j, number, n, dist2);
}

static void find_by_distances(const struct find *f, size_t j, int worker)
{
    struct km_near_lists *l = f->l;
    uint32_t *number = l->number + (size_t)worker * l->k;
    double *dist2 = l->dist2 + (size_t)worker * l->k, heap[KM_NEAR_EACH];
    size_t n = 0;

    heap_clear(heap, l->each);
    for (uint32_t i = 0; i < l->k; i++) {
        dist2[i] = dist2_of(f, j, i);
        heap_offer(heap, l->each, dist2[i]);
    }
    for (uint32_t i = 0; i < l->k; i++)
        if (dist2[i] <= heap[0])
            number[n++] = i;
    fill(f, j, number, n, dist2);
}

static void find_task(void *arg, size_t task, int worker)
{
    const struct find *f = arg;
    size_t k = f->l->k, end = km_min((task + 1) * CENTERS, k);
    size_t most = KM_KERN_SCRATCH / k < CENTERS ? KM_KERN_SCRATCH / k : CENTERS;
    float *score = f->l->score + (size_t)worker * KM_KERN_SCRATCH;
    const float *row[CENTERS];

    for (size_t j = task * CENTERS; j < end; j += most) {
        size_t n = km_min(end - j, most);

        for (size_t i = 0; i < n; i++)
            row[i] = km_mat_row(&f->c->c, j + i);
        if (f->c->d >= NARROW)
            f->exact.kern->scores(score, row, n, f->c, 0, k);
        for (size_t i = 0; i < n; i++)
            if (f->c->d >= NARROW)
                find_by_scores(f, j + i, score + i * k, worker);
            else
                find_by_distances(f, j + i, worker);
    }
}

void km_near_lists_find(struct km_near_lists *l, const struct km_centers *c,
                        const struct km_kernels *kern, struct km_pool *pool)
{
    struct find f = {l, c, km_exact_of(kern, c)};

    assert(c->k == l->k);
    km_pool_run(pool, find_task, &f, km_ceil_div(l->k, CENTERS));
}
