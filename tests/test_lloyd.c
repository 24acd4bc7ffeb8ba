/* SPDX-License-Identifier: Apache-2.0 */
/* Lloyd's algorithm on rows in memory, against brute force. */
#include "tests/algo_test.h"

#include "algo/lloyd.h"

static struct km_lloyd_result run_relaxed(struct km_centers *c, const struct km_mat *x,
                                          const double *weight, int max_iter, double tol,
                                          struct km_relax *relax)
{
    struct km_points p = weighted_points(x, weight, &km_kernels_generic);
    struct km_step_size size = km_step_size_of(&p.rows, c->k);
    struct km_lloyd_result r;
    struct km_step *step;
    struct km_err err;

    assert_ok(km_step_new(&step, &size, test_kern(), NULL, &err), err);
    r = km_lloyd_beyond(step, c, &p, max_iter, tol, NULL, relax);
    km_step_free(step);
    return r;
}

static struct km_lloyd_result run(struct km_centers *c, const struct km_mat *x,
                                  const double *weight, int max_iter, double tol)
{
    return run_relaxed(c, x, weight, max_iter, tol, NULL);
}

static double *some_weights(size_t n)
{
    double *w = km_alloc(n, sizeof(*w));

    assert_non_null(w);
    for (size_t i = 0; i < n; i++)
        w[i] = (double)(i % 4);
    return w;
}

static void points_know_their_weight_and_norm(void **state)
{
    struct km_mat x = random_rows(100, 19, 1);
    double *weight = some_weights(100), norm2 = 0, weighted = 0;
    struct km_points p = weighted_points(&x, NULL, &km_kernels_generic);

    (void)state;
    for (size_t i = 0; i < 100; i++)
        for (size_t t = 0; t < 19; t++) {
            double v = (double)km_mat_row(&x, i)[t];

            norm2 += v * v;
            weighted += weight[i] * v * v;
        }
    assert_true(p.total_weight == 100 && p.rows.weight == NULL);
    assert_near(p.total_norm2, norm2, 1e-9);
    p = weighted_points(&x, weight, &km_kernels_generic);
    assert_true(p.total_weight == 150);
    assert_near(p.total_norm2, weighted, 1e-9);
    km_free(weight);
    km_mat_done(&x);
}

/* One iteration at a time: the loss is that of the labels' means, follows brute force, never rises.
 */
static void check_descent(const double *weight)
{
    struct km_mat x = random_rows(800, 6, 2);
    struct km_centers c = random_centers(&x, 12, 2), brute = random_centers(&x, 12, 2);
    double before = HUGE_VAL;

    for (int i = 0; i < 25; i++) {
        struct km_lloyd_result r = run(&c, &x, weight, 1, 0);
        double at_most, at_least;

        assert_int_equal(r.iterations, 1);
        assert_at_most(r.loss, before * (1 + 1e-6));
        before = r.loss;
        at_most = brute_loss(&x, weight, brute.exact, 12); /* before the means moved */
        brute_lloyd_step(brute.exact, &x, weight, 12);
        at_least = brute_loss(&x, weight, brute.exact, 12); /* and with labels of after */
        assert_at_most(r.loss, at_most * (1 + 1e-6));
        assert_at_most(at_least, r.loss * (1 + 1e-6));
        for (size_t v = 0; v < 12 * 6; v++)
            assert_near(c.exact[v], brute.exact[v], 1e-9);
    }
    km_centers_done(&c);
    km_centers_done(&brute);
    km_mat_done(&x);
}

static void the_loss_falls_and_centers_are_those_of_brute_force(void **state)
{
    double *weight = some_weights(800);

    (void)state;
    check_descent(NULL);
    check_descent(weight);
    km_free(weight);
}

static void the_loss_of_a_converged_run_is_that_of_brute_force(void **state)
{
    struct km_mat x = random_rows(3000, 33, 3); /* enough rows for the groups of assign.c */
    double *weight = some_weights(3000);

    (void)state;
    for (int weighted = 0; weighted < 2; weighted++) {
        struct km_centers c = random_centers(&x, 9, 3);
        struct km_lloyd_result r = run(&c, &x, weighted ? weight : NULL, 500, 0);
        double want = brute_loss(&x, weighted ? weight : NULL, c.exact, 9);

        assert_true(r.converged);
        assert_near(r.loss, want, 1e-9 * want);
        km_centers_done(&c);
    }
    km_free(weight);
    km_mat_done(&x);
}

