/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/npy_help.h"
#include "tests/rows_help.h"

static const struct km_format npy = {.kind = &km_format_npy, .label_size = -1};

/* Three rows of two values. */
static const float rows[] = {1, 2, 3, 4, 5, 6}, columns[] = {1, 3, 5, 2, 4, 6};

#define F4(order, shape) "{'descr': '<f4', 'fortran_order': " order ", 'shape': " shape ", }\n"

static void rows_come_in_either_order_of_the_axes(void **state)
{
    const unsigned char *file;
    struct read_rows got;
    size_t n;

    (void)state;
    for (int version = 1; version <= 3; version++) {
        n = make_npy(&file, version, F4("False", "(3, 2)"), rows, sizeof(rows));
        got = read_rows(npy, file, n);
        assert_read(&got, rows, 3, 2);
        n = make_npy(&file, version, F4("True", "(3, 2)"), columns, sizeof(columns));
        got = read_rows(npy, file, n);
        assert_read(&got, rows, 3, 2);
    }
    n = make_npy(&file, 1, F4("False", "(2, 3, 1)"), rows, sizeof(rows));
    got = read_rows(npy, file, n);
    assert_read(&got, rows, 2, 3); /* items of more axes are rows of all their values */
    n = make_npy(&file, 1, F4("False", "(0, 3)"), rows, 0);
    got = read_rows(npy, file, n);
    assert_ok(got.rc, got.err);
    assert_int_equal(got.n, 0);
}

static void every_cut_and_change_is_rows_or_an_error(void **state)
{
    const unsigned char *file;
    size_t n = make_npy(&file, 1, F4("False", "(3, 2)"), rows, sizeof(rows));

    (void)state;
    hurt_each_byte(npy, file, n, 1);
    cut_in_two(npy, file, n);
    n = make_npy(&file, 2, F4("True", "(3, 2)"), columns, sizeof(columns));
    hurt_each_byte(npy, file, n, 1);
    cut_in_two(npy, file, n);
}

static void what_is_no_table_of_numbers_is_refused(void **state)
{
    const float nan[] = {1, 2, 3, NAN, 5, 6, 7};
    const struct {
        const char *dict;
        size_t bytes; /* of nan */
        const char *says;
    } cases[] = {
        {F4("False", "(3,)"), 12,
         "file: found one axis (3 values), expected rows and columns; save"},
        {F4("False", "()"), 4, "file: found a single number"},
        {F4("True", "(3, 2, 1)"), 24, "found 3 axes in Fortran order, expected two"},
        {F4("False", "(3, 0)"), 0, "found rows of 0 values, expected 1 to"},
        {F4("False", "(3, 999999999)"), 0, "found rows of 999999999 values, expected 1 to"},
        {F4("False", "(3, 2)"), 24, "file: row 2 at byte 78: value 2 is NaN"},
        {F4("True", "(3, 2)"), 24, "file: row 1 at byte 128: value 2 is NaN"},
        {F4("False", "(3, 2)"), 20, "file: row 2 at byte 78"},
        {F4("False", "(1, 2)"), 9,
         "file: byte 78: found more bytes, expected the end after 1 rows"},
        {F4("True", "(1, 3)"), 13, "file: byte 81: found more bytes, expected the end"},
        {F4("True", "(3, 2)"), 21, "byte 90: the file ends within its values"},
        {F4("True", "(9999999999999, 9)"), 21,
         "file: no memory for an array of 9999999999999 rows"},
        {F4("True", "(18446744073709551615, 9)"), 21, "file: no memory for an array"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const unsigned char *file;
        size_t n = make_npy(&file, 1, cases[i].dict, nan, cases[i].bytes);
        struct read_rows got = read_rows(npy, file, n);

        assert_true(got.rc == KM_E_INPUT || got.rc == KM_E_MEM);
        assert_contains(got.err.msg, cases[i].says);
    }
}

static void another_width_is_told_by_who_decided_it(void **state)
{
    const unsigned char *file;
    size_t n = make_npy(&file, 1, F4("False", "(3, 2)"), rows, sizeof(rows));
    struct km_format f = npy;
    struct read_rows got;

    (void)state;
    f.feature_dim = 5;
    got = read_rows(f, file, n);
    assert_int_equal(got.rc, KM_E_INPUT);
    assert_contains(got.err.msg, "row 1 at byte 70: 2 features, expected 5 (feature_dim)");
    f.dim_of = "the train channel";
    got = read_rows(f, file, n);
    assert_contains(got.err.msg, "2 features, but the train channel has 5; give both channels");
    f.good_path = "a.npy";
    got = read_rows(f, file, n);
    assert_contains(got.err.msg, "2 features, but the first row of a.npy has 5; give every row");
}

static void an_array_that_was_turned_is_read_again(void **state)
{
    const unsigned char *file;
    size_t n = make_npy(&file, 1, F4("True", "(3, 2)"), columns, sizeof(columns));
    struct km_format f = npy;
    struct km_stream *s;
    struct km_err err;
    struct km_reader *r;

    (void)state;
    assert_ok(km_stream_open_memory(&s, "file", file, n, &err), err);
    for (int i = 0; i < 2; i++) {
        assert_ok(km_reader_open(&r, s, &f, NULL, &err), err);
        assert_int_equal(km_reader_more(r, &err), KM_MORE);
        s = km_reader_leave(r);
        assert_ok(km_stream_seek(s, 0, &err), err);
    }
    assert_int_equal(f.feature_dim, 2);
    km_stream_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_in_either_order_of_the_axes),
        cmocka_unit_test(every_cut_and_change_is_rows_or_an_error),
        cmocka_unit_test(what_is_no_table_of_numbers_is_refused),
        cmocka_unit_test(another_width_is_told_by_who_decided_it),
        cmocka_unit_test(an_array_that_was_turned_is_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
