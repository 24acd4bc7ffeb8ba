/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every level of kernels that this CPU can run against `generic`, the specification. All buffers
 * end at an unreadable page, so that one value read or written too many is a crash.
 */
#include "algo/exact.h"
#include "tests/algo_test.h"

#include <float.h>

/* How values are made; every kind has products that a float32 can hold. */
enum kind {
    NORMAL,
    SMALL_INTEGERS,
    ALL_EQUAL,
    ZEROS,
    DENORMAL,
    HUGE_VALUES,
    FAR_APART,
    CLOSE,
    KINDS
};

static float value_of(enum kind kind, struct km_rng *rng)
{
    switch (kind) {
    case SMALL_INTEGERS: /* every product and sum is exact, and there are many ties */
        return (float)km_rng_below(rng, 5) - 2;
    case ALL_EQUAL:
        return 3;
    case ZEROS:
        return 0;
    case DENORMAL:
        return (float)(normal(rng) * 1e-40);
    case HUGE_VALUES:
        return (float)(normal(rng) * 1e15);
    case FAR_APART:
        return (float)(normal(rng) * pow(10, 20 * km_rng_unit(rng) - 10));
    case CLOSE: /* all centers are nearly as near */
        return (float)(5 + 1e-3 * normal(rng));
    default:
        return (float)normal(rng);
    }
}

/* Rows and centers, all in guarded memory. */
struct field {
    struct guarded x_mem, c_mem, half_mem;
    struct km_mat x;
    struct km_centers c;
};

static struct km_mat guarded_rows(struct guarded *g, size_t n, size_t d, enum kind kind,
                                  struct km_rng *rng)
{
    struct km_mat m = {.n = n, .d = d, .ld = km_mat_ld(d)};

    m.v = guarded_alloc(g, n * m.ld * sizeof(float));
    for (size_t i = 0; i < n; i++)
        for (size_t t = 0; t < d; t++)
            km_mat_row(&m, i)[t] = value_of(kind, rng);
    return m;
}

static void make_field(struct field *f, size_t n, size_t k, size_t d, enum kind kind)
{
    size_t padded = (k + 15) / 16 * 16;
    struct km_rng rng;

    km_rng_seed(&rng, n, k, d);
    f->x = guarded_rows(&f->x_mem, n, d, kind, &rng);
    f->c = (struct km_centers){.k = k, .d = d};
    f->c.c = guarded_rows(&f->c_mem, k, d, kind, &rng);
    f->c.half = guarded_alloc(&f->half_mem, padded * sizeof(float));
    f->c.exact = km_alloc(k * d, sizeof(double));
    assert_non_null(f->c.exact);
    /* what float32 leaves of the centers: nothing where ties are to be seen */
    for (size_t v = 0; v < k * d; v++)
        f->c.exact[v] = (double)km_mat_row(&f->c.c, v / d)[v % d] *
                        (kind == SMALL_INTEGERS ? 1 : 1 + 0x1p-26 * (double)(v % 3));
    for (size_t j = 0; j < padded; j++) {
        double norm2 = 0;

        for (size_t t = 0; j < k && t < d; t++)
            norm2 += (double)km_mat_row(&f->c.c, j)[t] * (double)km_mat_row(&f->c.c, j)[t];
        f->c.half[j] = j < k ? (float)(0.5 * norm2) : INFINITY;
    }
    mprotect(f->x_mem.map, f->x_mem.map_bytes, PROT_READ); /* kernels only read all of it */
    mprotect(f->c_mem.map, f->c_mem.map_bytes, PROT_READ);
    mprotect(f->half_mem.map, f->half_mem.map_bytes, PROT_READ);
    /* mprotect above opened the guard pages as well: close them again */
    mprotect((char *)f->x.v + n * f->x.ld * sizeof(float), 1, PROT_NONE);
    mprotect((char *)f->c.c.v + k * f->x.ld * sizeof(float), 1, PROT_NONE);
    mprotect((char *)f->c.half + padded * sizeof(float), 1, PROT_NONE);
}

