/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/io_help.h"

#include "base/clock.h"
#include "base/number.h"
#include "base/rng.h"
#include "io/csv.h"
#include "io/fields.h"

#include <math.h>

static void numbers_are_what_strtof_says(void **state)
{
    static const char *const good[] = {
        "0",
        "-0",
        "1",
        "+1",
        "-1.5",
        ".5",
        "1.",
        "1.e2",
        "1e5",
        "1E+5",
        "1e-05",
        "00012",
        "0.1",
        "255",
        "  3.25",
        "3.25 \t",
        "1.234567890123456789e-01",
        "9.99999999999999999999999e-30",
        /* halfway between two floats, and a hair beside it */
        "16777217",
        "16777219",
        "16777217.0000000000000000000001",
        "16777216.9999999999999999",
        "0.500000029802322387695312500",
        "0.500000029802322387695312501",
        "0.500000029802322387695312499",
        "1.00000017881393432617187499",
        "1.00000017881393432617187500",
        "1.00000017881393432617187501",
        "9007199254740993",
        "9007199791611905",
        "340282346638528859811704183484516925440",
        "3.4028235e38",
        "340282356779733661637539395458142568447",
        "1.17549435e-38",
        "1.17549428e-38",
        "1.1754942807573643e-38",
        "1e-45",
        "7.0064923216240854e-46",
        "7.0064923216240862e-46",
        "1e-46",
        "1e-400",
        "0e999999999999",
        "0.0e-99999",
        "1e-66",
        "1e-67",
        "123456789012345678901234567890e-20",
        "0.000000000000000000000000000001234567890123456789",
        "100000000000000000000000000000000000000",
        "0.00000000000000000000000000000000000000000000001",
    };
    static const char *const bad[] = {
        "",
        " ",
        "nan",
        "inf",
        "-inf",
        "1e",
        "1e+",
        "+-1",
        "--1",
        "1_000",
        "0x10",
        "1,5",
        "abc",
        "1a",
        ".",
        "e5",
        "1 2",
        "1e5.0",
        "-",
        "+",
        "1..2",
        "1f",
        "NaN",
        "1e39",
        "-3.5e38",
        "1e999999999999999999999",
        "340282356779733661637539395458142568448",
        "\xef\xbc\x91",
    };
    float v;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        float expected = strtof(good[i], NULL);

        if (km_parse_float(good[i], strlen(good[i]), &v))
            fail_msg("\"%s\" was refused", good[i]);
        if (memcmp(&v, &expected, sizeof(v)) != 0)
            fail_msg("\"%s\" is %.9g, expected %.9g", good[i], (double)v, (double)expected);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (km_parse_float(bad[i], strlen(bad[i]), &v) == 0)
            fail_msg("\"%s\" was taken as %g", bad[i], (double)v);
    }
    assert_int_equal(km_parse_float("1\0", 2, &v), -1);
}

static int print_in_some_way(struct km_rng *g, char *text, size_t size, double v)
{
    switch (km_rng_below(g, 7)) {
    case 0:
        return snprintf(text, size, "%.9g", v);
    case 1:
        return snprintf(text, size, "%.17g", v);
    case 2:
        return snprintf(text, size, "%.18e", v); /* numpy.savetxt */
    case 3:
        return snprintf(text, size, "%.3f", v);
    case 4:
        return snprintf(text, size, "%g", v);
    case 5:
        return snprintf(text, size, "%.8e", v);
    default:
        return snprintf(text, size, "%.30e", v);
    }
}

/* Text of a number: a float printed in some way, the middle of two floats, or random digits. */
static int random_number(struct km_rng *g, char *text, size_t size)
{
    uint64_t bits = km_rng_next(g);
    int n = 0;
    float f, next;

    memcpy(&f, &bits, sizeof(f));
    if (!isfinite(f))
        f = 1;
    next = nextafterf(f, INFINITY);
    switch (km_rng_below(g, 6)) {
    case 0:
        return print_in_some_way(g, text, size, (double)f);
    case 1:
        return print_in_some_way(g, text, size, km_rng_unit(g) * 2 - 1);
    case 2:
        return print_in_some_way(g, text, size, ((double)f + (double)next) / 2);
    case 3:
        return snprintf(text, size, "%d", (int)km_rng_below(g, 512) - 256);
    case 4:
        return snprintf(text, size, "%llu.%llue%d",
                        (unsigned long long)(bits >> km_rng_below(g, 64)),
                        (unsigned long long)km_rng_below(g, 1000), (int)km_rng_below(g, 100) - 60);
    default:
        for (uint64_t i = 1 + km_rng_below(g, 40); i > 0; i--)
            text[n++] = "0123456789.00009"[km_rng_below(g, 16)];
        text[n] = 0;
        return n;
    }
}

