/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "io/dialect.h"
#include "tests/lines_help.h"

static void options_become_a_dialect_and_back(void **state)
{
    static const struct {
        const char *separator, *decimal, *options, *name;
        char c;
    } cases[] = {
        {";", "comma", "--separator ';' --decimal comma", "semicolons (;)", ';'},
        {"semicolon", "point", "--separator ';'", "semicolons (;)", ';'},
        {"\\t", ",", "--separator tab --decimal comma", "tabs", '\t'},
        {"tab", ".", "--separator tab", "tabs", '\t'},
        {"space", ".", "--separator space", "blanks", ' '},
        {"ctrl-a", ".", "--separator ctrl-a", "Ctrl-A (\\x01)", '\x01'},
        {",", "comma", "--decimal comma", "commas (,)", ','},
        {"#", ".", "", "another character", '#'},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct km_dialect d = {0};
        struct km_err err;
        char text[64];

        assert_ok(km_dialect_separator(&d, cases[i].separator, &err), err);
        assert_ok(km_dialect_decimal(&d, cases[i].decimal, &err), err);
        assert_int_equal(d.separator, cases[i].c);
        km_dialect_options(&d, text, sizeof(text));
        assert_string_equal(text, cases[i].options);
        assert_string_equal(km_dialect_name(d.separator), cases[i].name);
    }
    assert_string_equal(km_dialect_name(0), "commas (,)");
}

static void what_is_no_separator_is_refused(void **state)
{
    static const char *const no[] = {"", "a", "1", ".", "-", "\"", ";;", "tabs"};
    struct km_dialect d = {0};
    struct km_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
        assert_int_equal(km_dialect_separator(&d, no[i], &err), KM_E_INPUT);
        assert_contains(err.msg, "--separator: found \"");
    }
    assert_int_equal(km_dialect_decimal(&d, "dot", &err), KM_E_INPUT);
    assert_string_equal(err.msg, "--decimal: found \"dot\", expected point or comma");
}

static void a_dialect_is_guessed_where_all_lines_fit_it(void **state)
{
    static const struct {
        const char *text;
        int found; /* 1, 2 with names of rows, 0 none */
        char separator, point;
    } cases[] = {
        {"1;2\n3;4\n", 1, ';', '.'},
        {"a;b\n1,5;2\n3;4,5\n", 1, ';', ','},
        {"1\t2\n3\t4\n", 1, '\t', '.'},
        {"1 2\n3  4\n", 1, ' ', '.'},
        {"a;b\nx;1;2\ny;3;4\n", 2, ';', '.'},
        {"\"1,5\",\"2\"\n", 1, ',', ','},
        {"1,2\n3,4\n", 0, 0, 0},
        {"1;2\n3\n", 0, 0, 0},
        {"1;x\n3;4\n", 0, 0, 0},
        {"1\n2\n", 0, 0, 0},
    };
    const struct km_dialect usual = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct km_csv_lines lines = lines_of(cases[i].text);
        struct km_dialect d = {0};

        assert_int_equal(km_dialect_guess(&d, &lines, &usual, 0), cases[i].found);
        assert_int_equal(d.separator, cases[i].separator);
        assert_int_equal(d.point, cases[i].point);
    }
}

static void label_columns_may_hold_anything(void **state)
{
    struct km_csv_lines lines = lines_of("x;1;2\ny;3;4\n");
    const struct km_dialect usual = {0};
    struct km_dialect d;

    (void)state;
    assert_int_equal(km_dialect_guess(&d, &lines, &usual, 1), 1);
    assert_int_equal(d.separator, ';');
    assert_int_equal(km_dialect_guess(&d, &lines, &usual, 3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_become_a_dialect_and_back),
        cmocka_unit_test(what_is_no_separator_is_refused),
        cmocka_unit_test(a_dialect_is_guessed_where_all_lines_fit_it),
        cmocka_unit_test(label_columns_may_hold_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