static void free_field(struct field *f)
{
    guarded_free(&f->x_mem);
    guarded_free(&f->c_mem);
    guarded_free(&f->half_mem);
    km_free(f->c.exact);
}

/* Score of center j in float64, and the size of the numbers that it is the difference of. */
static double score_of(const struct field *f, size_t i, size_t j, double *size)
{
    const float *row = km_mat_row(&f->x, i), *center = km_mat_row(&f->c.c, j);
    double dot = 0, row2 = 0;

    for (size_t t = 0; t < f->x.d; t++) {
        dot += (double)row[t] * (double)center[t];
        row2 += (double)row[t] * (double)row[t];
    }
    *size = (double)f->c.half[j] + sqrt(row2 * 2 * (double)f->c.half[j]);
    return (double)f->c.half[j] - dot;
}

/* What nearest found for row i against float64, within what algo/exact.h allows: the score of the
 * label, and that no other center is below `second`. */
static void check_row(const struct field *f, const char *level, const struct km_exact *e, size_t i,
                      uint32_t label, const float *scores)
{
    float norm2;
    struct km_mat row = km_mat_view(&f->x, i, 1);
    double most, size, error, found;

    e->kern->norms(&norm2, &row);
    /* |x| + |c| is the most that scores are of, whatever the chain */
    most = sqrt(km_exact_norm2(e, norm2)) + e->reach;
    error = e->gamma_nearest * most * most + e->tiny * (1 + most) * (1 + most);
    assert_true(label < f->c.k);
    found = score_of(f, i, label, &size);
    if (!(fabs((double)scores[0] - found) <= error))
        fail_msg("%s: n=%zu k=%zu d=%zu row %zu: center %u score %.9g, it is %.9g", level, f->x.n,
                 f->c.k, f->x.d, i, label, (double)scores[0], found);
    for (size_t j = 0; j < f->c.k; j++) {
        double other = score_of(f, i, j, &size);

        if (j != label && !(other >= (double)scores[1] - error))
            fail_msg("%s: n=%zu k=%zu d=%zu row %zu: center %zu has score %.9g, but second is %.9g",
                     level, f->x.n, f->c.k, f->x.d, i, j, other, (double)scores[1]);
    }
}

/* km_kernels.nearest behind km_kernels.pack, in no more memory than the level says that it
 * needs. */
static void run_nearest(const struct km_kernels *kern, uint32_t *label, float *score, float *second,
                        float *norm2, const struct km_mat *x, const struct km_centers *c,
                        float *scratch)
{
    struct packed packed = pack_centers(kern, c);

    memset(scratch, 0xff, KM_KERN_SCRATCH * sizeof(float)); /* NaN: must never matter */
    kern->nearest(label, score, second, norm2, x, c, packed.v, scratch);
    packed_done(&packed);
}

/* Labels as algo/exact.h makes them are those of the specification, without exception. */
static void check_nearest(size_t n, size_t k, size_t d, enum kind kind)
{
    struct guarded mem[5];
    uint32_t *label = guarded_alloc(&mem[0], n * sizeof(*label));
    float *score = guarded_alloc(&mem[1], n * sizeof(*score));
    float *second = guarded_alloc(&mem[2], n * sizeof(*second));
    float *scratch = guarded_alloc(&mem[3], KM_KERN_SCRATCH * sizeof(float));
    uint32_t *want = km_alloc(n, sizeof(*label));
    float *norm2 = guarded_alloc(&mem[4], n * sizeof(*norm2));
    float *want_norm2 = km_alloc(n, sizeof(*norm2));
    struct field f;

    assert_true(want && want_norm2);
    make_field(&f, n, k, d, kind);
    run_nearest(&km_kernels_generic, want, score, second, norm2, &f.x, &f.c, scratch);
    for (size_t l = 0; km_kernels_all()[l + 1]; l++) { /* all but generic */
        const struct km_kernels *kern = km_kernels_all()[l];
        struct km_exact e = km_exact_of(kern, &f.c);

        memset(label, 0xee, n * sizeof(*label));
        memset(score, 0xff, n * sizeof(*score));
        memset(second, 0xff, n * sizeof(*second));
        memset(norm2, 0xff, n * sizeof(*norm2));
        run_nearest(kern, label, score, second, norm2, &f.x, &f.c, scratch);
        km_kernels_generic.norms(want_norm2, &f.x);
        assert_memory_equal(norm2, want_norm2, n * sizeof(*norm2));
        for (size_t i = 0; i < n; i += 1 + k * d / 1000) {
            const float scores[] = {score[i], second[i]};

            check_row(&f, kern->name, &e, i, label[i], scores);
        }
        km_exact_settle(&e, label, score, second, norm2, &f.x, scratch);
        for (size_t i = 0; i < n; i++)
            if (label[i] != want[i])
                fail_msg("%s: n=%zu k=%zu d=%zu kind %d row %zu: center %u, expected %u",
                         kern->name, n, k, d, (int)kind, i, label[i], want[i]);
    }
    free_field(&f);
    for (size_t m = 0; m < 5; m++)
        guarded_free(&mem[m]);
    km_free(want);
    km_free(want_norm2);
}

