/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/io_help.h"

#include "base/mem.h"
#include "io/record.h"
#include "io/recordio.h"

#include <math.h>
#include <sys/stat.h>

#define M "\x0a\x23\xd7\xce"

/* n records [i, i + 0.5, -i], i from 1. */
static const char *write_records(size_t n)
{
    const char *path = test_path("data.rec");
    struct km_writer *w;
    struct km_err err;

    assert_ok(km_writer_open(&w, path, &err), err);
    for (size_t i = 1; i <= n; i++) {
        float row[3] = {(float)i, (float)i + 0.5f, -(float)i};
        float label = 1;
        unsigned char payload[128];
        size_t len = km_record_encode(payload, row, 3, i % 2 ? &label : NULL);

        assert_ok(test_put_record(w, payload, len, &err), err);
    }
    assert_ok(km_writer_commit(w, &err), err);
    return path;
}

/* Reads all rows in steps of `step`; their number or the code. x holds the first 16. */
static int read_rows(const char *path, struct km_format *f, size_t step, struct km_mat *x,
                     struct km_err *err)
{
    struct km_reader *s;
    size_t n = 0, rows;
    int rc;

    *x = (struct km_mat){0};
    rc = test_reader(&s, path, f, err);
    if (rc)
        return rc;
    assert_ok(km_mat_init(x, 16, f->feature_dim ? f->feature_dim : 1, err), *err);
    do {
        struct km_mat part = km_mat_view(x, 0, n + step < 16 ? n + step : 16);

        rc = test_read(s, &part, n, &rows, err);
        n += rows;
        assert_int_equal(km_reader_rows(s), n);
    } while (rc == KM_OK && rows > 0 && n < 16);
    if (rc == KM_OK) {
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(km_reader_bytes(s), st.st_size);
        assert_int_equal(km_reader_more(s, err), KM_OK);
    }
    km_reader_close(s);
    return rc ? rc : (int)n;
}

static void assert_rows(const struct km_mat *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float v = (float)(i + 1);

        assert_true(km_mat_row(x, i)[0] == v && km_mat_row(x, i)[1] == v + 0.5f &&
                    km_mat_row(x, i)[2] == -v);
        assert_true(km_mat_row(x, i)[3] == 0); /* padding */
    }
}

static void records_become_rows_in_steps_of_any_size(void **state)
{
    const char *path = write_records(7);
    struct km_err err;
    struct km_mat x;

    (void)state;
    for (size_t step = 1; step < 10; step++) {
        struct km_format f = {
            .kind = &km_format_recordio, .label_size = -1, .feature_dim = step % 2 ? 0 : 3};

        assert_int_equal(read_rows(path, &f, step, &x, &err), 7);
        assert_int_equal(f.feature_dim, 3);
        assert_rows(&x, 7);
        km_mat_done(&x);
    }
}

static const char csv_7[] = "1,1.5,-1\n2,2.5,-2\r\n3,3.5,-3\r\n\n\"4\",4.5,-4\n5,5.5,-5\n"
                            "6,6.5,-6\n7,7.5,-7";

static void lines_become_rows(void **state)
{
    const char *path = test_file("data.csv", csv_7, sizeof(csv_7) - 1);
    struct km_err err;
    struct km_mat x;

    (void)state;
    for (size_t step = 1; step < 10; step++) {
        struct km_format f = {
            .kind = &km_format_csv, .label_size = -1, .feature_dim = step % 2 ? 0 : 3};

        assert_int_equal(read_rows(path, &f, step, &x, &err), 7);
        assert_int_equal(f.feature_dim, 3);
        assert_int_equal(f.label_size, 0);
        assert_rows(&x, 7);
        km_mat_done(&x);
    }
}

static void the_first_row_completes_the_format(void **state)
{
    static const struct {
        int label_size;
        size_t feature_dim;
        const char *text;
        int rc;
        int then_label_size;
        size_t then_feature_dim;
    } cases[] = {
        {-1, 0, "9,1,2\n", 1, 0, 3},          {-1, 3, "9,1,2\n", 1, 0, 3},
        {-1, 2, "9,1,2\n", 1, 1, 2},          {1, 0, "9,1,2\n", 1, 1, 2},
        {0, 0, "9,1,2\n", 1, 0, 3},           {2, 1, "9,1,2\n", 1, 2, 1},
        {-1, 4, "9,1,2\n", KM_E_INPUT, 1, 4}, {1, 3, "9,1,2\n", KM_E_INPUT, 1, 3},
        {3, 0, "9,1,2\n", KM_E_INPUT, 3, 0},  {-1, 0, "\n\n", 0, -1, 0},
    };
    struct km_err err;
    struct km_mat x;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct km_format f = {.kind = &km_format_csv,
                              .label_size = cases[i].label_size,
                              .feature_dim = cases[i].feature_dim};
        const char *path = test_file("first.csv", cases[i].text, strlen(cases[i].text));

        assert_int_equal(read_rows(path, &f, 4, &x, &err), cases[i].rc);
        assert_int_equal(f.label_size, cases[i].then_label_size);
        assert_int_equal(f.feature_dim, cases[i].then_feature_dim);
        km_mat_done(&x);
    }
}

