/* SPDX-License-Identifier: Apache-2.0 */
/* What has been learned keeps one scale, whatever exponent blocks come with. */
#include "tests/algo_test.h"
#include "tests/team_help.h"

#include "train/state.h"

#define N 60
#define D 4
#define K 3

/* A state that has started from the rows and kept all of them, and as many that only measure. */
static struct km_state state_of(const struct km_mat *x, int exponent)
{
    const struct km_learner_size size = {.k = K, .shape = {D, D, 0}, .block_rows = N, .ranks = 1};
    const struct km_sample_size sample = {N, 0, D, N, K};
    struct km_rows rows = km_rows_of_mat(x);
    struct km_state s = {.rows = N};
    struct km_rng rng;
    struct km_err err;

    assert_ok(km_row_frame_init(&s.frame, D, &err), err);
    s.frame.exponent = s.frame.agreed = exponent;
    assert_ok(km_learner_new(&s.learner, &size, test_kern(), NULL, &err), err);
    assert_ok(km_sample_init(&s.sample, &sample, 1, &err), err);
    assert_ok(km_sample_init(&s.held, &sample, 2, &err), err);
    km_rng_seed(&rng, 5, 't', 0);
    assert_ok(km_learner_start(s.learner, &rows, 1, &rng, &err), err);
    km_learner_label(s.learner, &rows);
    km_learner_offer(s.learner, &s.sample, &rows);
    km_learner_offer(s.learner, &s.held, &rows);
    return s;
}

static void assert_times(const struct km_mat *got, const struct km_mat *x, double factor)
{
    for (size_t i = 0; i < N; i++)
        for (size_t t = 0; t < D; t++)
            assert_true((double)km_mat_row(got, i)[t] == factor * (double)km_mat_row(x, i)[t]);
}

/* Each center is still one of the rows, times that; ends the learner. */
static void assert_centers_are_rows_times(struct km_state *s, const struct km_mat *x, double factor)
{
    struct km_centers c;
    struct km_err err;

    assert_ok(km_learner_finish(s->learner, &c, &err), err);
    for (size_t j = 0; j < K; j++) {
        double row[D];
        size_t same = 0;

        for (size_t t = 0; t < D; t++)
            row[t] = c.exact[j * D + t] / factor;
        for (size_t i = 0; i < N; i++)
            same += brute_dist2(km_mat_row(x, i), row, D) == 0;
        assert_true(same > 0);
    }
    km_centers_done(&c);
}

static void a_block_that_fell_takes_what_was_learned_along(void **state)
{
    struct km_mat x = random_rows(N, D, 8), y = random_rows(N, D, 8);
    struct km_batch b = {.rows = {.dense = y}, .exponent = -20};
    struct km_state s = state_of(&x, 3);

    (void)state;
    km_state_meet(&s, &b);
    assert_int_equal(s.frame.exponent, -20);
    assert_true(km_row_frame_fell(&s.frame)); /* the other ranks do not know yet */
    assert_int_equal(b.exponent, -20);
    assert_times(&y, &x, 1);
    assert_times(&s.sample.rows.dense, &x, ldexp(1, -23));
    assert_times(&s.held.rows.dense, &x, ldexp(1, -23));
    assert_centers_are_rows_times(&s, &x, ldexp(1, -23));
    km_state_done(&s);
    km_mat_done(&x);
    km_mat_done(&y);
}

static void a_block_above_the_frame_comes_down_alone(void **state)
{
    struct km_mat x = random_rows(N, D, 8), y = random_rows(N, D, 8);
    struct km_batch b = {.rows = {.dense = y}, .exponent = 10};
    struct km_state s = state_of(&x, 4);

    (void)state;
    for (int again = 0; again < 2; again++) { /* the second time it is there already */
        km_state_meet(&s, &b);
        assert_int_equal(s.frame.exponent, 4);
        assert_int_equal(b.exponent, 4);
        assert_times(&y, &x, 1.0 / 64);
        assert_times(&s.sample.rows.dense, &x, 1);
        assert_times(&s.held.rows.dense, &x, 1);
    }
    assert_centers_are_rows_times(&s, &x, 1);
    km_state_done(&s);
    km_mat_done(&x);
    km_mat_done(&y);
}

static void alone_all_agree_on_what_there_is(void **state)
{
    struct km_mat x = random_rows(N, D, 9);
    struct km_state s = state_of(&x, 7);
    struct km_team team = alone();
    struct km_err err;

    (void)state;
    s.frame.agreed = 9;
    assert_true(km_row_frame_fell(&s.frame));
    assert_ok(km_state_agree(&s, &team, &err), err);
    assert_int_equal(s.frame.exponent, 7);
    assert_int_equal(s.frame.agreed, 7);
    assert_times(&s.sample.rows.dense, &x, 1);
    km_state_done(&s);
    assert_null(s.learner);
    assert_null(s.frame.origin);
    assert_int_equal(s.rows, 0);
    km_state_done(&s); /* of nothing */
    km_comm_close(team.comm);
    km_mat_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_that_fell_takes_what_was_learned_along),
        cmocka_unit_test(a_block_above_the_frame_comes_down_alone),
        cmocka_unit_test(alone_all_agree_on_what_there_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
