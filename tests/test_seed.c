/* SPDX-License-Identifier: Apache-2.0 */
/* Where the centers start: the distributions, counted over many draws of fixed seeds. */
#include "tests/algo_test.h"

#include "algo/seed.h"

/* n rows of one value each: 0, 1, 2, ... unless values are given. */
static struct km_mat line(size_t n, const float *values)
{
    struct km_mat x = make_mat(n, 1);

    for (size_t i = 0; i < n; i++)
        km_mat_row(&x, i)[0] = values ? values[i] : (float)i;
    return x;
}

static struct km_centers make_centers(size_t k, size_t d)
{
    struct km_centers c;
    struct km_err err;

    assert_ok(km_centers_init(&c, k, d, &err), err);
    return c;
}

static void random_starts_draw_every_row_equally_often(void **state)
{
    struct km_mat x = line(50, NULL);
    struct km_centers c = make_centers(50000, 1);
    double count[50] = {0}, expected[50];
    struct km_rng rng;

    (void)state;
    km_rng_seed(&rng, 1, 'r', 0);
    km_seed_random(&c, &x, &rng);
    for (size_t j = 0; j < c.k; j++) {
        assert_true(c.weight[j] == 1);
        count[(size_t)c.exact[j]]++;
    }
    for (size_t i = 0; i < 50; i++)
        expected[i] = 1000;
    assert_fits(count, expected, 50);
    km_centers_done(&c);
    km_mat_done(&x);
}

/* With replacement: the second center equals the first in one of n cases. */
static void random_starts_draw_with_replacement(void **state)
{
    struct km_mat x = line(4, NULL);
    struct km_centers c = make_centers(2, 1);
    double count[2] = {0}, expected[2] = {5000, 15000};
    struct km_rng rng;

    (void)state;
    km_rng_seed(&rng, 2, 'r', 0);
    for (size_t i = 0; i < 20000; i++) {
        km_seed_random(&c, &x, &rng);
        count[c.exact[0] != c.exact[1]]++;
    }
    assert_fits(count, expected, 2);
    km_centers_done(&c);
    km_mat_done(&x);
}

#define POINTS 5
static const float points[POINTS] = {0, 1, 3, 7, 7.5f};

/* P(first = i, second = j) = w_i / W * w_j D_ij^2 / sum over l of w_l D_il^2 */
static void check_plusplus(const struct km_kernels *kern, const double *weight)
{
    struct km_mat x = line(POINTS, points);
    double expected[POINTS * POINTS] = {0}, count[POINTS * POINTS] = {0}, some[POINTS * POINTS];
    double some_count[POINTS * POINTS], total = 0, draws = 40000;
    struct km_centers c = make_centers(2, 1);
    struct km_rng rng;
    float dist2[KM_SEED_FLOATS * POINTS];
    size_t n = 0;

    for (size_t i = 0; i < POINTS; i++)
        total += weight ? weight[i] : 1;
    for (size_t i = 0; i < POINTS; i++) {
        double shares[POINTS], sum = 0;

        for (size_t j = 0; j < POINTS; j++) {
            double dist = (double)points[i] - (double)points[j];

            shares[j] = (weight ? weight[j] : 1) * dist * dist;
            sum += shares[j];
        }
        for (size_t j = 0; j < POINTS; j++)
            expected[i * POINTS + j] = draws * (weight ? weight[i] : 1) / total * shares[j] / sum;
    }
    km_rng_seed(&rng, 3, 'p', weight != NULL);
    for (double i = 0; i < draws; i++) {
        size_t at[2] = {POINTS, POINTS};

        km_seed_plusplus(&c, &x, weight, kern, NULL, dist2, &rng);
        for (size_t p = 0; p < POINTS; p++)
            for (int s = 0; s < 2; s++)
                if (c.exact[s] == (double)points[p])
                    at[s] = p;
        assert_true(at[0] < POINTS && at[1] < POINTS);
        count[at[0] * POINTS + at[1]]++;
    }
    for (size_t i = 0; i < POINTS * POINTS; i++) {
        if (expected[i] == 0)
            assert_true(count[i] == 0);
        if (expected[i] < 5) /* too rare for chi-square */
            continue;
        some[n] = expected[i];
        some_count[n++] = count[i];
    }
    assert_true(n >= 9);
    assert_fits(some_count, some, n);
    km_centers_done(&c);
    km_mat_done(&x);
}

