/* SPDX-License-Identifier: Apache-2.0 */
/* A team is what its communicator says; alone, a stage ends as it went. */
#include "tests/team_help.h"

static void one_process_is_a_team_of_one(void **state)
{
    struct km_team team = alone();
    struct km_err err;

    (void)state;
    assert_int_equal(team.rank, 0);
    assert_int_equal(team.ranks, 1);
    assert_string_equal(team.host, "algo-1");
    assert_int_equal(km_team_agree(&team, KM_OK, &err), KM_OK);
    assert_int_equal(km_team_agree(&team, KM_MORE, &err), KM_MORE);
    km_fail(&err, KM_E_INPUT, "no rows");
    assert_int_equal(km_team_agree(&team, KM_E_INPUT, &err), KM_E_INPUT);
    assert_string_equal(err.msg, "no rows"); /* nobody else could have meant it: no host */
    km_comm_close(team.comm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_process_is_a_team_of_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