static void a_million_random_numbers_are_what_strtof_says(void **state)
{
    struct km_rng g;
    size_t taken = 0;

    (void)state;
    km_rng_seed(&g, test_seed(), 2, 0);
    for (int i = 0; i < 1000000; i++) {
        char text[128];
        char *end;
        int n = random_number(&g, text, sizeof(text));
        float expected = strtof(text, &end);
        float v = 0;
        int rc = km_parse_float(text, (size_t)n, &v);

        if (*end || !isfinite(expected) || n == 0) {
            if (rc == 0)
                fail_msg("\"%s\" was taken", text);
            continue;
        }
        if (rc || memcmp(&v, &expected, sizeof(v)) != 0)
            fail_msg("\"%s\" is %d, %.9g, expected %.9g", text, rc, (double)v, (double)expected);
        taken++;
    }
    assert_true(taken > 800000);
}

/* All lines of a file, each followed by |. */
static int lines_of(const char *bytes, size_t n, size_t max_line, char *out, struct km_csv *c,
                    struct km_err *err)
{
    struct km_stream *s;
    const char *text;
    uint64_t at;
    size_t len;
    int rc;

    *c = (struct km_csv){.max_line = max_line};
    *out = 0;
    assert_ok(km_stream_open(&s, test_file("lines.csv", bytes, n), err), *err);
    while ((rc = km_csv_line(c, s, &text, &len, &at, err)) == KM_MORE) {
        assert_memory_equal(bytes + at, text, len);
        strncat(out, text, len);
        strncat(out, "|", 2);
    }
    km_stream_close(s);
    return rc;
}

static void lines_end_in_lf_crlf_or_cr_and_blank_ones_are_skipped(void **state)
{
    static const struct {
        const char *bytes;
        const char *lines;
        int last; /* number of the last line */
    } cases[] = {
        {"", "", 0},
        {"1,2\n3,4\n", "1,2|3,4|", 2},
        {"1,2\r\n3,4\r\n", "1,2|3,4|", 2},
        {"1,2\r3,4\r", "1,2|3,4|", 2},
        {"1,2\n3,4", "1,2|3,4|", 2},
        {"1,2\r3,4", "1,2|3,4|", 2},
        {"\n\n1\n\n \t\n2\n\n", "1|2|", 7},
        {"\r\r\n\n1\r\n\r2", "1|2|", 6},
        {"\xef\xbb\xbf"
         "1\n2",
         "1|2|", 2},
        {"\xef\xbb\xbf", "", 0},
        {"\xef\xbb", "\xef\xbb|", 1},
        {"\n", "", 1},
    };
    struct km_err err;
    struct km_csv c;
    char out[100];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(lines_of(cases[i].bytes, strlen(cases[i].bytes), 0, out, &c, &err), KM_OK);
        assert_string_equal(out, cases[i].lines);
        assert_int_equal(c.line, cases[i].last);
    }
}

static void utf16_is_refused(void **state)
{
    struct km_err err;
    struct km_csv c;
    char out[100];

    (void)state;
    assert_int_equal(lines_of("\xff\xfe"
                              "1\0\n",
                              5, 0, out, &c, &err),
                     KM_E_INPUT);
    assert_contains(err.msg, "save it as UTF-8");
}

static void a_line_without_end_is_an_error_not_memory(void **state)
{
    enum { N = 3000000 };
    char *bytes = malloc(N);
    struct km_err err;
    struct km_csv c;
    char out[100];

    (void)state;
    assert_non_null(bytes);
    memset(bytes, '1', N);
    memcpy(bytes, "1\n2\n", 4);
    assert_int_equal(lines_of(bytes, N, 1000, out, &c, &err), KM_E_INPUT);
    assert_contains(err.msg, "line 3 at byte 4: longer than 1000 bytes");
    assert_string_equal(out, "1|2|");
    free(bytes);
}

static void many_short_lines_cost_time_in_proportion(void **state)
{
    enum { N = 4000000 };
    static const char *const ends[] = {"1\r", "1\n"};
    char *bytes = malloc(N);

    (void)state;
    assert_non_null(bytes);
    for (int e = 0; e < 2; e++) {
        struct km_csv c = {0};
        struct km_stream *s;
        struct km_err err;
        const char *text;
        double start = km_now();
        uint64_t at;
        size_t len;

        for (size_t i = 0; i < N; i++)
            bytes[i] = ends[e][i % 2];
        assert_ok(km_stream_open(&s, test_file("short.csv", bytes, N), &err), err);
        while (km_csv_line(&c, s, &text, &len, &at, &err) == KM_MORE)
            assert_int_equal(len, 1);
        km_stream_close(s);
        assert_int_equal(c.line, N / 2);
        assert_true(km_now() - start < 20); /* minutes if each line searched the whole buffer */
    }
    free(bytes);
}

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
        struct km_csv_shape shape = {cases[i].skip, cases[i].dim, cases[i].dialect};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_what_strtof_says),
        cmocka_unit_test(a_million_random_numbers_are_what_strtof_says),
        cmocka_unit_test(lines_end_in_lf_crlf_or_cr_and_blank_ones_are_skipped),
        cmocka_unit_test(utf16_is_refused),
        cmocka_unit_test(a_line_without_end_is_an_error_not_memory),
        cmocka_unit_test(many_short_lines_cost_time_in_proportion),
        cmocka_unit_test(rows_are_parsed),
        cmocka_unit_test(bad_rows_are_refused_with_place_and_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
