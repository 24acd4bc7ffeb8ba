/* SPDX-License-Identifier: Apache-2.0 */
/* When a layout is not that of several hosts, or a bad one, nothing is launched. */
#include "tests/request_help.h"

#include "train/hosts.h"

static void what_is_no_list_of_several_hosts_is_left_to_the_request(void **state)
{
    static const char *const configs[] = {
        NULL,
        "{",
        "[]",
        "{\"hosts\":\"algo-1\"}",
        "{\"current_host\":\"algo-1\",\"hosts\":[\"algo-1\"]}",
        "{\"current_host\":\"algo-3\",\"hosts\":[\"algo-1\",\"algo-2\"]}",
        "{\"current_host\":\"algo-1\",\"hosts\":[\"algo-1\",\"algo-1\"]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
        struct reading t;
        int several = 7;

        lay_out(&t, GOOD_HYPER, NULL, configs[i]);
        km_config_load(&t.config, t.root);
        assert_ok(km_hosts_train(&t.r, &t.config, NULL, NULL, &several, &t.err), t.err);
        assert_int_equal(several, 0);
        km_config_done(&t.config);
    }
}

static void settings_that_found_no_memory_launch_nothing(void **state)
{
    struct reading t;
    int several;

    (void)state;
    lay_out(&t, GOOD_HYPER, NULL,
            "{\"current_host\":\"algo-1\",\"hosts\":[\"algo-1\",\"algo-2\"]}");
    km_config_load(&t.config, t.root);
    assert_ok(km_settings_open(&t.s, &t.err), t.err);
    km_fail(&t.config.hyperparameters.err, KM_E_MEM, "no memory to read the file");
    assert_int_equal(km_hosts_train(&t.r, &t.config, t.s, NULL, &several, &t.err), KM_E_MEM);
    assert_int_equal(several, 1);
    assert_string_equal(t.err.msg, "no memory to read the file");
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_list_of_several_hosts_is_left_to_the_request),
        cmocka_unit_test(settings_that_found_no_memory_launch_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
