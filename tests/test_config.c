/* SPDX-License-Identifier: Apache-2.0 */
/* The files under input/config: read, missing, bad. */
#include "tests/request_help.h"

#include "base/mem.h"

static void each_file_is_an_object_or_missing(void **state)
{
    struct reading t;

    (void)state;
    lay_out(&t, "\xef\xbb\xbf{\"k\": 10}\n", NULL, "{\"hosts\": []}");
    km_config_load(&t.config, t.root);
    assert_int_equal(json_object_size(t.config.hyperparameters.object), 1);
    assert_null(t.config.channels.object);
    assert_int_equal(json_object_size(t.config.resources.object), 1);
    assert_int_equal(km_config_check(&t.config.channels, &t.r.problems, &t.err), KM_OK);
    assert_int_equal(t.r.problems.list.n, 0);
    assert_contains(t.config.channels.path, "/input/config/inputdataconfig.json");
    km_config_done(&t.config);
}

static void files_that_are_no_json_object_are_named_with_line_and_column(void **state)
{
    static const struct {
        const char *text, *problem;
    } wrong[] = {
        {"", "hyperparameters.json: line 1, column 0: not valid JSON: '[' or '{' expected"},
        {"{\"k\": \"1\",\n  \"epochs\" \"2\"}", "line 2, column 14: not valid JSON: ':' expected"},
        {"{\"k\": \"1\"", "line 1, column 9: not valid JSON: '}' expected"},
        {"{\"k\": \"\xff\"}", "not valid JSON: unable to decode byte 0xff"},
        {"{\"k\":\"1\",\"k\":\"2\"}", "not valid JSON: duplicate object key"},
        {"[\"k\"]", "found a JSON list, expected an object"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct reading t;

        lay_out(&t, wrong[i].text, NULL, NULL);
        km_config_load(&t.config, t.root);
        assert_null(t.config.hyperparameters.object);
        assert_int_equal(km_config_check(&t.config.hyperparameters, &t.r.problems, &t.err), KM_OK);
        assert_int_equal(t.r.problems.list.n, 1);
        assert_contains(t.r.problems.list.s[0], wrong[i].problem);
        km_problems_done(&t.r.problems);
        km_config_done(&t.config);
    }
}

static void a_folder_or_a_huge_file_is_no_configuration(void **state)
{
    struct reading t;
    char path[300];
    FILE *f;

    (void)state;
    lay_out(&t, NULL, NULL, NULL);
    put(t.root, HYPER "/x", "a folder has that name");
    put(t.root, DATA, "");
    snprintf(path, sizeof(path), "%s/%s", t.root, DATA);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 5 << 20, SEEK_SET), 0);
    fputc('{', f);
    assert_int_equal(fclose(f), 0);
    km_config_load(&t.config, t.root);
    assert_contains(t.config.hyperparameters.err.msg, "cannot read the file: Is a directory");
    assert_int_equal(t.config.channels.err.code, KM_E_INPUT);
    assert_contains(t.config.channels.err.msg, "more than 4194304 bytes");
    km_config_done(&t.config);
}

static void a_file_that_found_no_memory_is_no_problem_but_a_failure(void **state)
{
    struct reading t;

    (void)state;
    lay_out(&t, GOOD_HYPER, NULL, NULL);
    km_alloc_fail_at(1);
    km_config_load(&t.config, t.root);
    km_alloc_fail_at(0);
    assert_int_equal(km_config_check(&t.config.hyperparameters, &t.r.problems, &t.err), KM_E_MEM);
    assert_contains(t.err.msg, "no memory to read the file");
    assert_int_equal(t.r.problems.list.n, 0);
    km_config_done(&t.config);
}

static void a_path_that_is_too_long_is_no_file(void **state)
{
    struct km_config config;
    char root[4096];

    (void)state;
    memset(root, 'a', sizeof(root) - 1);
    root[sizeof(root) - 1] = '\0';
    km_config_load(&config, root);
    assert_null(config.resources.object);
    assert_int_equal(config.resources.err.code, KM_OK);
    km_config_done(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_file_is_an_object_or_missing),
        cmocka_unit_test(files_that_are_no_json_object_are_named_with_line_and_column),
        cmocka_unit_test(a_folder_or_a_huge_file_is_no_configuration),
        cmocka_unit_test(a_file_that_found_no_memory_is_no_problem_but_a_failure),
        cmocka_unit_test(a_path_that_is_too_long_is_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
