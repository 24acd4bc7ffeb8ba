/* SPDX-License-Identifier: Apache-2.0 */
/* How large the parts of a job are, by the settings and the rows; what has no room is refused. */
#include "tests/stage_help.h"

/* The plan for these rows. */
static struct km_plan plan_of(const struct km_mat *x, const struct setting *settings)
{
    struct km_plan plan;
    struct stage s;

    stage_open(&s, x, NULL, settings);
    assert_ok(km_prepare(&s.job, &s.err), s.err);
    plan = s.job.plan;
    stage_done(&s);
    return plan;
}

static void a_center_of_the_pass_sees_enough_rows(void **state)
{
    (void)state;
    assert_int_equal(km_plan_auto_factor(10, 100), 10); /* as the original */
    assert_int_equal(km_plan_auto_factor(50, 100), 10);
    assert_int_equal(km_plan_auto_factor(51, 100), 1);
    assert_int_equal(km_plan_auto_factor(1000, 0), 10); /* nobody knows */
    assert_int_equal(km_plan_auto_factor(1000, 1e6), 10);
    assert_int_equal(km_plan_auto_factor(1000, 5e5), 5);
    assert_int_equal(km_plan_auto_factor(1000, 6e4), 1);
}

static void the_factor_falls_with_the_rows_unless_it_was_said(void **state)
{
    static const struct setting falls[] = {{"k", "60"}, {NULL, NULL}},
                                off[] = {{"k", "60"}, {"refine_rows", "0"}, {NULL, NULL}},
                                said[] = {{"k", "60"}, {"extra_center_factor", "7"}, {NULL, NULL}};
    struct km_mat x = random_rows(20000, 1, 3);
    struct km_plan plan = plan_of(&x, falls);

    (void)state;
    assert_true(plan.factor == 3); /* 20000 rows / 100 / 60, about */
    assert_int_equal(plan.from_k, 60 * plan.factor);
    plan = plan_of(&x, off); /* exactly what is documented */
    assert_int_equal(plan.factor, 10);
    plan = plan_of(&x, said);
    assert_int_equal(plan.factor, 7);
    assert_int_equal(plan.from_k, 420);
    km_mat_done(&x);
}

static void trials_are_those_asked_for_where_there_is_a_shrink(void **state)
{
    static const struct setting some[] = {{"k", "3"},
                                          {"local_lloyd_num_trials", "17"},
                                          {NULL, NULL}},
                                none[] = {{"k", "3"},
                                          {"local_lloyd_num_trials", "17"},
                                          {"extra_center_factor", "1"},
                                          {NULL, NULL}};
    struct km_mat x = random_rows(200, 2, 3);

    (void)state;
    assert_int_equal(plan_of(&x, some).trials, 17);
    assert_int_equal(plan_of(&x, none).trials, 1);
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
    assert_true(s.job.plan.again);
    assert_int_equal(s.job.plan.held.rows, 0); /* the data is read again */
    stage_done(&s);
    km_mat_done(&x);
}

static void a_block_is_bounded_but_for_the_start(void **state)
{
    struct km_plan plan = {.from_k = 10, .mini_batch = 1000};
    const struct km_shape narrow = {16, 16, 0}, wide = {1 << 20, 1 << 20, 0};

    (void)state;
    assert_int_equal(km_plan_block(&plan, &narrow).rows, 1000); /* a whole mini-batch */
    plan.mini_batch = (size_t)1 << 40;
    assert_int_equal(km_plan_block(&plan, &narrow).rows, (16 << 20) / 64); /* 16 MiB of rows */
    assert_int_equal(km_plan_block(&plan, &wide).rows, 20); /* K different rows to start from */
    plan.mini_batch = 7;
    assert_int_equal(km_plan_block(&plan, &wide).rows, 7);
}

static void a_cut_makes_blocks_of_the_mini_batch(void **state)
{
    const struct setting settings[] = {{"k", "2"}, {"mini_batch_size", "30"}, {NULL, NULL}};
    struct km_mat x = planted_rows(100, 2, 2, 0.1, 3);
    size_t rows[4] = {30, 30, 30, 10};
    struct km_batch *b;
    struct stage s;

    (void)state;
    stage_open(&s, &x, &x, settings);
    assert_ok(km_prepare(&s.job, &s.err), s.err);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(km_feed_next(s.job.feed, &b, &s.err), KM_MORE);
        assert_int_equal(km_rows_n(&b->rows), rows[i]);
        assert_int_equal(km_feed_next(s.job.test, &b, &s.err), KM_MORE);
        assert_int_equal(km_rows_n(&b->rows), rows[i]); /* mini_batch 0: each block is one */
        assert_true(b->ends_mini_batch);
    }
    assert_int_equal(km_feed_next(s.job.feed, &b, &s.err), KM_OK);
    stage_done(&s);
    km_mat_done(&x);
}

/* Each part is named where it is the largest; more memory than any machine has. */
static void what_has_no_room_is_refused_with_its_largest_part(void **state)
{
    const size_t most = (size_t)1 << 50;
    const struct km_params p = {.k = 1};
    struct km_plan fits = {.shape = {4, 4, 0}, .k = 1, .from_k = 10, .trials = 10, .mini_batch = 9};
    struct km_plan centers = fits, trials = fits, rows = fits;
    struct km_err err;

    (void)state;
    assert_ok(km_plan_check_memory(&fits, &p, 1, &err), err);
    assert_ok(km_plan_check_memory(&fits, &p, 3, &err), err);
    centers.from_k = most;
    assert_int_equal(km_plan_check_memory(&centers, &p, 1, &err), KM_E_MEM);
    assert_contains(err.msg, "the largest part goes with k or extra_center_factor");
    trials.trials = most;
    assert_int_equal(km_plan_check_memory(&trials, &p, 1, &err), KM_E_MEM);
    assert_contains(err.msg, "the largest part goes with k or local_lloyd_num_trials");
    rows.sample.rows = most;
    assert_int_equal(km_plan_check_memory(&rows, &p, 1, &err), KM_E_MEM);
    assert_contains(err.msg, "the largest part goes with mini_batch_size or refine_rows");
    rows.sample.rows = 0;
    rows.all_sample.rows = most; /* which one host alone does not have */
    assert_ok(km_plan_check_memory(&rows, &p, 1, &err), err);
    assert_int_equal(km_plan_check_memory(&rows, &p, 2, &err), KM_E_MEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_center_of_the_pass_sees_enough_rows),
        cmocka_unit_test(the_factor_falls_with_the_rows_unless_it_was_said),
        cmocka_unit_test(trials_are_those_asked_for_where_there_is_a_shrink),
        cmocka_unit_test(refine_rows_are_no_more_than_the_file_holds),
        cmocka_unit_test(a_block_is_bounded_but_for_the_start),
        cmocka_unit_test(a_cut_makes_blocks_of_the_mini_batch),
        cmocka_unit_test(what_has_no_room_is_refused_with_its_largest_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
