/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/sparse.h"

#include "base/mem.h"
#include "base/scale.h"
#include "base/size.h"
#include <assert.h>
#include <math.h>
#include <string.h>

/* Rows of a task that labels or measures; rows of a task that adds. */
#define BLOCK_ROWS 128
#define CHUNK_ROWS 64
/* What underflow may cost, for numbers of size 1. */
#define LOST 1e-36

int km_sparse_init(struct km_sparse *s, const struct km_kernels *kern, struct km_pool *pool,
                   size_t max_rows, size_t max_k, size_t d, struct km_err *err)
{
    *s = (struct km_sparse){.kern = kern, .pool = pool, .max_rows = max_rows, .max_k = max_k};
    s->label = km_alloc(max_rows, sizeof(*s->label));
    s->score = km_alloc(max_rows, sizeof(*s->score));
    s->second = km_alloc(max_rows, sizeof(*s->second));
    s->norm2 = km_alloc(max_rows, sizeof(*s->norm2));
    s->dist2 = km_alloc(max_rows, sizeof(*s->dist2));
    s->order = km_alloc(max_rows, sizeof(*s->order));
    s->first = km_alloc(max_k + 1, sizeof(*s->first));
    s->next = km_alloc(max_k + 1, sizeof(*s->next));
    if (s->label && s->score && s->second && s->norm2 && s->dist2 && s->order && s->first &&
        s->next && (d == 0 || km_lanes_init(&s->lanes, max_k, d, err) == KM_OK))
        return KM_OK;
    km_sparse_done(s);
    return km_fail(err, KM_E_MEM, "no memory for the assignment of %zu sparse rows to %zu centers",
                   max_rows, max_k);
}

void km_sparse_done(struct km_sparse *s)
{
    km_free(s->label);
    km_free(s->score);
    km_free(s->second);
    km_free(s->norm2);
    km_free(s->dist2);
    km_free(s->order);
    km_free(s->first);
    km_free(s->next);
    km_lanes_done(&s->lanes);
    *s = (struct km_sparse){0};
}

/* One call: what its tasks need to know. */
struct call {
    struct km_sparse *s;
    const struct km_csr *x;
    const struct km_lanes *lanes;
    const struct km_centers *c;
    struct km_sums *sums;
    const double *weight;
    size_t panel;
    size_t k;
    km_task *each;
    void *each_arg;
};

static size_t blocks_of(const struct km_csr *x)
{
    return km_ceil_div(x->n, BLOCK_ROWS);
}

static void norm_block(void *arg, size_t task, int worker)
{
    const struct call *c = arg;
    size_t end = km_min((task + 1) * BLOCK_ROWS, c->x->n);

    (void)worker;
    for (size_t i = task * BLOCK_ROWS; i < end; i++)
        c->s->norm2[i] = km_csr_norm2(c->x, i);
}

double km_sparse_norms(struct km_sparse *s, const struct km_csr *x, double *most)
{
    struct call c = {.s = s, .x = x};
    double total = 0;

    assert(x->n <= s->max_rows);
    km_pool_run(s->pool, norm_block, &c, blocks_of(x));
    for (size_t i = 0; i < x->n; i++) {
        total += s->norm2[i];
        if (most && s->norm2[i] > *most)
            *most = s->norm2[i];
    }
    return total;
}

/* The nearest center as float64 tells from the same lanes, value by value; of equal ones the
 * lowest. */
static uint32_t measure(const struct km_csr *x, size_t i, const struct km_lanes *c)
{
    double best = HUGE_VAL;
    uint32_t label = 0;

    for (size_t p = 0; p < km_lanes_panels(c->k); p++) {
        const float *lanes = km_lanes_panel(c, p);
        size_t width = km_lanes_width(c->k, p), first = p * KM_LANES;
        double dot[KM_LANES] = {0};

        for (size_t e = x->at[i]; e < x->at[i] + x->len[i]; e++)
            for (size_t l = 0; l < width; l++)
                dot[l] += (double)x->val[e] * (double)lanes[x->col[e] * width + l];
        for (size_t j = first; j < first + width && j < c->k; j++) {
            double s = c->exact_half[j] + (double)c->scale[j] * dot[j - first];

            label = s < best ? (uint32_t)j : label;
            best = s < best ? s : best;
        }
    }
    return label;
}

/* No |scale * lane| is larger. Norms are kept up to date as rows come: a little is added for
 * that. */
