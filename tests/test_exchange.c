/* SPDX-License-Identifier: Apache-2.0 */
/* Between two windows: how long they are, and what a rank says and takes at the end of one. */
#include "tests/algo_test.h"
#include "tests/team_help.h"

#include "base/stop.h"
#include "train/exchange.h"

#define N 200
#define D 3
#define K 4

/* A state that has started from the first rows; its frame is at that exponent. */
static struct km_state state_of(const struct km_mat *x, int sparse, int exponent)
{
    const struct km_learner_size size = {
        .k = K, .shape = {D, D, sparse}, .block_rows = N, .ranks = 2};
    struct km_csr some = sparse_of(x);
    struct km_rows rows = sparse ? km_rows_of_csr(&some) : km_rows_of_mat(x);
    struct km_state s = {.rows = 0};
    struct km_rng rng;
    struct km_err err;

    s.frame.exponent = s.frame.agreed = exponent;
    assert_ok(km_learner_new(&s.learner, &size, test_kern(), NULL, &err), err);
    km_rng_seed(&rng, 5, 't', 0);
    assert_ok(km_learner_start(s.learner, &rows, 1, &rng, &err), err);
    km_csr_done(&some);
    return s;
}

/* The centers that the start of state_of gives, by a learner of its own. */
static void first_centers(double *centers, const struct km_mat *x)
{
    struct km_state s = state_of(x, 0, 0);
    struct km_centers c;
    struct km_err err;

    assert_ok(km_learner_finish(s.learner, &c, &err), err);
    memcpy(centers, c.exact, K * D * sizeof(*centers));
    km_centers_done(&c);
    km_state_done(&s);
}

static void take_rows(struct km_state *s, const struct km_rows *rows)
{
    km_learner_label(s->learner, rows);
    km_learner_add(s->learner, rows, 1);
}

static void a_window_is_worth_its_exchange(void **state)
{
    const struct km_shape small = {8, 8, 0}, wide = {784, 784, 0}, sparse = {784, 50, 1};

    (void)state;
    assert_int_equal(km_window_most(1000, &wide, 5000, 1), 1); /* alone */
    assert_int_equal(km_window_most(1000, &wide, 5000, 8), 18);
    assert_int_equal(km_window_most(1000, &small, 5000, 8), 26); /* the most */
    assert_int_equal(km_window_most(1000, &small, 1 << 20, 8), 1);
    /* as many centers to tell, and less to do for each row */
    assert_true(km_window_most(1000, &sparse, 1000, 8) > km_window_most(1000, &wide, 1000, 8));
}

static void windows_grow_with_what_was_seen(void **state)
{
    (void)state;
    assert_int_equal(km_window(0, 100), 1);
    assert_int_equal(km_window(31, 100), 1);
    assert_int_equal(km_window(32, 100), 2);
    assert_int_equal(km_window(160, 100), 10);
    assert_int_equal(km_window(1616, 100), 100);
    assert_int_equal(km_window(16000, 100), 100);
    assert_int_equal(km_window(UINT64_MAX, 1), 1);
}

static void alone_nothing_is_exchanged(void **state)
{
    struct km_team team = alone();
    struct km_state s = {.rows = 0}; /* without a learner: it is not asked */
    struct km_traffic traffic = {0};
    struct km_turn turn;
    struct km_err err;

    (void)state;
    for (int more = 0; more < 2; more++) {
        assert_int_equal(km_exchange(&s, &team, KM_OK, more, &turn, &traffic, &err), KM_OK);
        assert_int_equal(turn.more, more);
        assert_false(turn.stop);
    }
    assert_int_equal(km_exchange(&s, &team, KM_E_INPUT, 1, &turn, &traffic, &err), KM_E_INPUT);
    assert_int_equal(traffic.exchanges, 0);
    km_comm_close(team.comm);
}

