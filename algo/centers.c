/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/centers.h"

#include "base/clones.h"
#include "base/mem.h"
#include "base/size.h"
#include <math.h>
#include <string.h>

/* Lanes that a kernel may read behind the last center. */
#define LANES 16

/* What kernels read. */
static int init_forms(struct km_centers *c, size_t k, size_t d, struct km_err *err)
{
    size_t padded = km_round_up(k, LANES);

    *c = (struct km_centers){.k = k, .d = d};
    c->half = km_alloc(padded, sizeof(float));
    c->exact_half = km_alloc(k, sizeof(double));
    if (!c->half || !c->exact_half || km_mat_init(&c->c, k, d, err) != KM_OK) {
        km_centers_done(c);
        return km_fail(err, KM_E_MEM, "no memory for %zu centers of %zu features", k, d);
    }
    for (size_t j = k; j < padded; j++)
        c->half[j] = INFINITY;
    return KM_OK;
}

int km_centers_init(struct km_centers *c, size_t k, size_t d, struct km_err *err)
{
    size_t cells;
    int rc = init_forms(c, k, d, err);

    if (rc)
        return rc;
    if (!__builtin_mul_overflow(k, d, &cells))
        c->exact = km_alloc(cells, sizeof(double));
    c->weight = km_alloc(k, sizeof(double));
    if (!c->exact || !c->weight) {
        km_centers_done(c);
        return km_fail(err, KM_E_MEM, "no memory for %zu centers of %zu features", k, d);
    }
    return KM_OK;
}

void km_centers_done(struct km_centers *c)
{
    km_mat_done(&c->c);
    km_free(c->exact);
    km_free(c->weight);
    km_free(c->half);
    km_free(c->exact_half);
    *c = (struct km_centers){0};
}

/* The values that kernels read, and the sum of their squares. */
KM_FOR_ALL_CPUS static double to_float(float *row, const double *exact, size_t d)
{
    double chain[8] = {0}, norm2 = 0; /* one chain alone would wait for each addition to end */
    size_t t = 0;

    for (; t + 8 <= d; t += 8)
        for (size_t l = 0; l < 8; l++) {
            row[t + l] = (float)exact[t + l];
            chain[l] += (double)row[t + l] * (double)row[t + l];
        }
    for (; t < d; t++) {
        row[t] = (float)exact[t];
        norm2 += (double)row[t] * (double)row[t];
    }
    for (size_t l = 0; l < 8; l++)
        norm2 += chain[l];
    return norm2;
}

/* After `exact` of center j changed: the forms that kernels read. */
static void publish(struct km_centers *c, size_t j)
{
    double norm2 = to_float(km_mat_row(&c->c, j), c->exact + j * c->d, c->d);

    c->exact_half[j] = 0.5 * norm2;
    c->half[j] = (float)(0.5 * norm2);
}

int km_centers_adopt(struct km_centers *c, size_t k, size_t d, double *exact, double *weight,
                     struct km_err *err)
{
    int rc = init_forms(c, k, d, err);

    if (rc)
        return rc;
    c->exact = exact;
    c->weight = weight;
    for (size_t j = 0; j < k; j++)
        publish(c, j);
    return KM_OK;
}

static void publish_all(struct km_centers *c)
{
    for (size_t j = 0; j < c->k; j++)
        publish(c, j);
}

void km_centers_place(struct km_centers *c, const double *exact, const double *weight)
{
    if (weight)
        memcpy(c->weight, weight, c->k * sizeof(*weight));
    memcpy(c->exact, exact, c->k * c->d * sizeof(*exact));
    publish_all(c);
}

void km_centers_go_on(struct km_centers *c, double *at, double share)
{
    for (size_t i = 0; i < c->k * c->d; i++) {
        double now = c->exact[i];

        c->exact[i] = now + share * (now - at[i]);
        at[i] = now;
    }
    publish_all(c);
}

void km_centers_place_rows(struct km_centers *c, const struct km_mat *rows, const float *origin,
                           int exponent)
{
    for (size_t j = 0; j < c->k; j++)
        for (size_t t = 0; t < c->d; t++)
            c->exact[j * c->d + t] =
                ldexp((double)km_mat_row(rows, j)[t] - (double)origin[t], exponent);
    publish_all(c);
}

void km_centers_set(struct km_centers *c, size_t j, const float *row, double weight)
{
    for (size_t t = 0; t < c->d; t++)
        c->exact[j * c->d + t] = (double)row[t];
    c->weight[j] = weight;
    publish(c, j);
}

void km_centers_copy(struct km_centers *to, const struct km_centers *from)
{
    memcpy(to->exact, from->exact, from->k * from->d * sizeof(double));
    memcpy(to->weight, from->weight, from->k * sizeof(double));
    memcpy(to->exact_half, from->exact_half, from->k * sizeof(double));
    memcpy(to->half, from->half, from->k * sizeof(float));
    memcpy(to->c.v, from->c.v, from->k * from->c.ld * sizeof(float));
}