static void nearest_agrees_with_the_specification_for_all_small_shapes(void **state)
{
    static const size_t sizes[] = {1, 17, 3, 64};
    size_t turn = 0;

    (void)state;
    for (size_t k = 1; k <= 70; k++)
        for (size_t d = 1; d <= 70; d++, turn++)
            check_nearest(sizes[turn % 4], k, d, turn % 3 ? NORMAL : SMALL_INTEGERS);
}

static void nearest_agrees_for_every_kind_of_value(void **state)
{
    static const size_t shapes[][3] = {{1, 1, 1},      {33, 7, 5},   {100, 16, 16}, {50, 70, 33},
                                       {20, 200, 100}, {7, 31, 784}, {35, 97, 61},  {17, 2000, 64}};

    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
            check_nearest(shapes[s][0], shapes[s][1], shapes[s][2], (enum kind)kind);
}

static void nearest_agrees_for_large_shapes(void **state)
{
    static const size_t shapes[][3] = {{KM_KERN_ROWS, 100, 16},
                                       {KM_KERN_ROWS, 129, 3},
                                       {KM_KERN_ROWS, 1000, 2},
                                       {1000, 257, 1},
                                       {64, 2100, 40},
                                       {16, 10, 5000},
                                       {1, 5000, 7},
                                       {1, 140000, 1},
                                       {37, 24, 200},
                                       {38, 25, 129},
                                       {5, 17, 1000},
                                       {13, 100, 784},
                                       {7, 39, 130},
                                       {12, 55, 131},
                                       {23, 300, 257},
                                       {27, 700, 400},
                                       {37, 300, 1000},
                                       {9, 1030, 260},
                                       {9, 15, 128},
                                       {11, 16, 127}};

    (void)state;
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
        check_nearest(shapes[s][0], shapes[s][1], shapes[s][2], s % 2 ? NORMAL : SMALL_INTEGERS);
}

/* The first k that is laid out otherwise than by the level below; 0 if there is none. */
static size_t first_screened(const struct km_kernels *kern, size_t d)
{
    for (size_t k = 1; kern->plain && k <= 2000; k++)
        if (kern->layout(k, d).floats != kern->plain->layout(k, d).floats)
            return k;
    return 0;
}

/* Every kind of panel, in memory that ends where the level says. The sizes of centers are those
 * where panels, tiles, chunks and forms begin and end, and where a screen begins to be used. */
static void packed_centers_take_no_more_memory_than_layout_says(void **state)
{
    static const size_t edges[] = {1,   8,   9,   15,  16,  17,  24,  25,  32,  33,  47,
                                   48,  49,  63,  64,  65,  96,  97,  143, 144, 145, 288,
                                   289, 383, 384, 385, 400, 401, 768, 769, 784, 1713};
    static const size_t wide[] = {127,  128,  129,  255,  256,   257,   783,  784,
                                  1007, 1008, 1024, 1040, 16383, 16384, 16385};

    (void)state;
    for (size_t w = 1; w <= 80 + sizeof(wide) / sizeof(wide[0]); w++) {
        size_t d = w <= 80 ? w : wide[w - 81];

        for (size_t e = 0; e < sizeof(edges) / sizeof(edges[0]); e++)
            if (edges[e] * d <= 1000000)
                check_nearest(e % 3 ? 5 : 17, edges[e], d, SMALL_INTEGERS);
        for (size_t l = 0; km_kernels_all()[l]; l++) {
            size_t k = first_screened(km_kernels_all()[l], d);

            for (size_t near = k ? k - 1 : 1; k && k * d <= 1000000 && near <= k + 1; near++)
                check_nearest(3, near, d, SMALL_INTEGERS);
        }
    }
}

