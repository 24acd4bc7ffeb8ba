/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "io/fields.h"

#include <math.h>

static void rows_are_parsed(void **state)
{
    static const struct {
        const char *text;
        size_t skip;
        size_t dim;
        float row[3];
        struct km_dialect dialect;
    } cases[] = {
        {"1;2;3", 0, 3, {1, 2, 3}, {';', 0}},
        {"1,5;-2,25;3", 0, 3, {1.5F, -2.25F, 3}, {';', ','}},
        {"\"1,5\",\"2\",3", 0, 3, {1.5F, 2, 3}, {',', ','}},
        {"1\t 2\t3 ", 0, 3, {1, 2, 3}, {'\t', 0}},
        {"a b\t2\t3", 1, 2, {2, 3}, {'\t', 0}},
        {"  1   2\t3  ", 0, 3, {1, 2, 3}, {' ', 0}},
        {"cat \"2\" 3", 1, 2, {2, 3}, {' ', 0}},
        {"7 ", 0, 1, {7}, {' ', 0}},
        {"1,25e2|123456789012345678,5", 0, 2, {125, 123456789012345678.5F}, {'|', ','}},
        {"1,2,3", 0, 3, {1, 2, 3}, {0}},
        {" 1 , 2\t,\t3 ", 0, 3, {1, 2, 3}, {0}},
        {"\"1\",\" 2 \", \"3\" ", 0, 3, {1, 2, 3}, {0}},
        {"cat,1,2", 1, 2, {1, 2}, {0}},
        {",1,2", 1, 2, {1, 2}, {0}},
        {"\"a,\"\"b\",nan,1e3", 2, 1, {1000}, {0}},
        {"7", 0, 1, {7}, {0}},
    };
    struct km_err err;
    struct km_csv_place place;
    float row[3];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct km_csv_shape shape = {cases[i].skip, cases[i].dim, cases[i].dialect,
                                     .numbers = NULL};
        size_t len = strlen(cases[i].text);

        assert_int_equal(km_csv_columns(cases[i].text, len, &shape.dialect),
                         cases[i].skip + cases[i].dim);
        assert_ok(km_csv_parse(cases[i].text, len, &shape, row, &place, &err), err);
        assert_memory_equal(row, cases[i].row, cases[i].dim * sizeof(*row));
    }
}

static void bad_rows_are_refused_with_place_and_reason(void **state)
{
    static const struct {
        const char *text;
        size_t skip;
        size_t column;
        size_t offset;
        const char *msg;
    } cases[] = {
        {"1,abc,3", 0, 2, 2, "found \"abc\", expected a number"},
        {"1,,3", 0, 2, 2, "found an empty field"},
        {"1,2,", 0, 3, 4, "found an empty field"},
        {"1, ,3", 0, 2, 2, "found an empty field"},
        {"1,nan,3", 0, 2, 2, "missing value: found \"nan\", expected a number; fill in"},
        {"1,2,-", 0, 3, 4, "missing value: found \"-\""},
        {"1,N/A,3", 0, 2, 2, "missing value: found \"N/A\""},
        {"null,2,3", 0, 1, 0, "missing value: found \"null\""},
        {"1,None,3", 0, 2, 2, "missing value: found \"None\""},
        {"1,2,-Infinity", 0, 3, 4, "expected a finite number"},
        {"1,2,1e39", 0, 3, 4,
         "found 1e39, more than float32 can hold, expected at most 3.40282e+38"},
        {"1,-2e99,3", 0, 2, 2, "found -2e99, more than float32"},
        {"1,\"2,3", 0, 2, 2, "a quote that is not closed"},
        {"1,\"2\"x,3", 0, 2, 2, "found \"\"2\"x\", expected a number"},
        {"1;2;3", 0, 1, 0, "columns are separated by commas (,), not"},
        {"1\t2\t3", 0, 1, 0, "columns are separated by commas (,), not"},
        {"1 2 3", 0, 1, 0, "columns are separated by commas (,), not"},
        {"1;2;3", 1, 0, 0, "columns are separated by commas (,), not"},
        {"1,\x01\xff,3", 0, 2, 2, "found \"\\x01\xc3\xbf\""},
        {"1,2", 0, 0, 0, "2 columns, expected 3 features and no label (label_size=0)"},
        {"1,2,3,4", 0, 0, 0, "4 columns, expected 3 features and no label (label_size=0)"},
        {"1,2,3", 1, 0, 0, "3 columns, expected 3 features and 1 in front of them (label_size=1)"},
        {"1,2,3,4,5", 0, 0, 0, "5 columns"},
        {"\"a,1,2,3", 1, 1, 0, "a quote that is not closed"},
    };
    struct km_err err;
    float row[3];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct km_csv_shape shape = {.skip = cases[i].skip, .dim = 3};
        struct km_csv_place place = {99, 99};
        size_t len = strlen(cases[i].text);
        char *copy = malloc(len); /* without a terminator: an over-read faults */

        assert_non_null(copy);
        memcpy(copy, cases[i].text, len);
        assert_int_equal(km_csv_parse(copy, len, &shape, row, &place, &err), KM_E_INPUT);
        assert_contains(err.msg, cases[i].msg);
        assert_int_equal(place.column, cases[i].column);
        assert_int_equal(place.offset, cases[i].offset);
        free(copy);
    }
}