static void planted_clusters_are_found(void **state)
{
    struct km_mat x = planted_rows(1000, 8, 5, 0.01, 4);
    struct km_centers c = random_centers(&x, 5, 4);
    struct km_lloyd_result r;

    (void)state;
    for (size_t j = 0; j < 5; j++)
        km_centers_set(&c, j, km_mat_row(&x, j), 1); /* row i is of cluster i % 5 */
    r = run(&c, &x, NULL, 100, 0);
    assert_true(r.converged);
    assert_near(r.loss, 1000 * 8 * 1e-4, 0.05 * 1000 * 8 * 1e-4);
    for (size_t j = 0; j < 5; j++) {
        assert_true(c.weight[j] == 200);
        for (size_t t = 0; t < 8; t++) {
            double mean = 0;

            for (size_t i = j; i < 1000; i += 5)
                mean += (double)km_mat_row(&x, i)[t] / 200;
            assert_near(c.exact[j * 8 + t], mean, 1e-12);
        }
    }
    km_centers_done(&c);
    km_mat_done(&x);
}

static void it_stops_at_max_iter_or_when_an_iteration_gains_less_than_tol(void **state)
{
    struct km_mat x = random_rows(2000, 4, 5);
    double loss[200];
    struct km_centers c = random_centers(&x, 20, 5);
    struct km_lloyd_result r;

    (void)state;
    for (int i = 0; i < 200; i++)
        loss[i] = run(&c, &x, NULL, 1, 0).loss;
    km_centers_done(&c);
    for (int max_iter = 1; max_iter <= 5; max_iter++) {
        c = random_centers(&x, 20, 5);
        r = run(&c, &x, NULL, max_iter, 0);
        assert_int_equal(r.iterations, max_iter);
        assert_false(r.converged);
        assert_true(r.loss == loss[max_iter - 1]);
        km_centers_done(&c);
    }
    for (double tol = 0.1; tol > 1e-5; tol /= 10) {
        int want = 1;

        while (loss[want - 1] - loss[want] > tol * loss[want])
            want++;
        c = random_centers(&x, 20, 5);
        r = run(&c, &x, NULL, 200, tol);
        assert_true(r.converged);
        assert_int_equal(r.iterations, want + 1);
        km_centers_done(&c);
    }
    km_mat_done(&x);
}

/* The first iteration has no loss to compare with, not even that of a single center at the origin.
 */
static void beyond_the_means_fewer_iterations_lead_as_far(void **state)
{
    struct km_mat x = random_rows(4000, 3, 6);
    struct km_centers plain = random_centers(&x, 20, 6), relaxed = random_centers(&x, 20, 6);
    struct km_centers means = random_centers(&x, 20, 6);
    struct km_lloyd_result without = run(&plain, &x, NULL, 1000, 1e-6), with;
    struct km_relax relax;
    struct km_err err;

    (void)state;
    assert_ok(km_relax_init(&relax, 20, 3, &err), err);
    with = run_relaxed(&relaxed, &x, NULL, 1000, 1e-6, &relax);
    assert_true(without.converged && with.converged);
    assert_true(4 * with.iterations < 3 * without.iterations);
    assert_at_most(with.loss, without.loss * 1.01);
    km_centers_copy(&means, &relaxed);
    brute_lloyd_step(means.exact, &x, NULL, 20);
    for (size_t v = 0; v < 20 * 3;
         v++) /* it ended at means, and these are nearly those of their own labels */
        assert_near(relaxed.exact[v], means.exact[v], 0.02);
    km_relax_done(&relax);
    km_centers_done(&plain);
    km_centers_done(&relaxed);
    km_centers_done(&means);
    km_mat_done(&x);
}