/* So that nobody who writes down a formula of sizes is right on the own CPU alone. */
static void every_family_of_a_level_can_be_run(void **state)
{
    size_t screens = 0;

    (void)state;
    for (size_t l = 0; km_kernels_all()[l]; l++)
        screens += km_kernels_all()[l]->plain != NULL;
    assert_true(screens == 0 || screens == 2);
    for (size_t l = 0; screens && l < screens; l++) {
        const char *name = km_kernels_all()[l]->name;

        assert_true(strcmp(name, "vnni") == 0 || strcmp(name, "vnni-zen4") == 0);
        assert_int_equal(first_screened(km_kernels_all()[l], 16) != 0, strcmp(name, "vnni") != 0);
        assert_true(first_screened(km_kernels_all()[l], 30) != 0);
    }
}

static void nearest_agrees_for_every_number_of_rows_up_to_forty(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 40; n++)
        check_nearest(n, 19, 21, NORMAL);
    check_nearest(KM_KERN_ROWS - 1, 19, 21, NORMAL);
}

/* Center `high` is a copy of center `low`, and both are row `low` of x; scores are exact. */
static void check_tie(const struct km_mat *x, size_t low, size_t high, float *scratch)
{
    struct km_centers c = random_centers(x, x->n, 0);
    uint32_t label[700];
    float score[700], second[700], norm2[700];

    for (size_t j = 0; j < c.k; j++)
        km_centers_set(&c, j, km_mat_row(x, j == high ? low : j), 1);
    for (size_t l = 0; km_kernels_all()[l]; l++) {
        struct km_exact e = km_exact_of(km_kernels_all()[l], &c);

        run_nearest(e.kern, label, score, second, norm2, x, &c, scratch);
        km_exact_settle(&e, label, score, second, norm2, x, scratch);
        if (label[low] != low)
            fail_msg("%s: k=%zu d=%zu: row %zu went to center %u of %zu and %zu",
                     km_kernels_all()[l]->name, c.k, c.d, low, label[low], low, high);
    }
    km_centers_done(&c);
}

static void ties_go_to_the_lowest_center(void **state)
{
    static const size_t shapes[][2] = {{13, 12},   {14, 100},  {131, 12},
                                       {131, 100}, {131, 200}, {700, 70}};
    float *scratch = km_alloc(KM_KERN_SCRATCH, sizeof(float));

    (void)state;
    assert_non_null(scratch);
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        struct km_mat x = random_rows(shapes[s][0], shapes[s][1], s);

        for (size_t i = 0; i < x.n * x.ld; i++)
            x.v[i] = roundf(3 * x.v[i]);
        for (size_t low = 0; low < x.n; low += 1 + x.n / 12)
            for (size_t high = low + 1; high < x.n; high += 1 + x.n / 9)
                check_tie(&x, low, high, scratch);
        km_mat_done(&x);
    }
    km_free(scratch);
}

static void no_rows_are_no_work(void **state)
{
    struct km_mat x = random_rows(3, 4, 1), none = km_mat_view(&x, 0, 0);
    struct km_centers c = random_centers(&x, 2, 1);
    float *scratch = km_alloc(KM_KERN_SCRATCH, sizeof(float));

    (void)state;
    assert_non_null(scratch);
    for (size_t l = 0; km_kernels_all()[l]; l++) {
        run_nearest(km_kernels_all()[l], NULL, NULL, NULL, NULL, &none, &c, scratch);
        assert_true(km_kernels_all()[l]->norm2(&none) == 0);
        km_kernels_all()[l]->min_dist2(NULL, &none, km_mat_row(&x, 0));
    }
    km_free(scratch);
    km_centers_done(&c);
    km_mat_done(&x);
}

