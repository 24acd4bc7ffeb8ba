/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of base and algo share: random rows, and k-means by brute force in float64. */
#ifndef KM_TESTS_ALGO_TEST_H
#define KM_TESTS_ALGO_TEST_H

#include "tests/test.h"

#include "algo/points.h"
#include "base/csr.h"
#include "base/mem.h"
#include "base/rng.h"
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

/** Fails unless a and b differ by at most tolerance (absolute). */
#define assert_near(a, b, tolerance)                                                               \
    do {                                                                                           \
        double near_a = (a), near_b = (b), near_t = (tolerance);                                   \
        if (!(fabs(near_a - near_b) <= near_t))                                                    \
            fail_msg("%.17g and %.17g differ by more than %g", near_a, near_b, near_t);            \
    } while (0)

/** Fails unless a <= b. */
#define assert_at_most(a, b)                                                                       \
    do {                                                                                           \
        double most_a = (a), most_b = (b);                                                         \
        if (!(most_a <= most_b))                                                                   \
            fail_msg("%.17g is above %.17g", most_a, most_b);                                      \
    } while (0)

/** Fails unless the n values at a and b have the same bits. */
#define assert_same_bits(a, b, n)                                                                  \
    do {                                                                                           \
        if (memcmp((a), (b), (n) * sizeof(*(a))) != 0)                                             \
            fail_msg("%s and %s are not the same bits", #a, #b);                                   \
    } while (0)

/** The numbers of threads that must all give the same bits. */
static const int test_threads[] = {1, 2, 3, 5};
#define TEST_THREADS 4

/** The kernels that tests compute with: those of KM_ISA, else the best of this machine. */
static inline const struct km_kernels *test_kern(void)
{
    const struct km_kernels *kern;
    struct km_err err;

    assert_ok(km_kernels_pick(&kern, getenv("KM_ISA"), &err), err);
    return kern;
}

/** A buffer whose last byte is the last of its page; the next page cannot be touched. */
struct guarded {
    void *map;
    size_t map_bytes;
    void *at;
};

static inline void *guarded_alloc(struct guarded *g, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = (bytes + page - 1) / page;
    char *p;

    g->map_bytes = (pages + 1) * page;
    p = mmap(NULL, g->map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_int_equal(mprotect(p + pages * page, page, PROT_NONE), 0);
    g->map = p;
    g->at = p + pages * page - bytes;
    return g->at;
}

static inline void guarded_free(struct guarded *g)
{
    assert_int_equal(munmap(g->map, g->map_bytes), 0);
}

/** Centers as a level wants them, in guarded memory of the size that it says. */
struct packed {
    struct guarded memory;
    float *v; /* NULL: it reads them as they are */
};

static inline struct packed pack_centers(const struct km_kernels *kern, const struct km_centers *c)
{
    struct km_layout layout = kern->layout(c->k, c->d);
    struct packed p = {.v = NULL};

    assert_true(!layout.panels == !layout.floats);
    if (layout.floats) {
        p.v = guarded_alloc(&p.memory, layout.floats * sizeof(*p.v));
        memset(p.v, 0xff, layout.floats * sizeof(*p.v)); /* NaN */
    }
    for (size_t i = layout.panels; i-- > 0;) /* panels may come in any order */
        kern->pack(p.v, c, i);
    return p;
}

static inline void packed_done(struct packed *p)
{
    if (p->v)
        guarded_free(&p->memory);
}

static inline struct km_pool *make_pool(int threads)
{
    struct km_pool *pool;
    struct km_err err;

    assert_ok(km_pool_open(&pool, threads, &err), err);
    return pool;
}

static inline struct km_mat make_mat(size_t n, size_t d)
{
    struct km_mat m;
    struct km_err err;

    assert_ok(km_mat_init(&m, n, d, &err), err);
    return m;
}

/** A sample of the normal distribution (Box and Muller). */
static inline double normal(struct km_rng *rng)
{
    double radius = sqrt(-2 * log(1 - km_rng_unit(rng)));

    return radius * cos(6.283185307179586 * km_rng_unit(rng));
}

/** n rows of normal values. */
static inline struct km_mat random_rows(size_t n, size_t d, uint64_t seed)
{
    struct km_mat m = make_mat(n, d);
    struct km_rng rng;

    km_rng_seed(&rng, seed, 't', 0);
    for (size_t i = 0; i < n; i++)
        for (size_t t = 0; t < d; t++)
            km_mat_row(&m, i)[t] = (float)normal(&rng);
    return m;
}

/** n rows around k normal centers; a cluster's values deviate by spread. Row i is of cluster i % k.
 */
static inline struct km_mat planted_rows(size_t n, size_t d, size_t k, double spread, uint64_t seed)
{
    struct km_mat centers = random_rows(k, d, seed + 1000);
    struct km_mat m = random_rows(n, d, seed);

    for (size_t i = 0; i < n; i++)
        for (size_t t = 0; t < d; t++)
            km_mat_row(&m, i)[t] =
                (float)(spread * (double)km_mat_row(&m, i)[t]) + km_mat_row(&centers, i % k)[t];
    km_mat_done(&centers);
    return m;
}

/** Dense rows of such weights (NULL: 1 each). */
static inline struct km_points weighted_points(const struct km_mat *x, const double *weight,
                                               const struct km_kernels *kern)
{
    struct km_rows rows = {.dense = *x, .weight = weight};

    return km_points_of(&rows, kern);
}

/** The values of x that are not 0. */
static inline struct km_csr sparse_of(const struct km_mat *x)
{
    struct km_csr s;
    struct km_err err;

    assert_ok(km_csr_init(&s, x->n, x->n * x->d, x->d, &err), err);
    for (size_t i = 0; i < x->n; i++) {
        s.at[i] = s.nnz;
        for (size_t t = 0; t < x->d; t++)
            if (km_mat_row(x, i)[t] != 0) {
                s.col[s.nnz] = (uint32_t)t;
                s.val[s.nnz++] = km_mat_row(x, i)[t];
            }
        s.len[i] = (uint32_t)(s.nnz - s.at[i]);
        s.n++;
    }
    return s;
}

/** k centers at rows drawn from x, of weight 1. */
static inline struct km_centers random_centers(const struct km_mat *x, size_t k, uint64_t seed)
{
    struct km_centers c;
    struct km_err err;
    struct km_rng rng;

    assert_ok(km_centers_init(&c, k, x->d, &err), err);
    km_rng_seed(&rng, seed, 't', 1);
    for (size_t j = 0; j < k; j++)
        km_centers_set(&c, j, km_mat_row(x, km_rng_below(&rng, x->n)), 1);
    return c;
}

/** Squared distance of a row to d values in float64. */
static inline double brute_dist2(const float *row, const double *center, size_t d)
{
    double total = 0;

    for (size_t t = 0; t < d; t++)
        total += ((double)row[t] - center[t]) * ((double)row[t] - center[t]);
    return total;
}

/** The nearest of k centers, (k, d) values; the lowest of equals. */
static inline size_t brute_nearest(const float *row, const double *centers, size_t k, size_t d)
{
    size_t best = 0;

    for (size_t j = 1; j < k; j++)
        if (brute_dist2(row, centers + j * d, d) < brute_dist2(row, centers + best * d, d))
            best = j;
    return best;
}

/** Sum of weight * squared distance to the nearest center. */
static inline double brute_loss(const struct km_mat *x, const double *weight, const double *centers,
                                size_t k)
{
    double total = 0;

    for (size_t i = 0; i < x->n; i++) {
        const float *row = km_mat_row(x, i);
        size_t j = brute_nearest(row, centers, k, x->d);

        total += (weight ? weight[i] : 1) * brute_dist2(row, centers + j * x->d, x->d);
    }
    return total;
}

/** One iteration of Lloyd on (k, d) values; an empty center keeps its place. */
static inline void brute_lloyd_step(double *centers, const struct km_mat *x, const double *weight,
                                    size_t k)
{
    size_t d = x->d;
    double *sum = km_alloc(k * d, sizeof(*sum));
    double *count = km_alloc(k, sizeof(*count));

    assert_true(sum && count);
    for (size_t i = 0; i < x->n; i++) {
        size_t j = brute_nearest(km_mat_row(x, i), centers, k, d);
        double w = weight ? weight[i] : 1;

        count[j] += w;
        for (size_t t = 0; t < d; t++)
            sum[j * d + t] += w * (double)km_mat_row(x, i)[t];
    }
    for (size_t j = 0; j < k; j++)
        for (size_t t = 0; count[j] > 0 && t < d; t++)
            centers[j * d + t] = sum[j * d + t] / count[j];
    km_free(sum);
    km_free(count);
}

/** Loss of the best of `runs` runs of Lloyd from random rows, 60 iterations each. */
static inline double brute_best_of(const struct km_mat *x, size_t k, int runs, uint64_t seed)
{
    double best = HUGE_VAL;

    for (int r = 0; r < runs; r++) {
        struct km_centers c = random_centers(x, k, seed + (uint64_t)r);
        double loss;

        for (int i = 0; i < 60; i++)
            brute_lloyd_step(c.exact, x, NULL, k);
        loss = brute_loss(x, NULL, c.exact, k);
        best = loss < best ? loss : best;
        km_centers_done(&c);
    }
    return best;
}

/**
 * Fails unless n counts fit to n expectations: chi-square below its mean plus six standard
 * deviations, which a right program meets in all but a millionth of its seeds (ours are fixed).
 */
static inline void assert_fits(const double *count, const double *expected, size_t n)
{
    double chi2 = 0, freedom = (double)n - 1;

    for (size_t i = 0; i < n; i++)
        chi2 += (count[i] - expected[i]) * (count[i] - expected[i]) / expected[i];
    assert_at_most(chi2, freedom + 6 * sqrt(2 * freedom));
}

#endif
