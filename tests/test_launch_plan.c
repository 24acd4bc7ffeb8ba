/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/launch_test.h"

static void a_reason_names_its_host_once(void **state)
{
    struct km_launch plan = {.hosts = hosts, .n_hosts = 3};
    struct km_err reason;

    (void)state;
    km_fail(&reason, KM_E_SYS, "no disk");
    km_plan_blame(&plan, "algo-2", &reason);
    assert_string_equal(reason.msg, "algo-2: no disk");
    km_plan_blame(&plan, "algo-1", &reason);
    assert_string_equal(reason.msg, "algo-2: no disk");
    assert_int_equal(reason.code, KM_E_SYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reason_names_its_host_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
