/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scan_help.h"

#include "io/csv.h"

static void lines_are_rows_with_their_numbers_and_bytes(void **state)
{
    static const char text[] = "\n1,2\r\n\n3,4";
    struct km_format f = {.kind = &km_format_csv, .feature_dim = 2};
    struct km_scan s = scan_bytes(&f, text, sizeof(text) - 1);
    struct km_raw raw;
    struct km_err err;
    float row[2];

    (void)state;
    assert_ok(f.kind->begin(&s, &err), err);
    assert_int_equal(f.kind->next(&s, &raw, &err), KM_MORE);
    assert_int_equal(s.number, 2);
    assert_int_equal(raw.at, 1);
    assert_int_equal(raw.len, 3);
    assert_ok(f.kind->decode(&s, &raw, row, &err), err);
    assert_true(row[0] == 1 && row[1] == 2);
    assert_int_equal(f.kind->next(&s, &raw, &err), KM_MORE);
    assert_int_equal(s.number, 4);
    assert_int_equal(raw.at, 7);
    assert_int_equal(f.kind->next(&s, &raw, &err), KM_OK);
    scan_close(&s);
}

static void lines_behind_the_end_are_not_taken(void **state)
{
    struct km_format f = {.kind = &km_format_csv, .feature_dim = 1};
    struct km_scan s = scan_bytes(&f, "1\n2\n3\n", 6);
    struct km_raw raw;
    struct km_err err;

    (void)state;
    assert_ok(f.kind->find(&s, 1, &err), err);
    s.end = 3;
    assert_int_equal(f.kind->next(&s, &raw, &err), KM_MORE);
    assert_int_equal(raw.p[0], '2');
    assert_int_equal(f.kind->next(&s, &raw, &err), KM_OK);
    scan_close(&s);
}

static void a_header_is_stepped_over_and_kept(void **state)
{
    struct km_header header = {0};
    struct km_format f = {.kind = &km_format_csv, .header = &header};
    struct km_scan s = scan_bytes(&f, "a,b\n1,2\n", 8);
    struct km_raw raw;
    struct km_err err;

    (void)state;
    assert_ok(f.kind->begin(&s, &err), err);
    assert_int_equal(header.columns, 2);
    assert_string_equal(header.path, "file");
    assert_int_equal(f.kind->next(&s, &raw, &err), KM_MORE);
    assert_int_equal(s.number, 2);
    scan_close(&s);
    km_header_done(&header);
}

static void the_first_line_decides_what_nobody_said(void **state)
{
    static const struct {
        int label_size;
        size_t feature_dim;
        int labels; /* below 0: it is refused */
        size_t dim;
    } cases[] = {{-1, 0, 0, 3}, {-1, 3, 0, 3}, {-1, 2, 1, 2}, {1, 0, 1, 2}, {3, 0, -1, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct km_format f = {.kind = &km_format_csv,
                              .label_size = cases[i].label_size,
                              .feature_dim = cases[i].feature_dim};
        struct km_scan s = scan_bytes(&f, "7,8,9\n", 6);
        struct km_raw raw;
        struct km_err err;
        size_t dim;
        int rc;

        assert_int_equal(f.kind->longest(&f),
                         km_format_complete(&f) ? 64 * f.feature_dim + (1 << 20) : KM_CSV_LINE_MAX);
        assert_int_equal(f.kind->next(&s, &raw, &err), KM_MORE);
        rc = f.kind->width(&s, &raw, &dim, &err);
        assert_int_equal(rc, cases[i].labels < 0 ? KM_E_INPUT : KM_OK);
        if (rc == KM_OK) {
            assert_int_equal(f.label_size, cases[i].labels);
            assert_int_equal(dim, cases[i].dim);
        }
        scan_close(&s);
    }
}

static void what_is_wrong_has_line_column_and_byte(void **state)
{
    struct km_format f = {.kind = &km_format_csv, .feature_dim = 2};
    struct km_scan s = scan_bytes(&f, "1,2\n3,x\n", 8);
    struct km_raw raw;
    struct km_err err;
    float row[2];

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(f.kind->next(&s, &raw, &err), KM_MORE);
    assert_int_equal(f.kind->decode(&s, &raw, row, &err), KM_E_INPUT);
    assert_int_equal((f.kind->fail)(&s, &raw, &err), KM_E_INPUT);
    assert_string_equal(err.msg,
                        "file: line 2, column 2 at byte 6: found \"x\", expected a number");
    km_fail(&err, KM_E_MEM, "no memory");
    assert_int_equal((f.kind->fail)(&s, &raw, &err), KM_E_MEM);
    assert_string_equal(err.msg, "file: line 2 at byte 4: no memory");
    scan_close(&s);
}

static void a_row_is_written_as_a_line(void **state)
{
    const float row[3] = {1, -0.5F, 1e-45F};
    unsigned char out[100];

    (void)state;
    assert_true(km_format_csv.row_bytes(3) <= sizeof(out));
    assert_int_equal(km_format_csv.write(out, row, 3), 13);
    assert_memory_equal(out, "1,-0.5,1e-45\n", 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_rows_with_their_numbers_and_bytes),
        cmocka_unit_test(lines_behind_the_end_are_not_taken),
        cmocka_unit_test(a_header_is_stepped_over_and_kept),
        cmocka_unit_test(the_first_line_decides_what_nobody_said),
        cmocka_unit_test(what_is_wrong_has_line_column_and_byte),
        cmocka_unit_test(a_row_is_written_as_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