static void a_file_without_rows_is_fine(void **state)
{
    struct km_format rec = {.kind = &km_format_recordio, .label_size = -1, .feature_dim = 0};
    struct km_format csv = {.kind = &km_format_csv, .label_size = -1, .feature_dim = 5};
    struct km_err err;
    struct km_mat x;

    (void)state;
    assert_int_equal(read_rows(test_file("empty", "", 0), &rec, 4, &x, &err), 0);
    km_mat_done(&x);
    assert_int_equal(read_rows(test_file("empty", "", 0), &csv, 4, &x, &err), 0);
    km_mat_done(&x);
}

static void a_wrong_file_is_told_what_it_is_and_what_to_do(void **state)
{
    static const struct {
        const struct km_format_kind *kind;
        const char *bytes;
        size_t n;
        const char *text[2];
    } cases[] = {
        {&km_format_recordio,
         "\x1f\x8b\x08\0\0\0\0\0\0\3",
         10,
         {"gzip-compressed", "decompress it first"}},
        {&km_format_csv,
         "\x1f\x8b\x08\0\0\0\0\0\0\3",
         10,
         {"gzip-compressed, expected CSV", "gunzip"}},
        {&km_format_csv, "PK\3\4", 4, {"zip archive", "unpack"}},
        {&km_format_csv, "PAR1\1", 5, {"Parquet", "convert"}},
        {&km_format_recordio,
         "\x93NUMPY\1\0",
         8,
         {"a numpy file, expected RecordIO-protobuf", "set the channel's content type"}},
        {&km_format_csv,
         M "\4\0\0\0abcd",
         12,
         {"is RecordIO, expected CSV", "x-recordio-protobuf"}},
        {&km_format_recordio,
         "1,2\n3,4\n",
         8,
         {"record 1 at byte 0: found 31 2c 32 0a", "text/csv"}},
        {&km_format_csv,
         "\xef\xbb\xbfx,y\n1,2,3\n",
         13,
         {"line 1 at byte 3", "header of 2 names (\"x,y\")"}},
        {&km_format_csv,
         "x,y\xff\n1,2\n3,z\n",
         13,
         {"line 3, column 2 (y\xc3\xbf)", "found \"z\""}},
        {&km_format_csv,
         "1;2;3\n",
         6,
         {"column 1 at byte 0: found \"1;2;3\"", "convert --separator ';'"}},
        {&km_format_csv,
         "1 2 3\n",
         6,
         {"column 1 at byte 0: found \"1 2 3\"", "--separator space"}},
        {&km_format_csv, "1\t2\n", 4, {"column 1 at byte 0: found \"1\\x092\"", "--separator tab"}},
        {&km_format_csv,
         "1,5;2,5\n3,5;4\n",
         14,
         {"not semicolons", "--separator ';' --decimal comma"}},
        {&km_format_csv, "a|b\n1.5|2\n", 10, {"not vertical bars", "--separator '|'"}},
        {&km_format_csv,
         "\"1,5\",\"2,5\"\n",
         12,
         {"column 1 at byte 0: found \"1,5\"", "--decimal comma"}},
        {&km_format_csv, "1;2;x\n", 6, {"found \"1;2;x\"", "by commas (,), not semicolons (;)"}},
        {&km_format_csv,
         "nan,nan\n",
         8,
         {"column 1 at byte 0: missing value: found \"nan\"", "fill"}},
        {&km_format_csv, ",,\n", 3, {"column 1 at byte 0: missing value: found an empty", "fill"}},
        {&km_format_csv, "\0\1\n", 3, {"column 1 at byte 0: found \"\\x00\\x01\"", "a number"}},
        {&km_format_csv,
         "4,2\n1,2,3\n",
         10,
         {"line 2 at byte 4: 3 columns", "line 1 has 2 columns"}},
        {&km_format_recordio,
         M "\2\0\0\0\xff\xff\0\0",
         12,
         {"record 1 at byte 0: 2 bytes that are no", "Record"}},
    };
    struct km_err err;
    struct km_mat x;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct km_format f = {.kind = cases[i].kind, .label_size = -1, .feature_dim = 0};
        const char *path = test_file("wrong", cases[i].bytes, cases[i].n);

        assert_int_equal(read_rows(path, &f, 4, &x, &err), KM_E_INPUT);
        assert_contains(err.msg, path);
        assert_contains(err.msg, cases[i].text[0]);
        assert_contains(err.msg, cases[i].text[1]);
        km_mat_done(&x);
    }
}

