/* SPDX-License-Identifier: Apache-2.0 */
/* Steps with bounds against steps that measure every row. */
#include "tests/algo_test.h"

#include "algo/bounds.h"
#include "algo/lloyd.h"

/* Rows with their norms, and what both ways need. */
struct setup {
    struct km_mat x;
    double *norm2, *weight; /* weight may be NULL */
    struct km_assign assign;
    struct km_bounds bounds;
    struct km_centers c;
};

static struct setup make_setup(struct km_mat x, size_t k, struct km_pool *pool)
{
    struct setup s = {.x = x, .norm2 = km_alloc(x.n, sizeof(double))};
    struct km_err err;

    assert_non_null(s.norm2);
    for (size_t i = 0; i < x.n; i++) {
        struct km_mat row = km_mat_view(&x, i, 1);

        s.norm2[i] = km_kernels_generic.norm2(&row);
    }
    assert_ok(km_assign_init(&s.assign, test_kern(), pool, x.n, k, x.d, &err), err);
    assert_ok(km_bounds_init(&s.bounds, k, x.d, &err), err);
    s.c = random_centers(&x, k, 3);
    return s;
}

static void done_setup(struct setup *s)
{
    km_assign_done(&s->assign);
    km_bounds_done(&s->bounds);
    km_centers_done(&s->c);
    km_free(s->norm2);
    km_free(s->weight);
    km_mat_done(&s->x);
}

/* A step on the first n rows; returns the rows that were measured. */
static double step(struct setup *s, size_t n)
{
    struct km_bounds_rows rows = {km_mat_view(&s->x, 0, n), s->norm2, s->weight};
    struct km_err err;

    assert_ok(km_bounds_reserve(&s->bounds, n, &err), err);
    return km_bounds_step(&s->bounds, &s->assign, &rows, &s->c);
}

static double weight_of(const struct setup *s, size_t i)
{
    return s->weight ? s->weight[i] : 1;
}

/* Every row goes to the center that is nearest in float64, and the sums are those of the labels. */
static void check(const struct setup *s, size_t n)
{
    size_t k = s->c.k, d = s->c.d;
    double *sum = km_alloc(k * d, sizeof(*sum)), *count = km_alloc(k, sizeof(*count));

    assert_true(sum && count);
    for (size_t i = 0; i < n; i++) {
        const float *row = km_mat_row(&s->x, i);
        size_t j = s->bounds.label[i], want = 0;

        for (size_t l = 0; l < k; l++)
            want = km_kernels_generic.dist2(row, s->c.exact + l * d, d) <
                           km_kernels_generic.dist2(row, s->c.exact + want * d, d)
                       ? l
                       : want;
        assert_int_equal(j, want);
        count[j] += weight_of(s, i);
        for (size_t t = 0; t < d; t++)
            sum[j * d + t] += weight_of(s, i) * (double)row[t];
    }
    if (!s->weight)
        assert_same_bits(count, s->bounds.sums.count, k);
    for (size_t j = 0; j < k; j++) {
        assert_near(s->bounds.sums.count[j], count[j], 1e-9);
        assert_true((s->bounds.sums.count[j] == 0) == (count[j] == 0));
    }
    for (size_t v = 0; v < k * d; v++)
        assert_near(s->bounds.sums.sum[v], sum[v], 1e-9 * (1 + fabs(sum[v])));
    km_free(sum);
    km_free(count);
}

static void labels_and_sums_are_those_of_measuring_every_row(void **state)
{
    static const struct {
        size_t n, k, d;
        double spread;
    } cases[] = {{1, 1, 64, 1}, {700, 3, 64, 1}, {900, 16, 65, 0.5}, {600, 25, 100, 2}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct setup s = make_setup(
            planted_rows(cases[i].n, cases[i].d, cases[i].k, cases[i].spread, i), cases[i].k, NULL);

        for (int iteration = 0; iteration < 12; iteration++) {
            step(&s, s.x.n);
            check(&s, s.x.n);
            km_centers_to_means(&s.c, &s.bounds.sums);
        }
        done_setup(&s);
    }
}

/* Before each step, of centers that have moved since the one before. */
static void no_row_is_farther_than_the_bound(void **state)
{
    struct setup s = make_setup(planted_rows(1500, 70, 8, 1, 5), 8, NULL);

    (void)state;
    for (int iteration = 0; iteration < 6; iteration++) {
        double most = 0, bound;

        step(&s, 1500);
        km_centers_to_means(&s.c, &s.bounds.sums);
        bound = km_bounds_most_dist2(&s.bounds, &s.c, NULL);
        for (size_t i = 0; i < 1500; i++) {
            size_t j = s.bounds.label[i];

            most = fmax(most, brute_dist2(km_mat_row(&s.x, i), s.c.exact + j * 70, 70));
        }
        assert_true(bound >= most);
        if (iteration > 3) /* hardly anything moves any more */
            assert_at_most(bound, 1.5 * most);
    }
    done_setup(&s);
}

static void rows_may_be_added_between_steps(void **state)
{
    struct setup s = make_setup(planted_rows(1500, 70, 8, 1, 5), 8, NULL);

    (void)state;
    for (size_t n = 100; n <= 1500; n += 200) {
        step(&s, n);
        check(&s, n);
        km_centers_to_means(&s.c, &s.bounds.sums);
    }
    done_setup(&s);
}

/* All rows get other weights whenever some come; a center far away is left by all of its rows in
 * the end. */
