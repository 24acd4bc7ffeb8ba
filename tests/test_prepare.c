/* SPDX-License-Identifier: Apache-2.0 */
/* From a request to a plan, and room for what it says. */
#include "tests/stage_help.h"

static void the_plan_is_that_of_the_request(void **state)
{
    struct km_mat x = planted_rows(2000, 7, 5, 0.1, 3);
    const struct setting settings[] = {{"k", "5"}, {"mini_batch_size", "300"}, {NULL, NULL}};
    const struct km_plan *plan;
    struct km_room block;
    struct stage s;

    (void)state;
    stage_open(&s, &x, &x, settings);
    assert_ok(km_prepare(&s.job, &s.err), s.err);
    plan = &s.job.plan;
    block = km_plan_block(plan, &plan->shape);
    assert_int_equal(plan->shape.d, 7);
    assert_false(plan->shape.sparse);
    assert_int_equal(plan->k, 5);
    assert_int_equal(plan->from_k, 50);
    assert_int_equal(plan->mini_batch, 300);
    assert_int_equal(plan->window, 1);
    assert_int_equal(block.rows, 300);
    assert_false(plan->read_once);
    assert_int_equal(s.job.result.model.n, 5);
    assert_true(s.job.feed && s.job.test && s.job.state.learner);
    stage_done(&s);
    km_mat_done(&x);
}

static void refine_rows_are_no_more_than_the_file_holds(void **state)
{
    struct km_mat x = planted_rows(100, 2, 2, 0.1, 3);
    const struct setting settings[] = {{"k", "2"}, {"refine_rows", "1000000"}, {NULL, NULL}};
    struct stage s;

    (void)state;
    stage_open(&s, &x, NULL, settings);
    assert_ok(km_prepare(&s.job, &s.err), s.err);
    assert_int_equal(s.job.plan.sample.rows, s.request.train.files.total / 4 + 1);
    assert_int_equal(s.job.plan.all_sample.rows, 1000000);
    stage_done(&s);
    km_mat_done(&x);
}

static void a_center_of_the_pass_sees_enough_rows(void **state)
{
    (void)state;
    assert_int_equal(km_plan_auto_factor(10, 100), 10); /* as the original */
    assert_int_equal(km_plan_auto_factor(1000, 0), 10); /* nobody knows */
    assert_int_equal(km_plan_auto_factor(1000, 1e6), 10);
    assert_int_equal(km_plan_auto_factor(1000, 5e5), 5);
    assert_int_equal(km_plan_auto_factor(1000, 6e4), 1);
}

static void other_columns_in_the_test_channel_are_refused(void **state)
{
    struct km_mat x = planted_rows(50, 3, 2, 0.1, 3), y = planted_rows(50, 4, 2, 0.1, 3);
    const struct setting settings[] = {{"k", "2"}, {NULL, NULL}};
    struct stage s;

    (void)state;
    stage_open(&s, &x, &y, settings);
    assert_int_equal(km_prepare(&s.job, &s.err), KM_E_INPUT);
    assert_contains(s.err.msg, "the train channel");
    stage_done(&s);
    km_mat_done(&x);
    km_mat_done(&y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plan_is_that_of_the_request),
        cmocka_unit_test(refine_rows_are_no_more_than_the_file_holds),
        cmocka_unit_test(a_center_of_the_pass_sees_enough_rows),
        cmocka_unit_test(other_columns_in_the_test_channel_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