/* Scores of a range of centers, and of pairs, for rows in reverse order. */
static void check_scores(size_t n, size_t k, size_t d, enum kind kind)
{
    struct guarded score_mem, pair_mem;
    size_t from = k / 3, centers = k - from;
    float *score = guarded_alloc(&score_mem, n * centers * sizeof(*score));
    float *pair = guarded_alloc(&pair_mem, n * sizeof(*pair));
    uint32_t center[64];
    const float *row[64];
    struct field f;

    make_field(&f, n, k, d, kind);
    for (size_t i = 0; i < n; i++) {
        row[i] = km_mat_row(&f.x, n - 1 - i);
        center[i] = (uint32_t)(i * 7 % k);
    }
    for (size_t l = 0; km_kernels_all()[l]; l++) {
        const struct km_kernels *kern = km_kernels_all()[l];

        kern->scores(score, row, n, &f.c, from, centers);
        kern->pairs(pair, row, center, n, &f.c);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j <= centers; j++) {
                size_t at = j < centers ? from + j : center[i];
                float found = j < centers ? score[i * centers + j] : pair[i];
                double size, want = score_of(&f, n - 1 - i, at, &size);

                if (!(fabs((double)found - want) <=
                      4 * (double)FLT_EPSILON * size + (double)d * (double)FLT_MIN))
                    fail_msg("%s: n=%zu k=%zu d=%zu row %zu center %zu: %.9g, expected %.9g",
                             kern->name, n, k, d, i, at, (double)found, want);
            }
    }
    free_field(&f);
    guarded_free(&score_mem);
    guarded_free(&pair_mem);
}

static void scores_and_pairs_agree_with_the_specification(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 13; n++)
        for (size_t k = 1; k <= 14; k++)
            check_scores(n, k, 16 + n * k, k % 2 ? NORMAL : SMALL_INTEGERS);
    for (int kind = 0; kind < KINDS; kind++)
        check_scores(50, 40, 784, (enum kind)kind);
}

/* n rows of d columns into one sum. */
static void check_add(const struct km_kernels *kern, size_t n, size_t d, const double *weight)
{
    struct guarded sum_mem, row_mem;
    double *sum = guarded_alloc(&sum_mem, d * sizeof(*sum)), expected[300];
    const float *row[9];
    struct km_mat x;
    struct km_rng rng;

    km_rng_seed(&rng, n, d, 0);
    x = guarded_rows(&row_mem, n ? n : 1, d, NORMAL, &rng);
    for (size_t i = 0; i < n; i++)
        row[i] = km_mat_row(&x, n - 1 - i); /* the last row lies at the unreadable page */
    for (size_t t = 0; t < d; t++) {
        sum[t] = expected[t] = normal(&rng);
        for (size_t i = 0; i < n; i++)
            expected[t] += (weight ? weight[i] : 1) * (double)row[i][t];
    }
    kern->add(sum, row, weight, n, d);
    for (size_t t = 0; t < d; t++)
        assert_true(sum[t] == expected[t]);
    guarded_free(&sum_mem);
    guarded_free(&row_mem);
}

static const double some_weights[9] = {2.5, 0, 1, 0.1, 7, 1e-3, 3, 0.7, 2};

static void add_gives_the_same_bits_at_every_level(void **state)
{
    (void)state;
    for (size_t l = 0; km_kernels_all()[l]; l++)
        for (size_t d = 1; d <= 300; d += d < 70 ? 1 : 23)
            for (size_t n = 0; n <= 9; n += 3) {
                check_add(km_kernels_all()[l], n, d, NULL);
                check_add(km_kernels_all()[l], n, d, some_weights);
            }
}

#define SCATTER_ROWS 211
#define SCATTER_K    5