static void rows_may_have_weights(void **state)
{
    struct setup s = make_setup(planted_rows(1500, 70, 8, 1, 5), 8, NULL);

    (void)state;
    s.weight = km_alloc(1500, sizeof(*s.weight));
    assert_non_null(s.weight);
    for (size_t n = 100; n <= 1500; n += 200) {
        for (size_t i = 0; i < n; i++)
            s.weight[i] = 1 + (double)((i * n) % 7) / 3;
        for (int iteration = 0; iteration < 3; iteration++) {
            step(&s, n);
            check(&s, n);
            km_centers_to_means(&s.c, &s.bounds.sums);
        }
    }
    for (size_t j = 0; j < 3; j++) {
        float far[70];

        for (size_t t = 0; t < 70; t++)
            far[t] = 100;
        km_centers_set(&s.c, j, far, 1);
        step(&s, 1500);
        check(&s, 1500);
    }
    done_setup(&s);
}

/* It is in one sum first, then in another one, and then alone. */
static void a_far_row_leaves_no_crumbs(void **state)
{
    struct setup s = make_setup(planted_rows(1500, 70, 8, 1, 5), 8, NULL);
    float *far = km_mat_row(&s.x, 3), place[70];

    (void)state;
    for (size_t t = 0; t < 70; t++)
        far[t] = 1e18F;
    s.norm2[3] = 70 * 1e36;
    for (size_t j = 0; j < 3; j++) {
        for (size_t t = 0; t < 70; t++)
            place[t] = (float)(j + 1) * 1e16F / 2;
        memcpy(place, km_mat_row(&s.x, j), j == 0 ? sizeof(place) : 69 * sizeof(float));
        km_centers_set(&s.c, j, j == 2 ? far : place, 1);
        step(&s, 1500);
        assert_int_equal(s.bounds.label[3], j);
    }
    check(&s, 1500);
    done_setup(&s);
}

static void rows_that_cannot_change_are_not_measured(void **state)
{
    struct setup s = make_setup(planted_rows(2000, 64, 8, 0.3, 6), 8, NULL);

    (void)state;
    assert_true(step(&s, 2000) == 2000);
    assert_true(step(&s, 2000) == 0); /* no center has moved */
    for (int iteration = 0; iteration < 30; iteration++) {
        km_centers_to_means(&s.c, &s.bounds.sums);
        step(&s, 2000);
    }
    km_centers_to_means(&s.c, &s.bounds.sums);
    assert_at_most(step(&s, 2000), 20);
    done_setup(&s);
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    double first[9 * 80], measured = 0;

    (void)state;
    for (size_t p = 0; p < TEST_THREADS; p++) {
        struct km_pool *pool = make_pool(test_threads[p]);
        struct setup s = make_setup(random_rows(1700, 80, 7), 9, pool);
        double all = 0;

        for (size_t n = 900; n <= 1700; n += 200) {
            all += step(&s, n);
            km_centers_to_means(&s.c, &s.bounds.sums);
        }
        if (p == 0) {
            memcpy(first, s.c.exact, sizeof(first));
            measured = all;
        }
        assert_same_bits(s.c.exact, first, 9 * 80);
        assert_true(all == measured);
        done_setup(&s);
        km_pool_close(pool);
    }
}

static void a_run_of_lloyd_is_the_same_with_bounds(void **state)
{
    struct setup s = make_setup(random_rows(1200, 64, 8), 10, NULL);
    struct km_points p = weighted_points(&s.x, NULL, &km_kernels_generic);
    struct km_step_size size = km_step_size_of(&p.rows, 10);
    struct km_centers plain = random_centers(&s.x, 10, 3);
    struct km_lloyd_result with, without;
    struct km_step *step, *bounded;
    struct km_err err;

    (void)state;
    p.norm2 = s.norm2;
    assert_ok(km_step_new(&step, &size, test_kern(), NULL, &err), err);
    assert_ok(km_step_bounded(&bounded, step, 10, &err), err);
    assert_ok(km_step_reserve(bounded, 1200, &err), err);
    with = km_lloyd(bounded, &s.c, &p, 100, 1e-7, NULL);
    without = km_lloyd(step, &plain, &p, 100, 1e-7, NULL);
    assert_int_equal(with.iterations, without.iterations);
    assert_near(with.loss, without.loss, 1e-9 * without.loss);
    assert_true(without.work == without.iterations && with.work < with.iterations);
    for (size_t v = 0; v < 10 * 64; v++)
        assert_near(s.c.exact[v], plain.exact[v], 1e-9);
    km_step_free(bounded);
    km_step_free(step);
    km_centers_done(&plain);
    done_setup(&s);
}

static void they_pay_for_many_features_and_few_centers(void **state)
{
    (void)state;
    assert_true(km_bounds_pay(10, 784) && km_bounds_pay(16, 64) && km_bounds_pay(64, 784));
    assert_false(km_bounds_pay(10, 63));
    assert_false(km_bounds_pay(17, 64));
    assert_false(km_bounds_pay(65, 784));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_and_sums_are_those_of_measuring_every_row),
        cmocka_unit_test(no_row_is_farther_than_the_bound),
        cmocka_unit_test(rows_may_be_added_between_steps),
        cmocka_unit_test(rows_may_have_weights),
        cmocka_unit_test(a_far_row_leaves_no_crumbs),
        cmocka_unit_test(rows_that_cannot_change_are_not_measured),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(a_run_of_lloyd_is_the_same_with_bounds),
        cmocka_unit_test(they_pay_for_many_features_and_few_centers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