static void a_bad_row_is_told_with_its_place_and_the_rows_before_are_there(void **state)
{
    static const char text[] = "1,1.5,-1\n2,2.5,-2\n\n3,x,-3\n4,4.5,-4\n";
    struct km_format f = {.kind = &km_format_csv, .label_size = -1, .feature_dim = 0};
    struct km_reader *s;
    struct km_mat x;
    struct km_err err;
    size_t rows;

    (void)state;
    assert_ok(test_reader(&s, test_file("bad.csv", text, sizeof(text) - 1), &f, &err), err);
    assert_ok(km_mat_init(&x, 8, 3, &err), err);
    assert_int_equal(test_read(s, &x, 0, &rows, &err), KM_E_INPUT);
    assert_int_equal(rows, 2);
    assert_rows(&x, 2);
    assert_contains(err.msg,
                    "bad.csv: line 4, column 2 at byte 21: found \"x\", expected a number");
    km_reader_close(s);
    km_mat_done(&x);
}

static void another_width_is_told_with_record_and_byte(void **state)
{
    struct km_format f = {.kind = &km_format_recordio, .label_size = -1, .feature_dim = 784};
    struct km_format csv = {.kind = &km_format_csv, .label_size = 0, .feature_dim = 4};
    struct km_reader *s;
    struct km_err err;
    char text[600];

    (void)state;
    snprintf(
        text, sizeof(text),
        "%s: record 1 at byte 0: 3 features, expected 784 (feature_dim); set feature_dim to the "
        "number of features in the data",
        write_records(3));
    assert_int_equal(test_reader(&s, test_path("data.rec"), &f, &err), KM_E_INPUT);
    assert_string_equal(err.msg, text);
    assert_int_equal(test_reader(&s, test_file("w.csv", "1,2,3\n", 6), &csv, &err), KM_E_INPUT);
    assert_contains(err.msg, "w.csv: line 1 at byte 0: 3 columns, expected 4 features and no label "
                             "(label_size=0)");
}

static void a_width_that_the_data_decided_is_not_blamed_on_feature_dim(void **state)
{
    struct km_format f = {.kind = &km_format_recordio, .label_size = -1};
    struct km_format csv = {.kind = &km_format_csv, .label_size = -1};
    const char *first = write_records(3);
    const char *wide = test_path("wide.rec");
    const float row[4] = {1, 2, 3, 4};
    unsigned char payload[128];
    struct km_writer *w;
    struct km_reader *s;
    struct km_err err;
    char text[600];

    (void)state;
    assert_ok(km_writer_open(&w, wide, &err), err);
    assert_ok(test_put_record(w, payload, km_record_encode(payload, row, 4, NULL), &err), err);
    assert_ok(km_writer_commit(w, &err), err);
    assert_ok(test_reader(&s, first, &f, &err), err);
    km_reader_close(s);
    assert_int_equal(test_reader(&s, wide, &f, &err), KM_E_INPUT);
    snprintf(text, sizeof(text),
             "%s: record 1 at byte 0: 4 features, but the first row of %s has 3; give every row "
             "the same features",
             wide, first);
    assert_string_equal(err.msg, text);

    first = test_file("first.csv", "\n1,2\n", 5);
    wide = test_file("wide.csv", "1,2,3\n", 6);
    assert_ok(test_reader(&s, first, &csv, &err), err);
    km_reader_close(s);
    assert_int_equal(csv.dim_row, 2);
    assert_int_equal(test_reader(&s, wide, &csv, &err), KM_E_INPUT);
    assert_contains(err.msg, "wide.csv: line 1 at byte 0: 3 columns, expected 2 features as in");
}

static void a_bad_value_in_a_row_of_the_right_width_is_told_as_such(void **state)
{
    struct km_format f = {.kind = &km_format_recordio, .label_size = -1};
    const float row[3] = {1, 2, NAN};
    unsigned char payload[128];
    const char *path = test_path("nan.rec");
    struct km_writer *w;
    struct km_reader *s;
    struct km_err err;

    (void)state;
    assert_ok(km_writer_open(&w, path, &err), err);
    assert_ok(test_put_record(w, payload, km_record_encode(payload, row, 3, NULL), &err), err);
    assert_ok(km_writer_commit(w, &err), err);
    assert_ok(test_reader(&s, write_records(1), &f, &err), err);
    km_reader_close(s);
    assert_int_equal(test_reader(&s, path, &f, &err), KM_E_INPUT);
    assert_contains(err.msg, "record 1 at byte 0: value 3 is NaN");
}