/* In two calls; center 2 receives nothing, 4 most. */
static void check_scatter(const struct km_kernels *kern, size_t d)
{
    struct guarded row_mem;
    uint32_t label[SCATTER_ROWS];
    double *want = km_alloc(SCATTER_K * d, sizeof(*want));
    size_t rows[SCATTER_K] = {0};
    struct km_sums sums;
    struct km_mat x, one, two;
    struct km_rng rng;
    struct km_err err;

    assert_int_equal(km_sums_init(&sums, SCATTER_K, d, &err), KM_OK);
    km_rng_seed(&rng, d, 0, 0);
    x = guarded_rows(&row_mem, SCATTER_ROWS, d, NORMAL, &rng);
    for (size_t i = 0; i < SCATTER_ROWS; i++) {
        label[i] = i % 3 ? 4 : i % 5 == 2 ? 0 : (uint32_t)(i % 5);
        rows[label[i]]++;
        for (size_t t = 0; t < d; t++) {
            double v = (double)km_mat_row(&x, i)[t];

            want[label[i] * d + t] += v;
        }
    }
    one = km_mat_view(&x, 0, 100);
    two = km_mat_view(&x, 100, SCATTER_ROWS - 100);
    kern->scatter(&sums, &one, label);
    kern->scatter(&sums, &two, label + 100);
    for (size_t j = 0; j < SCATTER_K; j++)
        assert_true(sums.count[j] == (double)rows[j]);
    for (size_t v = 0; v < SCATTER_K * d; v++)
        assert_true(sums.sum[v] == want[v]);
    guarded_free(&row_mem);
    km_sums_done(&sums);
    km_free(want);
}

static void scatter_adds_each_row_to_the_sum_of_its_label(void **state)
{
    (void)state;
    for (size_t l = 0; km_kernels_all()[l]; l++)
        for (size_t d = 1; d <= 150; d += d < 70 ? 1 : 11)
            check_scatter(km_kernels_all()[l], d);
}

/* Far from the origin as well: by differences, in float64. */
static void dist2_is_exact_to_float64(void **state)
{
    (void)state;
    for (size_t l = 0; km_kernels_all()[l]; l++)
        for (size_t d = 1; d <= 150; d++) {
            struct guarded row_mem, center_mem;
            float *row = guarded_alloc(&row_mem, d * sizeof(*row));
            double *center = guarded_alloc(&center_mem, d * sizeof(*center)), want;
            struct km_rng rng;

            km_rng_seed(&rng, d, 1, 0);
            for (size_t t = 0; t < d; t++) {
                row[t] = 1e6f + (float)normal(&rng);
                center[t] = 1e6 + normal(&rng);
            }
            want = brute_dist2(row, center, d);
            assert_near(km_kernels_all()[l]->dist2(row, center, d), want, 1e-14 * want);
            assert_true(km_kernels_all()[l]->dist2(row, center, d) ==
                        km_kernels_generic.dist2(row, center, d));
            guarded_free(&row_mem);
            guarded_free(&center_mem);
        }
}

static void norms_and_min_dist2_have_the_bits_of_the_specification(void **state)
{
    static const size_t rows[] = {1, 2, 3, 16, 33, 48, 100};
    size_t turn = 0;

    (void)state;
    for (size_t d = 1; d <= 70; d++)
        for (int kind = 0; kind < KINDS; kind++) {
            size_t n = rows[turn++ % 7];
            struct guarded dist_mem, point_mem;
            float *dist2 = guarded_alloc(&dist_mem, n * sizeof(*dist2));
            float *point = guarded_alloc(&point_mem, km_mat_ld(d) * sizeof(*point)), want[100];
            struct field f;

            make_field(&f, n, 2, d, (enum kind)kind);
            memcpy(point, km_mat_row(&f.c.c, 0), d * sizeof(float));
            for (size_t i = 0; i < n; i++)
                want[i] = i % 3 ? INFINITY : i % 2 ? 0 : (float)km_mat_row(&f.x, i)[0] * 1e-3f;
            for (size_t l = 0; km_kernels_all()[l]; l++) {
                const struct km_kernels *kern = km_kernels_all()[l];
                float expected[100], norm2[100], expected_norm2[100];

                memcpy(expected, want, n * sizeof(float));
                memcpy(dist2, want, n * sizeof(float));
                km_kernels_generic.min_dist2(expected, &f.x, point);
                kern->min_dist2(dist2, &f.x, point);
                km_kernels_generic.norms(expected_norm2, &f.x);
                kern->norms(norm2, &f.x);
                assert_memory_equal(dist2, expected, n * sizeof(float));
                assert_memory_equal(norm2, expected_norm2, n * sizeof(float));
                assert_true(kern->norm2(&f.x) == km_kernels_generic.norm2(&f.x));
            }
            free_field(&f);
            guarded_free(&dist_mem);
            guarded_free(&point_mem);
        }
}

