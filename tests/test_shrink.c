/* SPDX-License-Identifier: Apache-2.0 */
/* From K weighted centers to k. */
#include "tests/algo_test.h"

#include "algo/shrink.h"

/* K centers at random rows, with weights that differ; every tenth has none. */
static struct km_centers weighted_centers(size_t k, size_t d, uint64_t seed)
{
    struct km_mat x = planted_rows(k, d, 8, 0.3, seed);
    struct km_centers c;
    struct km_err err;

    assert_ok(km_centers_init(&c, k, d, &err), err);
    for (size_t j = 0; j < k; j++)
        km_centers_set(&c, j, km_mat_row(&x, j), (double)(j % 10) * 1.5);
    km_mat_done(&x);
    return c;
}

static struct km_trial *shrink(const struct km_centers *from, const struct km_shrink_options *o,
                               int threads)
{
    struct km_pool *pool = make_pool(threads);
    struct km_trial *trials;
    struct km_err err;

    assert_ok(km_shrink(&trials, from, o, test_kern(), pool, &err), err);
    km_pool_close(pool);
    return trials;
}

static const struct km_shrink_options usual = {
    .k = 8, .trials = 20, .plusplus = 1, .max_iter = 300, .tol = 1e-6, .seed = 5};

static void the_loss_of_every_trial_is_that_of_brute_force(void **state)
{
    struct km_centers from = weighted_centers(80, 12, 1);

    (void)state;
    for (int plusplus = 0; plusplus < 2; plusplus++) {
        struct km_shrink_options o = usual;
        struct km_trial *trials;

        o.plusplus = plusplus;
        o.tol = 0;
        trials = shrink(&from, &o, 2);
        for (size_t t = 0; t < o.trials; t++) {
            double want = brute_loss(&from.c, from.weight, trials[t].centers.exact, 8);

            assert_near(trials[t].loss, want, 1e-6 * want);
        }
        km_trials_free(trials, o.trials);
    }
    km_centers_done(&from);
}

/* The best of many trials beats a typical one, and is as good as the best of brute force. */
static void the_best_of_many_trials_is_as_good_as_brute_force(void **state)
{
    struct km_centers from = weighted_centers(80, 12, 2);
    struct km_trial *trials = shrink(&from, &usual, 1);
    double best = HUGE_VAL, worst = 0, brute = HUGE_VAL;

    (void)state;
    for (size_t t = 0; t < usual.trials; t++) {
        best = trials[t].loss < best ? trials[t].loss : best;
        worst = trials[t].loss > worst ? trials[t].loss : worst;
    }
    for (uint64_t r = 0; r < 20; r++) {
        struct km_centers c = random_centers(&from.c, 8, r);
        double loss;

        for (int i = 0; i < 60; i++)
            brute_lloyd_step(c.exact, &from.c, from.weight, 8);
        loss = brute_loss(&from.c, from.weight, c.exact, 8);
        brute = loss < brute ? loss : brute;
        km_centers_done(&c);
    }
    assert_at_most(best, brute * 1.001);
    assert_true(worst > best * 1.01); /* or the trials would not be worth their time */
    km_trials_free(trials, usual.trials);
    km_centers_done(&from);
}

static void a_trial_depends_on_its_number_alone(void **state)
{
    struct km_centers from = weighted_centers(120, 7, 3);
    struct km_shrink_options few = usual;
    struct km_trial *first = shrink(&from, &usual, 1);

    (void)state;
    for (size_t p = 0; p < TEST_THREADS; p++)
        for (few.trials = 1; few.trials <= 20; few.trials += 6) {
            struct km_trial *trials = shrink(&from, &few, test_threads[p]);

            for (size_t t = 0; t < few.trials; t++) {
                assert_true(trials[t].loss == first[t].loss);
                assert_same_bits(trials[t].centers.exact, first[t].centers.exact, 8 * 7);
                assert_same_bits(trials[t].centers.weight, first[t].centers.weight, 8);
            }
            km_trials_free(trials, few.trials);
        }
    for (size_t t = 1; t < usual.trials; t++)
        assert_true(memcmp(first[t].centers.exact, first[0].centers.exact, 56 * 8) != 0 ||
                    first[t].loss == first[0].loss);
    km_trials_free(first, usual.trials);
    km_centers_done(&from);
}

static void another_seed_gives_other_trials(void **state)
{
    struct km_centers from = weighted_centers(120, 7, 3);
    struct km_shrink_options o = usual;
    struct km_trial *a, *b;
    int differ = 0;

    (void)state;
    o.max_iter = 1;
    a = shrink(&from, &o, 1);
    o.seed++;
    b = shrink(&from, &o, 1);
    for (size_t t = 0; t < o.trials; t++)
        differ += a[t].loss != b[t].loss;
    assert_true(differ > 15);
    km_trials_free(a, o.trials);
    km_trials_free(b, o.trials);
    km_centers_done(&from);
}