static void a_run_with_relaxation_ends_at_means(void **state)
{
    struct km_mat x = random_rows(500, 3, 7);

    (void)state;
    for (int most = 1; most <= 6; most++) {
        struct km_centers c = random_centers(&x, 5, 7);
        struct km_relax relax;
        struct km_err err;
        double sum = 0, want = 0;

        assert_ok(km_relax_init(&relax, 5, 3, &err), err);
        assert_int_equal(run_relaxed(&c, &x, NULL, most, 0, &relax).iterations, most);
        for (size_t t = 0; t < 3;
             t++) { /* the mean of means, with their weights, is that of the rows */
            for (size_t j = 0; j < 5; j++)
                sum += c.weight[j] * c.exact[j * 3 + t];
            for (size_t i = 0; i < 500; i++)
                want += (double)km_mat_row(&x, i)[t];
        }
        assert_near(sum, want, 1e-9);
        km_relax_done(&relax);
        km_centers_done(&c);
    }
    km_mat_done(&x);
}

static void the_first_iteration_is_never_the_last_by_tol(void **state)
{
    static const float rows[4] = {-3, -1, 1, 3}, starts[2] = {1, 5.5f};
    struct km_mat x = make_mat(4, 1);
    struct km_centers c;
    struct km_lloyd_result r;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        km_mat_row(&x, i)[0] = rows[i];
    c = random_centers(&x, 2, 0);
    for (size_t j = 0; j < 2; j++)
        km_centers_set(&c, j, &starts[j], 1);
    r = run(&c, &x, NULL, 100, 1e-4); /* all rows to the first, to 0; then 3 is nearer to 5.5 */
    assert_near(c.exact[0], -1, 1e-12);
    assert_near(c.exact[1], 3, 1e-12);
    assert_near(r.loss, 8, 1e-12);
    km_centers_done(&c);
    km_mat_done(&x);
}

static void an_empty_center_keeps_its_place(void **state)
{
    const float far[3] = {1000, -1000, 1000};
    struct km_mat x = random_rows(300, 3, 6);
    struct km_centers c = random_centers(&x, 4, 6);
    struct km_lloyd_result r;

    (void)state;
    km_centers_set(&c, 2, far, 1);
    r = run(&c, &x, NULL, 100, 0);
    for (size_t t = 0; t < 3; t++)
        assert_true(c.exact[2 * 3 + t] == (double)far[t]);
    assert_true(c.weight[2] == 0);
    assert_true(c.weight[0] + c.weight[1] + c.weight[3] == 300);
    assert_near(r.loss, brute_loss(&x, NULL, c.exact, 4), 1e-9 * r.loss);
    km_centers_done(&c);
    km_mat_done(&x);
}

static void a_weight_is_as_good_as_a_row_repeated(void **state)
{
    struct km_mat x = random_rows(400, 5, 7), repeated = make_mat(600, 5);
    double *weight = some_weights(400); /* 0, 1, 2, 3, ...: 600 in all */
    struct km_centers a = random_centers(&x, 8, 7), b = random_centers(&x, 8, 7);
    struct km_lloyd_result ra, rb;
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < 400; i++)
        for (size_t copy = 0; copy < (size_t)weight[i]; copy++)
            memcpy(km_mat_row(&repeated, n++), km_mat_row(&x, i), 5 * sizeof(float));
    assert_int_equal(n, 600);
    ra = run(&a, &x, weight, 40, 0);
    rb = run(&b, &repeated, NULL, 40, 0);
    assert_int_equal(ra.iterations, rb.iterations);
    assert_near(ra.loss, rb.loss, 1e-9 * rb.loss);
    for (size_t v = 0; v < 8 * 5; v++)
        assert_near(a.exact[v], b.exact[v], 1e-9);
    km_free(weight);
    km_centers_done(&a);
    km_centers_done(&b);
    km_mat_done(&x);
    km_mat_done(&repeated);
}