static void a_huge_record_is_refused_when_the_width_is_known(void **state)
{
    struct km_format f = {.kind = &km_format_recordio, .label_size = -1, .feature_dim = 3};
    struct km_reader *s;
    struct km_err err;

    (void)state;
    assert_int_equal(test_reader(&s, test_file("huge", M "\xff\xff\xff\x1f", 8), &f, &err),
                     KM_E_INPUT);
    assert_contains(err.msg, "a length of 536870911 bytes, expected at most 1114160");
}

static void every_truncation_of_records_is_a_prefix_or_an_error(void **state)
{
    unsigned char all[1000];
    size_t n, frame;
    FILE *f = fopen(write_records(4), "rb");
    struct km_err err;
    struct km_mat x;

    (void)state;
    assert_non_null(f);
    n = fread(all, 1, sizeof(all), f);
    fclose(f);
    for (size_t cut = 0; cut <= n; cut++) {
        struct km_format format = {.kind = &km_format_recordio, .label_size = -1, .feature_dim = 0};
        int rc = read_rows(test_file("cut.rec", all, cut), &format, 3, &x, &err);
        int whole = 0;

        for (frame = 0; frame < cut; frame += (8 + (size_t)all[frame + 4] + 3) & ~(size_t)3)
            whole++;
        assert_int_equal(rc, frame == cut ? whole : KM_E_INPUT);
        if (rc > 0)
            assert_rows(&x, (size_t)rc);
        km_mat_done(&x);
    }
}

/* A line without its newline is a line: the file may end there. So a cut inside the last number
 * gives a shorter number, which no reader can tell from a whole one; any other cut is told. */
static void every_truncation_of_csv_is_a_prefix_or_an_error_but_in_the_last_number(void **state)
{
    static const char text[] = "1,1.5,-1\n2,2.5,-2\r\n3,3.5,-3\n4,4.5,-412";
    struct km_err err;
    struct km_mat x;

    (void)state;
    for (size_t cut = 0; cut < sizeof(text); cut++) {
        struct km_format f = {.kind = &km_format_csv, .label_size = -1, .feature_dim = 3};
        int rc = read_rows(test_file("cut.csv", text, cut), &f, 3, &x, &err);
        size_t lines = 0, commas = 0, digits = 0;

        for (size_t i = 0; i < cut; i++) {
            lines += text[i] == '\n';
            commas = text[i] == '\n' ? 0 : commas + (text[i] == ',');
            digits =
                text[i] == '\n' || text[i] == ',' ? 0 : digits + (text[i] >= '0' && text[i] <= '9');
        }
        if (cut == 0 || text[cut - 1] == '\n') {
            assert_int_equal(rc, lines);
        } else if (commas == 2 && digits > 0) {
            assert_int_equal(rc, lines + 1);
            assert_true(km_mat_row(&x, lines)[0] == (float)(lines + 1));
        } else {
            assert_int_equal(rc, KM_E_INPUT);
        }
        if (rc > 0)
            assert_rows(&x, lines);
        km_mat_done(&x);
    }
}

static void each_failed_allocation_is_told_and_leaks_nothing(void **state)
{
    const struct km_format_kind *const kinds[] = {&km_format_recordio, &km_format_csv};
    const char *const paths[] = {write_records(7), test_file("data.csv", csv_7, sizeof(csv_7) - 1)};
    struct km_err err;

    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct km_mat x;
        int rc = KM_E_MEM;

        for (size_t at = 1; rc == KM_E_MEM; at++) {
            struct km_format f = {.kind = kinds[kind], .label_size = -1};
            struct km_reader *s;

            km_alloc_fail_at(at);
            rc = test_reader(&s, paths[kind], &f, &err);
            km_alloc_fail_at(0);
            km_reader_close(s);
        }
        assert_ok(rc, err);
        assert_int_equal(read_rows(paths[kind],
                                   &(struct km_format){.kind = kinds[kind], .label_size = -1}, 4,
                                   &x, &err),
                         7);
        km_mat_done(&x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_become_rows_in_steps_of_any_size),
        cmocka_unit_test(lines_become_rows),
        cmocka_unit_test(the_first_row_completes_the_format),
        cmocka_unit_test(a_file_without_rows_is_fine),
        cmocka_unit_test(a_wrong_file_is_told_what_it_is_and_what_to_do),
        cmocka_unit_test(a_bad_row_is_told_with_its_place_and_the_rows_before_are_there),
        cmocka_unit_test(another_width_is_told_with_record_and_byte),
        cmocka_unit_test(a_width_that_the_data_decided_is_not_blamed_on_feature_dim),
        cmocka_unit_test(a_bad_value_in_a_row_of_the_right_width_is_told_as_such),
        cmocka_unit_test(a_huge_record_is_refused_when_the_width_is_known),
        cmocka_unit_test(every_truncation_of_records_is_a_prefix_or_an_error),
        cmocka_unit_test(every_truncation_of_csv_is_a_prefix_or_an_error_but_in_the_last_number),
        cmocka_unit_test(each_failed_allocation_is_told_and_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