static void plusplus_draws_in_proportion_to_weight_and_squared_distance(void **state)
{
    static const double weight[POINTS] = {4, 0.5, 3, 0, 1.25};

    (void)state;
    for (size_t l = 0; km_kernels_all()[l]; l++) {
        check_plusplus(km_kernels_all()[l], NULL);
        check_plusplus(km_kernels_all()[l], weight);
    }
}

/* Several blocks of rows, so that the threads share the work. */
static void plusplus_is_the_same_on_any_number_of_threads(void **state)
{
    struct km_mat x = random_rows(5000, 20, 4);
    float *dist2 = km_alloc(x.n, KM_SEED_FLOATS * sizeof(*dist2));
    struct km_centers first = make_centers(30, 20), c = make_centers(30, 20);

    (void)state;
    assert_non_null(dist2);
    for (size_t p = 0; p < TEST_THREADS; p++) {
        struct km_pool *pool = make_pool(test_threads[p]);
        struct km_rng rng;

        km_rng_seed(&rng, 5, 'p', 0);
        km_seed_plusplus(p ? &c : &first, &x, NULL, test_kern(), pool, dist2, &rng);
        if (p)
            assert_same_bits(c.exact, first.exact, 30 * 20);
        km_pool_close(pool);
    }
    for (size_t j = 0; j < 30; j++)
        for (size_t i = 0; i < j; i++) /* a center has no distance to itself: never drawn again */
            assert_true(memcmp(c.exact + i * 20, c.exact + j * 20, 20 * sizeof(double)) != 0);
    km_free(dist2);
    km_centers_done(&first);
    km_centers_done(&c);
    km_mat_done(&x);
}

/* Bounds leave out distances that change nothing: of clusters, one of them far, and equal rows. */
static void distances_of_wide_rows_are_those_of_measuring_all(void **state)
{
    (void)state;
    for (size_t l = 0; km_kernels_all()[l]; l++)
        for (uint64_t seed = 0; seed < 8; seed++) {
            struct km_mat x =
                planted_rows(1300, 64 + 37 * (seed % 3), 12, seed < 4 ? 0.3 : 1e-4, seed);
            struct km_centers c = make_centers(20, x.d);
            float *dist2 = km_alloc(x.n, KM_SEED_FLOATS * sizeof(*dist2)), *want = dist2 + x.n;
            struct km_rng rng;

            assert_non_null(dist2);
            for (size_t i = 0; i < x.n; i++)
                for (size_t t = 0; t < x.d; t++)
                    km_mat_row(&x, i)[t] =
                        i % 7 ? km_mat_row(&x, i)[t] + (i % 12 ? 0 : 3e4F) : km_mat_row(&x, 0)[t];
            km_rng_seed(&rng, seed, 'p', 0);
            km_seed_plusplus(&c, &x, NULL, km_kernels_all()[l], NULL, dist2, &rng);
            for (size_t i = 0; i < x.n; i++)
                want[i] = INFINITY;
            for (size_t j = 0; j + 1 < c.k; j++)
                km_kernels_generic.min_dist2(want, &x, km_mat_row(&c.c, j));
            assert_memory_equal(dist2, want, x.n * sizeof(*want));
            km_free(dist2);
            km_centers_done(&c);
            km_mat_done(&x);
        }
}

