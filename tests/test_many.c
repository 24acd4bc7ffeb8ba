/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/algo_test.h"

#include "algo/many.h"

static struct km_many_result many(struct km_centers *c, const struct km_mat *x,
                                  const double *weight, double work, struct km_pool *pool)
{
    struct km_points p = weighted_points(x, weight, test_kern());
    struct km_many_options o = {.work = work, .seed = 5};
    struct km_many_result r;
    struct km_err err;

    assert_ok(km_many(c, &r, &p, &o, test_kern(), pool, &err), err);
    return r;
}

/* 300 clusters far from each other: Lloyd from random rows leaves a quarter of them without a
 * center. */
static void misplaced_centers_are_found(void **state)
{
    static const size_t widths[] = {4, 24};

    (void)state;
    for (size_t w = 0; w < 2; w++) {
        size_t n = 6000, k = 300, d = widths[w];
        struct km_mat x = planted_rows(n, d, k, 0.02, w);
        struct km_centers c = random_centers(&x, k, w);
        struct km_many_result r = many(&c, &x, NULL, 60, NULL);

        assert_true(r.moved > 50 && r.looks > 1 && r.work <= 60);
        assert_at_most(brute_loss(&x, NULL, c.exact, k), r.after * (1 + 1e-9));
        assert_at_most(r.after, 1.02 * 0.02 * 0.02 * (double)(n * d));
        km_centers_done(&c);
        km_mat_done(&x);
    }
}

/* Loss never grows, and what is spent is no more than what may be. */
static void work_is_a_limit(void **state)
{
    struct km_mat x = random_rows(2000, 20, 1);

    (void)state;
    for (int work = 0; work < 30; work += 3) {
        struct km_centers c = random_centers(&x, 150, 0);
        struct km_many_result r = many(&c, &x, NULL, work, NULL);

        assert_true(r.work <= work && (r.iterations > 0) == (work > 0));
        assert_at_most(r.after, r.before);
        if (work > 0)
            assert_at_most(brute_loss(&x, NULL, c.exact, 150), r.after);
        km_centers_done(&c);
    }
    km_mat_done(&x);
}

static void a_row_of_weight_two_is_two_rows(void **state)
{
    size_t n = 900, k = 80;
    struct km_mat x = random_rows(n, 17, 2), twice = make_mat(2 * n, 17);
    struct km_centers a = random_centers(&x, k, 0), b = random_centers(&x, k, 0);
    double *weight = km_alloc(n, sizeof(*weight));

    (void)state;
    for (size_t i = 0; i < n; i++) {
        weight[i] = 2;
        memcpy(km_mat_row(&twice, 2 * i), km_mat_row(&x, i), x.ld * sizeof(float));
        memcpy(km_mat_row(&twice, 2 * i + 1), km_mat_row(&x, i), x.ld * sizeof(float));
    }
    many(&a, &x, weight, 3, NULL);
    many(&b, &twice, NULL, 3, NULL);
    for (size_t i = 0; i < k * 17; i++)
        assert_near(a.exact[i], b.exact[i], 1e-9);
    km_free(weight);
    km_centers_done(&a);
    km_centers_done(&b);
    km_mat_done(&x);
    km_mat_done(&twice);
}

static void same_bits_on_any_number_of_threads_and_at_every_level(void **state)
{
    static const size_t widths[] = {5, 40};

    (void)state;
    for (size_t w = 0; w < 2; w++) {
        size_t k = 260, d = widths[w];
        struct km_mat x = random_rows(5000, d, 3);
        struct km_points p = weighted_points(&x, NULL, &km_kernels_generic);
        struct km_many_options o = {.work = 25, .seed = 1};
        struct km_centers first = random_centers(&x, k, 0);
        struct km_many_result r;
        struct km_err err;

        assert_ok(km_many(&first, &r, &p, &o, test_kern(), NULL, &err), err);
        assert_true(r.moved > 0);
        for (const struct km_kernels *const *kern = km_kernels_all(); *kern; kern++)
            for (size_t t = 0; t < TEST_THREADS; t++) {
                struct km_pool *pool = make_pool(test_threads[t]);
                struct km_centers c = random_centers(&x, k, 0);

                assert_ok(km_many(&c, &r, &p, &o, *kern, pool, &err), err);
                assert_same_bits(c.exact, first.exact, k * d);
                km_centers_done(&c);
                km_pool_close(pool);
            }
        km_centers_done(&first);
        km_mat_done(&x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misplaced_centers_are_found),
        cmocka_unit_test(work_is_a_limit),
        cmocka_unit_test(a_row_of_weight_two_is_two_rows),
        cmocka_unit_test(same_bits_on_any_number_of_threads_and_at_every_level),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