/* By differences: rows far from the origin keep the digits that a difference of squares would lose.
 */
static void min_dist2_is_exact_far_from_the_origin(void **state)
{
    struct km_mat x = make_mat(2, 20);

    (void)state;
    for (size_t t = 0; t < 20; t++) {
        km_mat_row(&x, 0)[t] = 1e6f;
        km_mat_row(&x, 1)[t] = 1e6f + 0.5f;
    }
    for (size_t l = 0; km_kernels_all()[l]; l++) {
        float dist2[2] = {INFINITY, INFINITY};

        km_kernels_all()[l]->min_dist2(dist2, &x, km_mat_row(&x, 0));
        assert_true(dist2[0] == 0 && dist2[1] == 5);
    }
    km_mat_done(&x);
}

static void levels_are_picked_by_name(void **state)
{
    const struct km_kernels *kern;
    struct km_err err;
    size_t levels = 0;

    (void)state;
    for (; km_kernels_all()[levels]; levels++) {
        assert_ok(km_kernels_pick(&kern, km_kernels_all()[levels]->name, &err), err);
        assert_ptr_equal(kern, km_kernels_all()[levels]);
    }
    assert_true(levels >= 2);
    assert_ok(km_kernels_pick(&kern, NULL, &err), err);
    assert_ptr_equal(kern, km_kernels_all()[0]);
    assert_ok(km_kernels_pick(&kern, "", &err), err);
    assert_ptr_equal(kern, km_kernels_all()[0]);
    assert_ok(km_kernels_pick(&kern, "generic", &err), err);
    assert_ptr_equal(kern, &km_kernels_generic);
    assert_string_equal(km_kernels_library(kern), "");
    assert_ok(km_kernels_pick(&kern, "blas", &err), err);
    assert_contains(km_kernels_library(kern), "OpenBLAS");
}

static void an_unknown_level_is_an_error_that_lists_the_known(void **state)
{
    static const char *const wrong[] = {"avx3", "blas ", "BLAS", "bla", "genericc"};
    const struct km_kernels *kern;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct km_err err = {0};

        assert_int_equal(km_kernels_pick(&kern, wrong[i], &err), KM_E_INPUT);
        assert_contains(err.msg, wrong[i]);
        for (size_t l = 0; km_kernels_all()[l]; l++)
            assert_contains(err.msg, km_kernels_all()[l]->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_are_picked_by_name),
        cmocka_unit_test(an_unknown_level_is_an_error_that_lists_the_known),
        cmocka_unit_test(nearest_agrees_with_the_specification_for_all_small_shapes),
        cmocka_unit_test(nearest_agrees_for_every_kind_of_value),
        cmocka_unit_test(nearest_agrees_for_large_shapes),
        cmocka_unit_test(packed_centers_take_no_more_memory_than_layout_says),
        cmocka_unit_test(every_family_of_a_level_can_be_run),
        cmocka_unit_test(nearest_agrees_for_every_number_of_rows_up_to_forty),
        cmocka_unit_test(ties_go_to_the_lowest_center),
        cmocka_unit_test(scores_and_pairs_agree_with_the_specification),
        cmocka_unit_test(no_rows_are_no_work),
        cmocka_unit_test(add_gives_the_same_bits_at_every_level),
        cmocka_unit_test(scatter_adds_each_row_to_the_sum_of_its_label),
        cmocka_unit_test(dist2_is_exact_to_float64),
        cmocka_unit_test(norms_and_min_dist2_have_the_bits_of_the_specification),
        cmocka_unit_test(min_dist2_is_exact_far_from_the_origin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
