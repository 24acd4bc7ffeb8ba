/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "io/layout.h"
#include "tests/lines_help.h"

static const struct km_dialect usual;

static void a_column_counts_from_zero_or_one(void **state)
{
    static const struct {
        const char *text;
        int counts[2];
    } cases[] = {
        {"i,x\n0,5\n1,5\n2,6\n", {1, 0}}, {"i,x\n1,0\n2,1\n", {1, 1}},
        {"i,x\n2,0\n3,2\n", {0, 0}},      {"i,x\n0,0\n2,1\n", {0, 1}},
        {"i,x\n1.0,1\n2.0\n", {0, 0}},    {"i,x\n", {0, 0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct km_csv_lines lines = lines_of(cases[i].text);

        for (size_t column = 0; column < 2; column++)
            assert_int_equal(km_layout_counts(&lines, column, &usual), cases[i].counts[column]);
    }
}

static void names_of_rows_are_text_quoted_or_count(void **state)
{
    static const struct {
        const char *text;
        int names;
    } cases[] = {{"a,b\nx,1,2\ny,3,4\n", 1},
                 {"a,b\n\"1\",1,2\n\"7\",3,4\n", 1},
                 {"a,b\n1,5,2\n2,3,4\n", 1},
                 {"a,b\n5,5,2\n7,3,4\n", 0},
                 {"a,b\nx,1\n5,2\n", 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct km_csv_lines lines = lines_of(cases[i].text);

        assert_int_equal(km_layout_row_names(&lines, &usual), cases[i].names);
    }
}

static void separators_at_the_ends_of_all_lines_are_seen(void **state)
{
    static const struct {
        const char *text;
        int open;
    } cases[] = {
        {"1,2,\n3,4,\n", 1}, {"a,b\n1,2,\n3,4,\n", 1}, {"1,2,\n3,4\n", 0}, {"1,\n", 1}, {"1\n", 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct km_csv_lines lines = lines_of(cases[i].text);

        assert_int_equal(km_layout_open_ends(&lines, &usual), cases[i].open);
    }
}

static void commas_that_separate_thousands_are_told_from_others(void **state)
{
    static const char *const yes[] = {"1,234", "12,345,678", "-1,234.5", "+999,000"},
                             *const no[] = {"1234",   "1,23", "1,2345",   "0,123", ",123",
                                            "1,234x", "",     "1234,567", "1.5"};
    const struct km_dialect d = {';', ','};
    struct km_csv_lines all = lines_of("1,234;5\n6,000;7\n"), some = lines_of("1,234;5,5\n");

    (void)state;
    for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
        assert_true(km_layout_is_thousands(yes[i], strlen(yes[i])));
    for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
        assert_false(km_layout_is_thousands(no[i], strlen(no[i])));
    assert_true(km_layout_thousands(&all, &d, 0));
    assert_false(km_layout_thousands(&all, &d, 1));
    assert_false(km_layout_thousands(&some, &d, 0));
}

static void the_line_for_excel_is_known(void **state)
{
    (void)state;
    assert_int_equal(km_layout_announced("sep=;", 5), ';');
    assert_int_equal(km_layout_announced("\"SEP=,\" \r", 9), ',');
    assert_int_equal(km_layout_announced("sep=", 4), 0);
    assert_int_equal(km_layout_announced("sep=a", 5), 0);
    assert_int_equal(km_layout_announced("sep=;1", 6), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_column_counts_from_zero_or_one),
        cmocka_unit_test(names_of_rows_are_text_quoted_or_count),
        cmocka_unit_test(separators_at_the_ends_of_all_lines_are_seen),
        cmocka_unit_test(commas_that_separate_thousands_are_told_from_others),
        cmocka_unit_test(the_line_for_excel_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
