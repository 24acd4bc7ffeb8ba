/* SPDX-License-Identifier: Apache-2.0 */
/* The passes: every row once in each epoch, a sample of the first one, centers that have seen
 * all. */
#include "tests/stage_help.h"

#include "base/stop.h"
#include "train/pass.h"

static void each_epoch_sees_each_row_once(void **state)
{
    struct km_mat x = planted_rows(1234, 5, 4, 0.1, 7);
    const struct setting settings[] = {
        {"k", "4"}, {"epochs", "3"}, {"mini_batch_size", "100"}, {NULL, NULL}};
    double weight = 0;
    struct km_centers c;
    struct stage s;

    (void)state;
    stage_open(&s, &x, NULL, settings);
    assert_ok(km_prepare(&s.job, &s.err), s.err);
    assert_ok(km_pass(&s.job, &s.err), s.err);
    assert_int_equal(s.job.state.rows, x.n);
    assert_int_equal(s.job.state.seen_rows, 3 * x.n);
    assert_int_equal(s.job.state.all_seen_rows, 3 * x.n);
    assert_int_equal(s.job.state.seen_values, 3 * x.n * x.d);
    assert_int_equal(s.job.state.seen_batches, 3 * 13);
    assert_false(s.job.state.stopped);
    assert_int_equal(km_sample_rows(&s.job.state.sample), x.n); /* of the first epoch alone */
    assert_true(km_sample_is_complete(&s.job.state.sample));
    assert_ok(km_learner_finish(s.job.state.learner, &c, &s.err), s.err);
    for (size_t j = 0; j < c.k; j++)
        weight += c.weight[j];
    assert_true(weight == (double)(3 * x.n) + (double)c.k); /* a start counts as a row */
    km_centers_done(&c);
    stage_done(&s);
    km_mat_done(&x);
}

static void fewer_rows_than_clusters_are_refused(void **state)
{
    struct km_mat x = planted_rows(5, 2, 2, 0.1, 3);
    const struct setting settings[] = {{"k", "6"}, {NULL, NULL}};
    struct stage s;

    (void)state;
    stage_open(&s, &x, NULL, settings);
    assert_ok(km_prepare(&s.job, &s.err), s.err);
    assert_int_equal(km_pass(&s.job, &s.err), KM_E_INPUT);
    assert_string_equal(s.err.msg, "k is 6 but the train channel has 5 rows; a cluster needs at "
                                   "least one row: lower k or provide more data");
    stage_done(&s);
    km_mat_done(&x);
}

/* Values grow on the way: the frame falls, and what has been learned goes with it. */
static void rows_that_do_not_fit_the_frame_lower_it(void **state)
{
    struct km_mat x = planted_rows(900, 3, 3, 0.1, 7);
    const struct setting settings[] = {{"k", "3"}, {"mini_batch_size", "100"}, {NULL, NULL}};
    struct km_centers c;
    struct stage s;
    int before;

    (void)state;
    for (size_t i = 0; i < x.n; i++)
        for (size_t t = 0; t < x.d; t++)
            km_mat_row(&x, i)[t] *= i < 800 ? 1e-25F : 1e25F;
    stage_open(&s, &x, NULL, settings);
    assert_ok(km_prepare(&s.job, &s.err), s.err);
    assert_ok(km_pass(&s.job, &s.err), s.err);
    before = s.job.state.frame.agreed;
    assert_true(before > 40);
    assert_true(s.job.state.frame.exponent < 0);
    assert_ok(km_learner_finish(s.job.state.learner, &c, &s.err), s.err);
    for (size_t i = 0; i < c.k * c.d; i++)
        assert_true(isfinite(c.exact[i]));
    km_centers_done(&c);
    stage_done(&s);
    km_mat_done(&x);
}

/* Last: nobody takes that back. */
static void a_stop_ends_the_pass_with_what_there_is(void **state)
{
    struct km_mat x = planted_rows(900, 3, 3, 0.1, 7);
    const struct setting settings[] = {
        {"k", "3"}, {"epochs", "5"}, {"mini_batch_size", "100"}, {NULL, NULL}};
    struct stage s;

    (void)state;
    stage_open(&s, &x, NULL, settings);
    assert_ok(km_prepare(&s.job, &s.err), s.err);
    km_stop_ask();
    assert_ok(km_pass(&s.job, &s.err), s.err);
    assert_true(s.job.state.stopped);
    assert_true(s.job.state.rows >= 100 && s.job.state.seen_rows < 5 * x.n);
    stage_done(&s);
    km_mat_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_epoch_sees_each_row_once),
        cmocka_unit_test(fewer_rows_than_clusters_are_refused),
        cmocka_unit_test(rows_that_do_not_fit_the_frame_lower_it),
        cmocka_unit_test(a_stop_ends_the_pass_with_what_there_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