/* What one rank brings to an exchange moves the centers by the rule of mini-batches. */
static void a_window_moves_the_centers(void **state)
{
    struct km_mat x = planted_rows(N, D, K, 0.3, 21);
    struct km_csr csr = sparse_of(&x);
    double before[K * D];

    (void)state;
    first_centers(before, &x);
    for (int sparse = 0; sparse < 2; sparse++) {
        struct km_rows rows = sparse ? km_rows_of_csr(&csr) : km_rows_of_mat(&x);
        struct km_state s = state_of(&x, sparse, 0);
        struct km_team team = one_of_two(sparse);
        struct km_traffic traffic = {0};
        double count[K] = {0}, sum[K * D] = {0};
        struct km_moved moved;
        struct km_turn turn;
        struct km_centers c;
        struct km_err err;

        take_rows(&s, &rows);
        assert_ok(km_exchange(&s, &team, KM_OK, sparse, &turn, &traffic, &err), err);
        assert_int_equal(turn.more, sparse);
        assert_false(turn.stop);
        assert_int_equal(traffic.exchanges, 1);
        assert_ok(km_learner_move(s.learner, &moved, &err), err);
        assert_true(moved.rows == N);
        assert_near(moved.ssd / brute_loss(&x, NULL, before, K), 1, 1e-5);
        assert_ok(km_learner_finish(s.learner, &c, &err), err);
        for (size_t i = 0; i < N; i++) {
            size_t j = brute_nearest(km_mat_row(&x, i), before, K, D);

            count[j]++;
            for (size_t t = 0; t < D; t++)
                sum[j * D + t] += (double)km_mat_row(&x, i)[t];
        }
        for (size_t i = 0; i < K * D; i++) /* a start counts as one row */
            assert_near(c.exact[i], (before[i] + sum[i]) / (1 + count[i / D]), 1e-5);
        km_centers_done(&c);
        km_state_done(&s);
        km_comm_close(team.comm);
    }
    km_mat_done(&x);
    km_csr_done(&csr);
}

/* Squared distances travel in the data's own units, and come back in those of the frame. */
static void a_frame_that_fell_is_agreed_on(void **state)
{
    struct km_mat x = planted_rows(N, D, K, 0.3, 21);
    struct km_rows rows = km_rows_of_mat(&x);
    struct km_state s = state_of(&x, 0, -3);
    struct km_team team = one_of_two(0);
    struct km_traffic traffic = {0};
    struct km_moved moved;
    struct km_turn turn;
    struct km_err err;
    double before[K * D];

    (void)state;
    first_centers(before, &x);
    s.frame.agreed = 5;
    take_rows(&s, &rows);
    assert_ok(km_exchange(&s, &team, KM_OK, 0, &turn, &traffic, &err), err);
    assert_int_equal(s.frame.exponent, -3);
    assert_int_equal(s.frame.agreed, -3);
    assert_ok(km_learner_move(s.learner, &moved, &err), err);
    assert_near(moved.ssd / brute_loss(&x, NULL, before, K), 1, 1e-5);
    km_state_done(&s);
    km_comm_close(team.comm);
    km_mat_done(&x);
}

static void a_failure_is_told_and_nothing_else(void **state)
{
    struct km_mat x = planted_rows(N, D, K, 0.3, 21);
    struct km_rows rows = km_rows_of_mat(&x);
    struct km_state s = state_of(&x, 0, 0);
    struct km_team team = one_of_two(0);
    struct km_traffic traffic = {0};
    struct km_turn turn;
    struct km_err err;

    (void)state;
    s.frame.agreed = 5; /* no time to agree on that */
    take_rows(&s, &rows);
    km_fail(&err, KM_E_INPUT, "row 7 is bad");
    assert_int_equal(km_exchange(&s, &team, KM_E_INPUT, 1, &turn, &traffic, &err), KM_E_INPUT);
    assert_string_equal(err.msg, "row 7 is bad");
    assert_int_equal(traffic.exchanges, 0);
    assert_int_equal(s.frame.agreed, 5);
    km_state_done(&s);
    km_comm_close(team.comm);
    km_mat_done(&x);
}

/* Last: nobody takes that back. */
static void a_stop_is_told(void **state)
{
    struct km_mat x = planted_rows(N, D, K, 0.3, 21);
    struct km_rows rows = km_rows_of_mat(&x);
    struct km_state s = state_of(&x, 0, 0);
    struct km_team team = one_of_two(0), one = alone();
    struct km_traffic traffic = {0};
    struct km_turn turn;
    struct km_err err;

    (void)state;
    km_stop_ask();
    assert_ok(km_exchange(&s, &one, KM_OK, 1, &turn, &traffic, &err), err);
    assert_true(turn.stop && turn.more);
    take_rows(&s, &rows);
    assert_ok(km_exchange(&s, &team, KM_OK, 1, &turn, &traffic, &err), err);
    assert_true(turn.stop && turn.more);
    km_state_done(&s);
    km_comm_close(team.comm);
    km_comm_close(one.comm);
    km_mat_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_is_worth_its_exchange),
        cmocka_unit_test(windows_grow_with_what_was_seen),
        cmocka_unit_test(alone_nothing_is_exchanged),
        cmocka_unit_test(a_window_moves_the_centers),
        cmocka_unit_test(a_frame_that_fell_is_agreed_on),
        cmocka_unit_test(a_failure_is_told_and_nothing_else),
        cmocka_unit_test(a_stop_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