static double reach_of(const struct km_lanes *c)
{
    double most = 0;

    for (size_t j = 0; j < c->k; j++)
        most = (double)c->half[j] > most ? (double)c->half[j] : most;
    return sqrt(2 * most) * 1.001 + LOST;
}

/* Two scores of row `at` of the call that are no farther apart than that may be in the wrong
 * order. */
static double apart_of(const struct km_sparse *s, size_t values, size_t at)
{
    double n = ((double)values + 16) * 0x1p-24;
    double gamma = n < 0.01 ? 1.02 * n : (double)INFINITY;
    /* |x| |c| is no more than (|x|^2 + |c|^2) / 2 */
    double size2 = 2 * s->reach * s->reach + s->norm2[at];

    return gamma * size2 + LOST * (3 + size2);
}

/* Rows whose two best scores are nearer than the error of float32 go through float64: see
 * algo/exact.c. */
static void settle(const struct call *c, const struct km_csr *view, size_t from)
{
    for (size_t i = 0; i < view->n; i++) {
        double apart = (double)c->s->second[from + i] - (double)c->s->score[from + i];

        if (!(apart > apart_of(c->s, view->len[i], from + i)))
            c->s->label[from + i] = measure(view, i, c->lanes);
    }
}

static void label_block(void *arg, size_t task, int worker)
{
    const struct call *c = arg;
    size_t from = task * BLOCK_ROWS, n = km_min(BLOCK_ROWS, c->x->n - from);
    struct km_csr view = km_csr_view(c->x, from, n);
    uint32_t *label = c->s->label + from;
    float *score = c->s->score + from, *second = c->s->second + from;

    (void)worker;
    for (size_t i = 0; c->panel == 0 && i < n; i++) {
        label[i] = 0;
        score[i] = second[i] = INFINITY;
    }
    c->s->kern->sparse_panel(label, score, second, &view, c->lanes, c->panel);
    if (c->panel + 1 == km_lanes_panels(c->lanes->k))
        settle(c, &view, from);
}

void km_sparse_label(struct km_sparse *s, const struct km_csr *x, const struct km_lanes *lanes)
{
    struct call c = {.s = s, .x = x, .lanes = lanes};

    assert(x->n <= s->max_rows && x->d == lanes->d);
    s->reach = reach_of(lanes);
    /* Panel by panel: one panel's busy features stay in cache while all rows go by. */
    for (; c.panel < km_lanes_panels(lanes->k); c.panel++)
        km_pool_run(s->pool, label_block, &c, blocks_of(x));
}

/* As exact.c: the own center may be another than the one of the best score, but is no farther. */
float km_sparse_most_dist2(const struct km_sparse *s, const struct km_csr *x, size_t i)
{
    double most = s->norm2[i] + 2 * (double)s->score[i] + apart_of(s, x->len[i], i);

    return nextafterf((float)(most * (1 + 0x1p-16)), INFINITY);
}

double km_sparse_dist2(const struct km_sparse *s, const struct km_csr *x, size_t i, size_t j,
                       const struct km_lanes *lanes)
{
    size_t width = km_lanes_width(lanes->k, j / KM_LANES);
    const float *lane = km_lanes_at(lanes, j, 0);
    double dot = 0, dist2;

    for (size_t e = x->at[i]; e < x->at[i] + x->len[i]; e++)
        dot += (double)x->val[e] * (double)lane[x->col[e] * width];
    dist2 = s->norm2[i] + 2 * (lanes->exact_half[j] + (double)lanes->scale[j] * dot);
    return dist2 > 0 ? dist2 : 0;
}

void km_sparse_order(struct km_sparse *s, size_t n, size_t k)
{
    assert(n <= s->max_rows && k <= s->max_k);
    memset(s->first, 0, (k + 1) * sizeof(*s->first));
    for (size_t i = 0; i < n; i++)
        s->first[s->label[i] + 1]++;
    for (size_t j = 0; j < k; j++)
        s->first[j + 1] += s->first[j];
    memcpy(s->next, s->first, k * sizeof(*s->next));
    for (size_t i = 0; i < n; i++)
        s->order[s->next[s->label[i]]++] = (uint32_t)i;
}