void km_centers_scale(struct km_centers *c, int exponent)
{
    double by = ldexp(1, exponent);

    for (size_t i = 0; i < c->k * c->d; i++)
        c->exact[i] *= by;
    publish_all(c);
}

/*
 * Doubles in front of the block, so that `sum` begins on a cache line: kernels store whole vectors
 * there, and a store across two lines takes twice as long (Intel: 119 -> 87 ns for a row of 784).
 */
static size_t lead(size_t k)
{
    return 7 - (k + 1 + KM_FLAGS) % 8;
}

int km_sums_init(struct km_sums *s, size_t k, size_t d, struct km_err *err)
{
    size_t cells, doubles = 0;
    double *memory = NULL;

    *s = (struct km_sums){.k = k, .d = d};
    if (!__builtin_mul_overflow(k, d, &cells) &&
        !__builtin_add_overflow(cells, lead(k) + 2 + KM_FLAGS + k, &doubles))
        memory = km_alloc(doubles, sizeof(double));
    if (!memory)
        return km_fail(err, KM_E_MEM, "no memory for the sums of %zu centers of %zu features", k,
                       d);
    s->len = doubles - lead(k);
    s->block = memory + lead(k);
    s->rows = s->block;
    s->ssd = s->block + 1;
    s->flags = s->block + 2;
    s->count = s->flags + KM_FLAGS;
    s->sum = s->count + k;
    return KM_OK;
}

void km_sums_done(struct km_sums *s)
{
    if (s->block)
        km_free(s->block - lead(s->k));
    *s = (struct km_sums){0};
}

/* All but the sums of rows. */
static void clear_head(struct km_sums *s)
{
    memset(s->block, 0, (2 + KM_FLAGS + s->k) * sizeof(double));
}

void km_sums_clear(struct km_sums *s)
{
    for (size_t j = 0; j < s->k; j++)
        if (s->count[j] != 0)
            memset(s->sum + j * s->d, 0, s->d * sizeof(double));
    clear_head(s);
}

void km_sums_scale(struct km_sums *s, int exponent)
{
    double by = ldexp(1, exponent);

    for (size_t i = 0; i < s->k * s->d; i++)
        s->sum[i] *= by;
    *s->ssd *= by * by;
}

/* Centers of one task; a task is a few hundred microseconds at most. */
#define MOVE_CENTERS 16

struct move {
    struct km_centers *c;
    struct km_sums *s;
    double decay;
};

/* exact + p * (sum / n - exact), with p / n = 1 / weight. Returns what the rows' squared distances
 * to the center are beyond their squared norms: n |c|^2 - 2 c . sum. */
KM_FOR_ALL_CPUS static double move_one(double *exact, const double *sum, double n, double weight,
                                       size_t d)
{
    double inverse = 1 / weight, chain[8] = {0}, beyond = 0;
    size_t t = 0;

    for (; t + 8 <= d; t += 8)
        for (size_t l = 0; l < 8; l++) {
            double c = exact[t + l], s = sum[t + l], step = s - n * c;

            chain[l] -= c * (s + step);
            exact[t + l] = c + step * inverse;
        }
    for (; t < d; t++) {
        double c = exact[t], step = sum[t] - n * c;

        beyond -= c * (sum[t] + step);
        exact[t] = c + step * inverse;
    }
    for (size_t l = 0; l < 8; l++)
        beyond += chain[l];
    return beyond;
}

static void move_some(void *arg, size_t task, int worker)
{
    const struct move *m = arg;
    struct km_centers *c = m->c;
    size_t from = task * MOVE_CENTERS;
    size_t to = km_min(from + MOVE_CENTERS, c->k);

    (void)worker;
    for (size_t j = from; j < to; j++) {
        double n = m->s->count[j];

        c->weight[j] *= m->decay;
        if (n <= 0)
            continue;
        c->weight[j] += n;
        m->s->count[j] = /* which has been read, and is cleared */
            move_one(c->exact + j * c->d, m->s->sum + j * c->d, n, c->weight[j], c->d);
        publish(c, j);
        memset(m->s->sum + j * c->d, 0, c->d * sizeof(double));
    }
}

double km_centers_move(struct km_centers *c, struct km_sums *s, double decay, struct km_pool *pool)
{
    struct move m = {c, s, decay};
    double ssd = *s->ssd;

    km_pool_run(pool, move_some, &m, km_ceil_div(c->k, MOVE_CENTERS));
    for (size_t j = 0; j < c->k; j++)
        ssd += s->count[j];
    clear_head(s);
    return ssd > 0 ? ssd : 0;
}

double km_centers_to_means(struct km_centers *c, const struct km_sums *s)
{
    double total = 0;

    for (size_t j = 0; j < c->k; j++) {
        double n = s->count[j];
        double *exact = c->exact + j * c->d;
        const double *sum = s->sum + j * c->d;
        double norm2 = 0;

        c->weight[j] = n;
        if (n <= 0)
            continue;
        for (size_t t = 0; t < c->d; t++) {
            exact[t] = sum[t] / n;
            norm2 += exact[t] * exact[t];
        }
        total += n * norm2;
        publish(c, j);
    }
    return total;
}
