/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/io_help.h"

#include "base/clock.h"
#include "io/csv.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_in_lf_crlf_or_cr_and_blank_ones_are_skipped),
        cmocka_unit_test(utf16_is_refused),
        cmocka_unit_test(a_line_without_end_is_an_error_not_memory),
        cmocka_unit_test(many_short_lines_cost_time_in_proportion),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
