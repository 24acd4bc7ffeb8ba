/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "io/naming.h"
#include "tests/lines_help.h"

static const struct km_dialect usual;

static void names_have_a_letter_of_some_alphabet(void **state)
{
    static const char *const yes[] = {"a",           "x1", "Preis (\xe2\x82\xac)", "\xe5\xb9\xb4",
                                      "Gr\xf6\xdf.", "1 x"},
                             *const no[] = {
                                 "",      "1",     "-",     "12:30",   "2024-01-31", "\xe2\x82\xac",
                                 "1;2;x", "1 2 x", "a\x01", "\xc2\xa0"};

    (void)state;
    for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
        if (!km_is_name(yes[i], strlen(yes[i])))
            fail_msg("%s is no name", yes[i]);
    for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
        if (km_is_name(no[i], strlen(no[i])))
            fail_msg("%s is a name", no[i]);
}

static void a_line_is_counted_behind_its_labels(void **state)
{
    struct km_csv_lines lines = lines_of("x,1,2,name,\n7,3,4.5\n");
    struct km_naming n = km_naming_of(&lines, 0, &usual, 1);

    (void)state;
    assert_int_equal(n.n, 4);
    assert_int_equal(n.numbers, 2);
    assert_int_equal(n.names, 1);
    assert_true(n.last_empty && n.whole && n.rising && n.consecutive);
    n = km_naming_of(&lines, 1, &usual, 0);
    assert_int_equal(n.numbers, 3);
    assert_false(n.last_empty || n.whole || n.rising || n.consecutive);
}

static void numbers_of_columns_are_no_values_but_where_lines_say_so(void **state)
{
    static const struct {
        const char *text;
        int counts, among;
    } cases[] = {
        {"0,1,2\n5,7,9\n", 1, 0}, {",1,2\nx,7,9\n", 1, 0},         {"id,0,1\n5,7,9\n", 1, 0},
        {"0,1,2\n3,4,5\n", 1, 1}, {"0,1,2\n7,7,7\n0,1,2\n", 1, 1}, {"0,1,2\n", 1, 1},
        {"0,2,4\n5,7,9\n", 0, 0}, {"5,6,7\n1,7,9\n", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct km_csv_lines lines = lines_of(cases[i].text);

        assert_int_equal(km_naming_counts_columns(&lines, &usual, 0), cases[i].counts);
        if (cases[i].counts)
            assert_int_equal(km_naming_among_values(&lines, &usual), cases[i].among);
    }
}

static void years_and_rising_numbers_are_unlike_rows(void **state)
{
    static const struct {
        const char *text;
        int unlike;
    } cases[] = {{"2001,2002\n1.5,7\n", 1},   {"10,20,30\n1.5,7,3\n", 1},
                 {"10,20,30\n11,22,33\n", 0}, {"30,20,10\n1.5,7,3\n", 0},
                 {"10,20,x\n1.5,7,3\n", 0},   {"10,20\n", 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct km_csv_lines lines = lines_of(cases[i].text);

        assert_int_equal(km_naming_unlike_rows(&lines, &usual, 0), cases[i].unlike);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_a_letter_of_some_alphabet),
        cmocka_unit_test(a_line_is_counted_behind_its_labels),
        cmocka_unit_test(numbers_of_columns_are_no_values_but_where_lines_say_so),
        cmocka_unit_test(years_and_rising_numbers_are_unlike_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