/* The first label whose rows begin at or behind a place of the order. */
static size_t label_at(const struct km_sparse *s, size_t k, size_t place)
{
    size_t low = 0, high = k;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (s->first[middle] < place)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void run_chunk(void *arg, size_t task, int worker)
{
    const struct call *c = arg;
    size_t j = label_at(c->s, c->k, task * CHUNK_ROWS);
    size_t end = label_at(c->s, c->k, (task + 1) * CHUNK_ROWS);

    for (; j < end; j++)
        if (c->s->first[j] < c->s->first[j + 1])
            c->each(c->each_arg, j, worker);
}

void km_sparse_each_label(struct km_sparse *s, size_t n, size_t k, km_task *fn, void *arg)
{
    struct call c = {.s = s, .k = k, .each = fn, .each_arg = arg};

    km_pool_run(s->pool, run_chunk, &c, km_ceil_div(n, CHUNK_ROWS));
}

static void add_label(void *arg, size_t j, int worker)
{
    const struct call *c = arg;
    const struct km_sparse *s = c->s;
    double *sum = c->sums->sum + j * c->x->d;

    (void)worker;
    for (size_t o = s->first[j]; o < s->first[j + 1]; o++) {
        size_t i = s->order[o], at = c->x->at[i];
        double weight = c->weight ? c->weight[i] : 1;

        for (size_t e = at; e < at + c->x->len[i]; e++)
            sum[c->x->col[e]] += weight * (double)c->x->val[e];
        c->sums->count[j] += weight;
    }
}

void km_sparse_rows(struct km_sparse *s, const struct km_csr *x, const struct km_centers *c)
{
    km_lanes_fill(&s->lanes, c, s->pool);
    km_sparse_norms(s, x, NULL);
    km_sparse_label(s, x, &s->lanes);
    km_sparse_order(s, x->n, c->k);
}

void km_sparse_add(struct km_sparse *s, struct km_sums *sums, const struct km_csr *x,
                   const double *weight, const struct km_centers *c)
{
    struct call call = {.s = s, .x = x, .sums = sums, .weight = weight};

    km_sparse_rows(s, x, c);
    km_sparse_each_label(s, x->n, c->k, add_label, &call);
    *sums->rows += (double)x->n;
}

/* A sum, and what its roundings have lost (Knuth). */
struct long_sum {
    double sum, lost;
};

static inline void add(struct long_sum *s, double v)
{
    double sum = s->sum + v, back = sum - s->sum;

    s->lost += (s->sum - (sum - back)) + (v - back);
    s->sum = sum;
}

/* Products of float32 numbers are exact in float64. */
static void measure_label(void *arg, size_t j, int worker)
{
    const struct call *c = arg;
    struct km_sparse *s = c->s;
    const double *center = c->c->exact + j * c->c->d;
    struct long_sum center2 = {0, 0};

    (void)worker;
    for (size_t t = 0; t < c->c->d; t++)
        add(&center2, center[t] * center[t]);
    for (size_t o = s->first[j]; o < s->first[j + 1]; o++) {
        size_t i = s->order[o], at = c->x->at[i];
        struct long_sum dist2 = center2;

        for (size_t e = at; e < at + c->x->len[i]; e++) {
            double v = (double)c->x->val[e];

            add(&dist2, v * v);
            add(&dist2, -2 * v * center[c->x->col[e]]);
        }
        s->dist2[i] = fmax(dist2.sum + dist2.lost, 0);
    }
}

double km_sparse_measure(struct km_sparse *s, const struct km_csr *x, const struct km_centers *c)
{
    struct call call = {.s = s, .x = x, .c = c};
    double total = 0;

    km_sparse_each_label(s, x->n, c->k, measure_label, &call);
    for (size_t i = 0; i < x->n; i++)
        total += s->dist2[i];
    return total;
}

double km_sparse_ssd(struct km_sparse *s, const struct km_csr *x, const struct km_centers *c)
{
    km_sparse_rows(s, x, c);
    return km_sparse_measure(s, x, c);
}

double km_sparse_ssd_given(struct km_sparse *s, const struct km_csr *x, struct km_given *g)
{
    if (!km_scale_fits(x->val, x->nnz, g->room)) {
        int exponent = km_scale_fit(km_scale_most(x->val, x->nnz), x->d);

        km_centers_scale(&g->centers, exponent - g->exponent);
        g->exponent = exponent;
        g->room = km_scale_room(exponent, x->d);
    }
    if (g->exponent)
        km_scale(x->val, x->nnz, g->exponent);
    return km_sparse_ssd(s, x, &g->centers) * km_given_unit2(g);
}
