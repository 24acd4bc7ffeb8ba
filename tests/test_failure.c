/* SPDX-License-Identifier: Apache-2.0 */
/* The failure file: its text, and the exit code. */
#include "tests/request_help.h"

#include "base/mem.h"
#include "base/text.h"

static void every_code_has_its_prefix_and_exit_code(void **state)
{
    static const struct {
        int code, exit_code;
        const char *text;
    } cases[] = {
        {KM_E_INPUT, 2, "Customer Error: a.csv: line 3: bad"},
        {KM_E_MEM, 2,
         "Customer Error: Out of Memory. Please use a larger instance type or reduce "
         "mini_batch_size, k or extra_center_factor: a.csv: line 3: bad"},
        {KM_E_SYS, 3, "Platform Error: a.csv: line 3: bad"},
        {KM_E_PEER, 3, "Platform Error: a.csv: line 3: bad"},
        {KM_E_BUG, 1, "Algorithm Error: a.csv: line 3: bad"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reading t;

        lay_out(&t, NULL, NULL, NULL);
        assert_int_equal(km_request_init(&t.r, t.root, &t.err), KM_OK);
        km_fail(&t.err, cases[i].code, "a.csv: line 3: bad");
        assert_int_equal(fail_it(&t), cases[i].exit_code);
        assert_string_equal(get(t.root, "output/failure"), cases[i].text);
        assert_contains(t.log, cases[i].text);
    }
}

static size_t count_chars(const char *s)
{
    size_t n = 0;

    for (; *s; n++) {
        assert_true(km_utf8_length(s) > 0);
        s += km_utf8_length(s);
    }
    return n;
}

static void a_failure_text_is_cut_between_characters_and_counts_the_rest(void **state)
{
    struct reading t;
    char name[301] = "";
    const char *text;

    (void)state;
    for (size_t i = 0; i < 100; i++)
        memcpy(name + 3 * i, "\xe2\x82\xac", 4);
    lay_out(&t, NULL, NULL, NULL);
    assert_int_equal(km_request_init(&t.r, t.root, &t.err), KM_OK);
    for (int i = 0; i < 20; i++)
        km_problem(&t.r.problems, "%d %s", 10 + i, name);
    t.err.code = KM_E_INPUT;
    fail_it(&t);
    text = get(t.root, "output/failure");
    assert_memory_equal(text, "Customer Error: 10 \xe2\x82\xac", 22);
    assert_contains(text, "\n18 ");
    assert_null(strstr(text, "\n19 "));
    assert_string_equal(strrchr(text, '\n'), "\n... and 11 more problem(s)");
    assert_true(count_chars(text) <= 1024);
    km_request_done(&t.r);
}

static void one_long_failure_text_has_1024_valid_characters(void **state)
{
    struct reading t;
    const char *text;

    (void)state;
    lay_out(&t, NULL, NULL, NULL);
    assert_int_equal(km_request_init(&t.r, t.root, &t.err), KM_OK);
    km_problem(&t.r.problems, "%02000d", 7);
    t.err.code = KM_E_INPUT;
    fail_it(&t);
    text = get(t.root, "output/failure");
    assert_int_equal(count_chars(text), 1024);
    km_problem(&t.r.problems, "%0100d", 8);
    fail_it(&t);
    text = get(t.root, "output/failure");
    assert_true(count_chars(text) <= 1024);
    assert_string_equal(strrchr(text, '\n'), "\n... and 1 more problem(s)");
    km_request_done(&t.r);
}

static void a_system_error_stands_in_front_of_the_problems(void **state)
{
    struct reading t;

    (void)state;
    lay_out(&t, NULL, NULL, NULL);
    assert_int_equal(km_request_init(&t.r, t.root, &t.err), KM_OK);
    km_problem(&t.r.problems, "and this");
    km_fail(&t.err, KM_E_SYS, "disk \xff\xc3 gone \xed\xa0\x80 \xf0\x9f\x98\x80");
    assert_int_equal(fail_it(&t), 3);
    assert_string_equal(get(t.root, "output/failure"),
                        "Platform Error: disk ?? gone ??? \xf0\x9f\x98\x80\nand this");
    km_request_done(&t.r);
}

static void a_failure_file_that_finds_no_memory_is_logged(void **state)
{
    struct reading t;

    (void)state;
    lay_out(&t, NULL, NULL, NULL);
    assert_int_equal(km_request_init(&t.r, t.root, &t.err), KM_OK);
    km_fail(&t.err, KM_E_BUG, "counts do not add up");
    km_alloc_fail_at(1);
    assert_int_equal(fail_it(&t), 1);
    assert_int_equal(km_alloc_fail_at(0) > 0, 1);
    assert_contains(t.log, "Algorithm Error: counts do not add up");
    assert_contains(t.log, "WARNING");
    assert_contains(t.log, "The failure text could not be written: ");
    assert_false(exists(t.root, "output/failure"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_prefix_and_exit_code),
        cmocka_unit_test(a_failure_text_is_cut_between_characters_and_counts_the_rest),
        cmocka_unit_test(one_long_failure_text_has_1024_valid_characters),
        cmocka_unit_test(a_system_error_stands_in_front_of_the_problems),
        cmocka_unit_test(a_failure_file_that_finds_no_memory_is_logged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