/* Each field of a line as its kind and its text: N number, E empty, M missing, T text. */
static void fields_are_told_apart(void **state)
{
    static const struct {
        const char *line, *fields;
        struct km_dialect d;
    } cases[] = {
        {"1, -2.5e3 ,x", "N:1|N:-2.5e3|T:x|", {0}},
        {",\"\", \"a,b\"", "E:|E:|T:a,b|", {0}},
        {"NA,null,-inf,nan,#DIV/0!", "M:NA|M:null|M:-inf|M:nan|M:#DIV/0!|", {0}},
        {"1;2,5;", "N:1|N:2,5|E:|", {';', ','}},
        {"  1  2\t3  ", "N:1|N:2|N:3|", {' ', 0}},
        {"\"1.5\",\"say \"\"x\"\"\"", "N:1.5|T:say \"\"x\"\"|", {0}},
        {"\"open,1", "T:\"open,1|", {0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *p = cases[i].line, *end = p + strlen(p);
        struct km_csv_field f;
        char text[200] = "";
        size_t n = 0, used = 0;

        for (; km_csv_field(&p, end, &cases[i].d, &f); n++) {
            assert_int_equal(km_csv_kind(cases[i].line, strlen(cases[i].line), n, &cases[i].d),
                             f.kind);
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%c:%.*s|", "NEMT"[f.kind],
                                     (int)f.len, f.text);
        }
        assert_string_equal(text, cases[i].fields);
        assert_int_equal(km_csv_kind(cases[i].line, strlen(cases[i].line), n, &cases[i].d),
                         KM_FIELD_NONE);
        if (cases[i].line[1] != 'o')
            assert_int_equal(km_csv_columns(cases[i].line, strlen(cases[i].line), &cases[i].d), n);
    }
}

static void whole_numbers_are_digits_alone(void **state)
{
    static const char *const no[] = {"", "-1", "1.0", "1e3", "1234567890", "x"};
    struct km_csv_field f = {KM_FIELD_NUMBER, "000123456", 9};
    long v;

    (void)state;
    assert_true(km_csv_is_whole(&f, &v));
    assert_int_equal(v, 123456);
    for (size_t i = 0; i < 6; i++) {
        f.text = no[i];
        f.len = strlen(no[i]);
        assert_false(km_csv_is_whole(&f, &v));
    }
}

static void a_separator_that_may_be_meant_is_seen(void **state)
{
    static const struct {
        const char *text;
        char found;
    } cases[] = {{"1;2", ';'},
                 {"a\tb", '\t'},
                 {"1|2", '|'},
                 {"1\x01"
                  "2",
                  '\x01'},
                 {"1 2", ' '},
                 {"1", 0},
                 {"a b", 0},
                 {"1 ", 0},
                 {"\"a\" b", ' '}};
    const struct km_dialect d = {0}, semicolons = {';', 0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_int_equal(km_csv_other_separator(cases[i].text, strlen(cases[i].text), &d),
                         cases[i].found);
    assert_int_equal(km_csv_other_separator("1;2", 3, &semicolons), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_parsed),
        cmocka_unit_test(bad_rows_are_refused_with_place_and_reason),
        cmocka_unit_test(fields_are_told_apart),
        cmocka_unit_test(whole_numbers_are_digits_alone),
        cmocka_unit_test(a_separator_that_may_be_meant_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
