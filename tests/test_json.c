/* SPDX-License-Identifier: Apache-2.0 */
/* JSON files, and values as text. (What a bad file is called: test_config.c.) */
#include "tests/request_help.h"

#include "base/mem.h"
#include "train/json.h"

static void a_value_becomes_one_line_without_needless_digits(void **state)
{
    static const char *const same[] = {
        "1e-05", "0.1", "5", "true", "null", "\"a\"", "[\"msd\", \"ssd\"]"};

    (void)state;
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        json_t *v = json_loads(same[i], JSON_DECODE_ANY, NULL);
        struct km_text text = {0};

        assert_non_null(v);
        km_json_add(&text, v);
        assert_false(text.failed);
        assert_true(strstr(text.s, "\n") == NULL);
        if (json_is_real(v))
            assert_true(strtod(text.s, NULL) == json_real_value(v) && text.n <= 6);
        else
            assert_string_equal(text.s, same[i]);
        km_free(text.s);
        json_decref(v);
    }
}

static void text_without_memory_has_failed(void **state)
{
    json_t *v = json_string("x");
    struct km_text text = {0};

    (void)state;
    km_alloc_fail_at(1);
    km_json_add(&text, v);
    km_alloc_fail_at(0);
    assert_true(text.failed);
    json_decref(v);
}

static void a_missing_file_is_no_error(void **state)
{
    json_t *object = (json_t *)&object;
    struct km_err err;

    (void)state;
    assert_ok(km_json_load("/nowhere/x.json", &object, &err), err);
    assert_null(object);
    assert_int_equal(km_json_load("/dev/null/x", &object, &err), KM_E_SYS);
    assert_contains(err.msg, "/dev/null/x: cannot open the file: Not a directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_becomes_one_line_without_needless_digits),
        cmocka_unit_test(text_without_memory_has_failed),
        cmocka_unit_test(a_missing_file_is_no_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