/* Without an iteration the centers are the start itself. */
static void random_starts_are_distinct_points_drawn_evenly(void **state)
{
    struct km_shrink_options o = usual;
    struct km_centers from = weighted_centers(20, 3, 4);
    double count[20] = {0}, expected[20];
    struct km_trial *trials;

    (void)state;
    o.plusplus = 0;
    o.max_iter = 0;
    o.trials = 2000;
    trials = shrink(&from, &o, 3);
    for (size_t t = 0; t < o.trials; t++) {
        int taken[20] = {0};

        for (size_t j = 0; j < o.k; j++) {
            size_t at = brute_nearest(km_mat_row(&trials[t].centers.c, j), from.exact, 20, 3);

            assert_same_bits(trials[t].centers.exact + j * 3, from.exact + at * 3, 3);
            assert_false(taken[at]);
            taken[at] = 1;
            count[at]++;
        }
    }
    for (size_t i = 0; i < 20; i++)
        expected[i] = 2000.0 * 8 / 20;
    assert_fits(count, expected, 20);
    km_trials_free(trials, o.trials);
    km_centers_done(&from);
}

static void as_many_centers_as_before_are_the_same_centers(void **state)
{
    struct km_shrink_options o = usual;
    struct km_centers from = weighted_centers(8, 3, 4);
    struct km_trial *trials;

    (void)state;
    o.plusplus = 0;
    trials = shrink(&from, &o, 1);
    for (size_t t = 0; t < o.trials; t++)
        assert_near(trials[t].loss, 0, 1e-10);
    km_trials_free(trials, o.trials);
    km_centers_done(&from);
}

static void fewer_distinct_centers_than_k_give_a_result(void **state)
{
    struct km_centers from = weighted_centers(30, 3, 4);
    struct km_trial *trials;

    (void)state;
    for (size_t j = 0; j < 30; j++) /* three places */
        km_centers_set(&from, j, km_mat_row(&from.c, j % 3), 1);
    trials = shrink(&from, &usual, 2);
    for (size_t t = 0; t < usual.trials; t++)
        assert_near(trials[t].loss, 0, 1e-9);
    km_trials_free(trials, usual.trials);
    km_centers_done(&from);
}

static void auto_is_ten_to_a_hundred_trials_within_four_gflop(void **state)
{
    static const struct {
        size_t from_k, k, d, trials;
    } cases[] = {
        {100, 10, 784, 100}, {10, 1, 1, 100},           {70, 7, 54, 100},   {500, 50, 54, 70},
        {640, 64, 8, 100},   {1000, 100, 784, 10},      {500, 50, 100, 38}, {10000, 1000, 100, 10},
        {1, 1, 1, 100},      {100000, 10000, 1000, 10},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t trials = km_shrink_auto_trials(cases[i].from_k, cases[i].k, cases[i].d);
        double flop = 42.0 * (double)cases[i].from_k * (double)cases[i].k * (double)cases[i].d;

        assert_int_equal(trials, cases[i].trials);
        assert_true(trials == 10 || (double)trials * flop <= 4e9);
        assert_true(trials == 100 || (double)(trials + 1) * flop > 4e9);
    }
}

static void every_allocation_may_fail(void **state)
{
    struct km_centers from = weighted_centers(200, 7, 3);
    struct km_shrink_options o = usual;
    struct km_pool *pool = make_pool(2);
    size_t n = 0;
    int rc;

    (void)state;
    o.trials = 3;
    o.k = 3; /* enough points for each center that the groups of assign.c are allocated too */
    do {
        struct km_trial *trials = (struct km_trial *)&o;
        struct km_err err = {0};

        km_alloc_fail_at(++n);
        rc = km_shrink(&trials, &from, &o, test_kern(), pool, &err);
        km_alloc_fail_at(0);
        if (rc) {
            assert_int_equal(rc, KM_E_MEM);
            assert_int_equal(err.code, KM_E_MEM);
            assert_contains(err.msg, "no memory");
            assert_null(trials);
        }
        km_trials_free(trials, o.trials);
    } while (rc);
    assert_true(n > 30);
    km_pool_close(pool);
    km_centers_done(&from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loss_of_every_trial_is_that_of_brute_force),
        cmocka_unit_test(the_best_of_many_trials_is_as_good_as_brute_force),
        cmocka_unit_test(a_trial_depends_on_its_number_alone),
        cmocka_unit_test(another_seed_gives_other_trials),
        cmocka_unit_test(random_starts_are_distinct_points_drawn_evenly),
        cmocka_unit_test(as_many_centers_as_before_are_the_same_centers),
        cmocka_unit_test(fewer_distinct_centers_than_k_give_a_result),
        cmocka_unit_test(auto_is_ten_to_a_hundred_trials_within_four_gflop),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