static void starts_together_are_what_they_are_alone(void **state)
{
    struct km_pool *pool = make_pool(3);

    (void)state;
    for (size_t d = 20; d <= 100; d += 80) { /* without bounds, and with them */
        struct km_mat x = planted_rows(2500, d, 9, 0.4, d);
        float *dist2 = km_alloc(x.n, KM_SEED_STARTS * sizeof(*dist2));
        struct km_centers c[KM_SEED_STARTS], alone = make_centers(14, d);
        struct km_seed_start starts[KM_SEED_STARTS];
        struct km_err err;

        assert_non_null(dist2);
        for (size_t s = 0; s < KM_SEED_STARTS; s++) {
            c[s] = make_centers(14, d);
            starts[s] = (struct km_seed_start){.c = &c[s], .dist2 = dist2 + s * x.n};
            km_rng_seed(&starts[s].rng, s, 'p', 0);
        }
        assert_ok(km_seed_together(starts, KM_SEED_STARTS, &x, NULL, test_kern(), pool, &err), err);
        for (size_t s = 0; s < KM_SEED_STARTS; s++) {
            struct km_rng rng;

            km_rng_seed(&rng, s, 'p', 0);
            km_seed_plusplus(&alone, &x, NULL, test_kern(), NULL, dist2, &rng);
            assert_same_bits(c[s].exact, alone.exact, 14 * d);
            km_centers_done(&c[s]);
        }
        km_centers_done(&alone);
        km_free(dist2);
        km_mat_done(&x);
    }
    km_pool_close(pool);
}

static void fewer_distinct_rows_than_centers_gives_rows_and_ends(void **state)
{
    static const float values[] = {5, 5, 2, 5, 2, 5, 5, 5};

    (void)state;
    for (size_t l = 0; km_kernels_all()[l]; l++)
        for (uint64_t seed = 0; seed < 50; seed++) {
            struct km_mat x = line(8, values);
            struct km_centers c = make_centers(6, 1);
            float dist2[KM_SEED_FLOATS * 8];
            struct km_rng rng;

            km_rng_seed(&rng, seed, 'p', 0);
            km_seed_plusplus(&c, &x, NULL, km_kernels_all()[l], NULL, dist2, &rng);
            for (size_t j = 0; j < 6; j++)
                assert_true(c.exact[j] == 5 || c.exact[j] == 2);
            assert_true(c.exact[0] != c.exact[1]); /* while there is another value, it is taken */
            km_centers_done(&c);
            km_mat_done(&x);
        }
}

static void rows_of_weight_zero_are_not_drawn_while_others_remain(void **state)
{
    static const double weight[10] = {0, 1, 0, 0, 2, 0, 1e-9, 0, 0, 3};

    (void)state;
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct km_mat x = line(10, NULL);
        struct km_centers c = make_centers(4, 1);
        float dist2[KM_SEED_FLOATS * 10];
        struct km_rng rng;

        km_rng_seed(&rng, seed, 'p', 0);
        km_seed_plusplus(&c, &x, weight, test_kern(), NULL, dist2, &rng);
        for (size_t j = 0; j < 4; j++) {
            assert_true(weight[(size_t)c.exact[j]] > 0);
            for (size_t i = 0; i < j; i++)
                assert_true(c.exact[i] != c.exact[j]);
        }
        km_centers_done(&c);
        km_mat_done(&x);
    }
}

static void weights_of_nothing_but_zero_still_give_rows(void **state)
{
    static const double weight[4] = {0};
    struct km_mat x = line(4, NULL);
    struct km_centers c = make_centers(3, 1);
    float dist2[KM_SEED_FLOATS * 4];
    struct km_rng rng;

    (void)state;
    km_rng_seed(&rng, 1, 'p', 0);
    km_seed_plusplus(&c, &x, weight, test_kern(), NULL, dist2, &rng);
    for (size_t j = 0; j < 3; j++)
        assert_true(c.exact[j] >= 0 && c.exact[j] <= 3);
    km_centers_done(&c);
    km_mat_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_starts_draw_every_row_equally_often),
        cmocka_unit_test(random_starts_draw_with_replacement),
        cmocka_unit_test(plusplus_draws_in_proportion_to_weight_and_squared_distance),
        cmocka_unit_test(plusplus_is_the_same_on_any_number_of_threads),
        cmocka_unit_test(distances_of_wide_rows_are_those_of_measuring_all),
        cmocka_unit_test(starts_together_are_what_they_are_alone),
        cmocka_unit_test(fewer_distinct_rows_than_centers_gives_rows_and_ends),
        cmocka_unit_test(rows_of_weight_zero_are_not_drawn_while_others_remain),
        cmocka_unit_test(weights_of_nothing_but_zero_still_give_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
