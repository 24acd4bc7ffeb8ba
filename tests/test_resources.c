/* SPDX-License-Identifier: Apache-2.0 */
/* What resourceconfig.json says of hosts. */
#include "tests/request_help.h"

#include "base/mem.h"
#include "train/resources.h"

static void bad_resources_are_problems(void **state)
{
    static const struct {
        const char *config, *problem;
    } cases[] = {
        {"{\"current_host\": \"algo-1\", \"hosts\": [\"algo-1\", \"algo-2\"]}",
         "The request asks for 2 hosts, but one trains alone"},
        {"{\"hosts\": \"algo-1\"}", "resourceconfig.json: hosts is not a list of names"},
        {"{\"current_host\": 1}", "resourceconfig.json: current_host is not the name of a host"},
        {"{", "resourceconfig.json: line 1, column 1: not valid JSON"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reading t;

        lay_out(&t, GOOD_HYPER, NULL, cases[i].config);
        put(t.root, "input/data/train/a", "x");
        one_problem(&t, cases[i].problem);
    }
}

static void names_are_sorted_and_this_host_is_found(void **state)
{
    json_t *object = json_pack("{s:s,s:[s,s,s]}", "current_host", "b", "hosts", "c", "b", "a");
    const char **names;
    size_t n, self;
    struct km_err err;

    (void)state;
    assert_int_equal(km_resources_size(object), 3);
    assert_ok(km_resources_hosts(object, &names, &n, &self, &err), err);
    assert_int_equal(n, 3);
    assert_int_equal(self, 1);
    assert_string_equal(names[0], "a");
    assert_string_equal(names[2], "c");
    km_free(names);
    json_decref(object);
}

static void names_that_cannot_be_used_are_refused(void **state)
{
    static const struct {
        const char *config, *problem;
    } cases[] = {
        {"{\"current_host\":\"a\",\"hosts\":[\"a\",\"a\"]}", "hosts has a twice"},
        {"{\"current_host\":\"a\",\"hosts\":[\"a\",\"b,c\"]}", "entry 2 of hosts is not the name"},
        {"{\"current_host\":\"a\",\"hosts\":[\"a\",5]}", "entry 2 of hosts is not the name"},
        {"{\"current_host\":\"x\",\"hosts\":[\"a\",\"b\"]}",
         "current_host 'x' is not one of the 2 hosts"},
        {"{\"hosts\":[\"a\",\"b\"]}", "current_host '' is not one of the 2 hosts"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *object = json_loads(cases[i].config, 0, NULL);
        const char **names;
        size_t n, self;
        struct km_err err;

        assert_int_equal(km_resources_hosts(object, &names, &n, &self, &err), KM_E_INPUT);
        assert_contains(err.msg, cases[i].problem);
        assert_null(names);
        json_decref(object);
    }
}

static void as_many_hosts_are_named_as_processes_train(void **state)
{
    struct km_config_file file = {.object = json_pack("{s:[s,s]}", "hosts", "a", "b")};
    struct km_problems problems = {0};
    char host[16] = "unchanged";
    struct km_err err;

    (void)state;
    assert_ok(km_resources_check(&file, 2, host, sizeof(host), &problems, &err), err);
    assert_int_equal(problems.list.n, 0);
    assert_string_equal(host, "unchanged");
    assert_ok(km_resources_check(&file, 3, host, sizeof(host), &problems, &err), err);
    assert_int_equal(problems.list.n, 1);
    assert_contains(problems.list.s[0], "names 2 host(s), but 3 processes train together");
    km_problems_done(&problems);
    json_decref(file.object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_resources_are_problems),
        cmocka_unit_test(names_are_sorted_and_this_host_is_found),
        cmocka_unit_test(names_that_cannot_be_used_are_refused),
        cmocka_unit_test(as_many_hosts_are_named_as_processes_train),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
