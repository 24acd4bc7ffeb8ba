/* SPDX-License-Identifier: Apache-2.0 */
/* What ranks share: alone it is a copy; how things are dealt out is arithmetic. (Several:
 * run_ranks.) */
#include "tests/algo_test.h"
#include "tests/team_help.h"

#include "train/share.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_in_proportion_and_no_more_than_there_is),
        cmocka_unit_test(one_rank_has_what_it_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
