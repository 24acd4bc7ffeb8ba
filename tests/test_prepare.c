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
        cmocka_unit_test(other_columns_in_the_test_channel_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