static void the_order_of_the_rows_changes_no_more_than_rounding(void **state)
{
    struct km_mat x = random_rows(3000, 10, 8), y = make_mat(3000, 10);
    struct km_centers a = random_centers(&x, 10, 8), b = random_centers(&x, 10, 8);
    struct km_lloyd_result ra, rb;

    (void)state;
    for (size_t i = 0; i < 3000; i++) /* 7 and 3000 have no common divisor */
        memcpy(km_mat_row(&y, i * 7 % 3000), km_mat_row(&x, i), 10 * sizeof(float));
    ra = run(&a, &x, NULL, 30, 0);
    rb = run(&b, &y, NULL, 30, 0);
    assert_int_equal(ra.iterations, rb.iterations);
    assert_near(ra.loss, rb.loss, 1e-9 * rb.loss);
    for (size_t v = 0; v < 10 * 10; v++)
        assert_near(a.exact[v], b.exact[v], 1e-9);
    km_centers_done(&a);
    km_centers_done(&b);
    km_mat_done(&x);
    km_mat_done(&y);
}

/* As the pass does it: one row of about the data's place is subtracted from all. */
static void an_offset_of_a_million_is_no_matter_once_it_is_subtracted(void **state)
{
    struct km_mat x = planted_rows(1000, 6, 5, 0.2, 9), far = make_mat(1000, 6);
    struct km_centers a, b;
    struct km_lloyd_result ra, rb;

    (void)state;
    for (size_t i = 0; i < 1000; i++)
        for (size_t t = 0; t < 6; t++) { /* sixteenths, which a float32 near a million still has */
            float v = roundf(km_mat_row(&x, i)[t] * 16) / 16;

            km_mat_row(&x, i)[t] = v;
            km_mat_row(&far, i)[t] = v + 1e6f;
        }
    for (size_t i = 1000; i-- > 0;)
        for (size_t t = 0; t < 6; t++)
            km_mat_row(&far, i)[t] -= km_mat_row(&far, 0)[t];
    a = random_centers(&x, 5, 9);
    b = random_centers(&far, 5, 9);
    ra = run(&a, &x, NULL, 100, 0);
    rb = run(&b, &far, NULL, 100, 0);
    assert_near(rb.loss, ra.loss, 1e-6 * ra.loss);
    for (size_t v = 0; v < 5 * 6; v++)
        assert_near(b.exact[v] + (double)km_mat_row(&x, 0)[v % 6], a.exact[v], 1e-6);
    km_centers_done(&a);
    km_centers_done(&b);
    km_mat_done(&x);
    km_mat_done(&far);
}

static void equal_rows_have_no_loss(void **state)
{
    struct km_mat x = make_mat(200, 7);
    struct km_centers c;
    struct km_lloyd_result r;

    (void)state;
    for (size_t i = 0; i < 200; i++)
        for (size_t t = 0; t < 7; t++)
            km_mat_row(&x, i)[t] = 0.1f * (float)t + 3;
    c = random_centers(&x, 3, 1);
    r = run(&c, &x, NULL, 50, 0);
    assert_true(r.converged && r.loss >= 0);
    assert_at_most(r.loss, 1e-9);
    assert_true(c.weight[0] == 200); /* ties go to the lowest */
    km_centers_done(&c);
    km_mat_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_know_their_weight_and_norm),
        cmocka_unit_test(the_loss_falls_and_centers_are_those_of_brute_force),
        cmocka_unit_test(the_loss_of_a_converged_run_is_that_of_brute_force),
        cmocka_unit_test(planted_clusters_are_found),
        cmocka_unit_test(it_stops_at_max_iter_or_when_an_iteration_gains_less_than_tol),
        cmocka_unit_test(beyond_the_means_fewer_iterations_lead_as_far),
        cmocka_unit_test(a_run_with_relaxation_ends_at_means),
        cmocka_unit_test(the_first_iteration_is_never_the_last_by_tol),
        cmocka_unit_test(an_empty_center_keeps_its_place),
        cmocka_unit_test(a_weight_is_as_good_as_a_row_repeated),
        cmocka_unit_test(the_order_of_the_rows_changes_no_more_than_rounding),
        cmocka_unit_test(an_offset_of_a_million_is_no_matter_once_it_is_subtracted),
        cmocka_unit_test(equal_rows_have_no_loss),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
