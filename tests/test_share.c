/* SPDX-License-Identifier: Apache-2.0 */
/* What ranks share: alone it is a copy; how things are dealt out is arithmetic. (Several:
 * run_ranks.) */
#include "tests/algo_test.h"

#include "train/exchange.h"
#include "train/share.h"

static struct km_team alone(void)
{
    struct km_comm *comm;
    struct km_err err;

    assert_ok(km_comm_open(&comm, &err), err);
    return km_team_of(comm, "algo-1");
}

static void shares_are_in_proportion_and_no_more_than_there_is(void **state)
{
    size_t part[] = {0, 10, 10, 110, 1000};

    (void)state;
    km_share_out(100, part, 4);
    assert_int_equal(part[1], 1);
    assert_int_equal(part[2], 1);
    assert_int_equal(part[3], 11);
    assert_int_equal(part[4], 100);
    memset(part, 0, sizeof(part));
    km_share_out(100, part, 4); /* nobody has any */
    assert_int_equal(part[4], 0);
}

static void one_rank_has_what_it_has(void **state)
{
    struct km_mat x = random_rows(20, 3, 1);
    struct km_csr s = sparse_of(&x);
    struct km_team team = alone();
    struct km_err err;

    (void)state;
    for (int sparse = 0; sparse < 2; sparse++) {
        struct km_rows own = sparse ? km_rows_of_csr(&s) : km_rows_of_mat(&x), all;
        double a[20], b[10];
        size_t n;

        assert_ok(km_share_own(&team, 10, 20, &n, &err), err);
        assert_int_equal(n, 10);
        assert_ok(km_share_own(&team, 30, 20, &n, &err), err);
        assert_int_equal(n, 20);
        assert_ok(km_share_rows(&team, &own, 10, &all, &err), err);
        assert_int_equal(km_rows_n(&all), 10);
        km_rows_norms(a, &own, NULL);
        km_rows_norms(b, &all, NULL);
        for (size_t i = 0; i < 10; i++)
            assert_true(b[i] == a[2 * i]);
        km_rows_done(&all);
    }
    km_mat_done(&x);
    km_csr_done(&s);
    km_comm_close(team.comm);
}

static void a_window_is_worth_its_exchange(void **state)
{
    const struct km_shape small = {8, 8, 0}, wide = {784, 784, 0};

    (void)state;
    assert_int_equal(km_window_most(1000, &wide, 5000, 1), 1); /* alone */
    assert_int_equal(km_window_most(1000, &wide, 5000, 8), 18);
    assert_int_equal(km_window_most(1000, &small, 5000, 8), 26); /* the most */
    assert_int_equal(km_window_most(1000, &small, 1 << 20, 8), 1);
    assert_int_equal(km_window(0, 100), 1);
    assert_int_equal(km_window(160, 100), 10);
    assert_int_equal(km_window(16000, 100), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_in_proportion_and_no_more_than_there_is),
        cmocka_unit_test(one_rank_has_what_it_has),
        cmocka_unit_test(a_window_is_worth_its_exchange),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
