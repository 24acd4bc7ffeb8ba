/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/rows_help.h"

#include "base/csr.h"

static const struct km_format svmlight = {
    .kind = &km_format_svmlight, .label_size = -1, .feature_dim = 3};

static const char text[] = "# a file\n"
                           "+1 1:0.5 3:-2e1 # a comment: 1:2\r\n"
                           "\n"
                           "-1.5\tqid:7  2:3\t\n"
                           "1,2 3:1\n"
                           "0\n"
                           "0 1:4 2:0 3:6";
static const float rows[] = {0.5f, 0, -20, 0, 3, 0, 0, 0, 1, 0, 0, 0, 4, 0, 6};

static void pairs_are_values_and_the_others_are_zero(void **state)
{
    struct read_rows got = read_rows(svmlight, text, sizeof(text) - 1);
    struct km_format from_zero = svmlight;

    (void)state;
    assert_read(&got, rows, 5, 3);
    from_zero.from_zero = 1;
    got = read_rows(from_zero, "5 0:1 2:3\n", 10);
    assert_read(&got, (const float[]){1, 0, 3}, 1, 3);
}

static void sparse_rows_hold_what_is_not_zero(void **state)
{
    const struct km_shape shape = {.d = 3, .values = 3, .sparse = 1};
    const struct km_room room = {.rows = 8, .values = 100}, memory = {.rows = 8, .values = 103};
    struct km_format f = svmlight;
    struct km_reader *r;
    struct km_rows x;
    struct km_stream *s;
    struct km_err err;
    size_t n;

    (void)state;
    assert_ok(km_stream_open_memory(&s, "file", text, sizeof(text) - 1, &err), err);
    assert_ok(km_reader_open(&r, s, &f, NULL, &err), err);
    assert_ok(km_rows_init(&x, &shape, memory, &err), err);
    assert_ok(km_reader_read(r, &x, room, &n, &err), err);
    assert_int_equal(n, 5);
    assert_int_equal(km_reader_sparse(r), 5);
    assert_int_equal(x.sparse.nnz, 6);
    for (size_t i = 0; i < n; i++) {
        float row[3] = {0};

        for (size_t j = 0; j < x.sparse.len[i]; j++)
            row[x.sparse.col[x.sparse.at[i] + j]] = x.sparse.val[x.sparse.at[i] + j];
        assert_memory_equal(row, rows + 3 * i, sizeof(row));
    }
    km_rows_done(&x);
    km_reader_close(r);
}

static void every_cut_and_change_is_rows_or_an_error(void **state)
{
    (void)state;
    hurt_each_byte(svmlight, text, sizeof(text) - 1, 0);
    cut_in_two(svmlight, text, sizeof(text) - 1);
}

static void lines_of_another_form_are_refused_with_their_place(void **state)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"1:2 2:3", "file: line 2 at byte 6: found \"1:2\", expected a number, the label"},
        {"x 1:2", "found \"x\", expected a number, the label"},
        {"1,2,3", "found numbers between commas"},
        {"1 2", "found \"2\", expected INDEX:VALUE, two finite numbers"},
        {"1 2:", "found \"2:\", expected INDEX:VALUE"},
        {"1 :2", "found \":2\", expected INDEX:VALUE"},
        {"1 2:3x", "found \"2:3x\", expected INDEX:VALUE"},
        {"1 2:nan", "found \"2:nan\", expected INDEX:VALUE"},
        {"1 2:1e39", "found \"2:1e39\", expected a value that float32 can hold"},
        {"1 -1:2", "found \"-1:2\", expected INDEX:VALUE"},
        {"1 0:2", "found \"0:2\", expected indices from 1; where they count from 0 set index_base"},
        {"1 4:2", "found index 4, expected at most 3 as there are 3 features"},
        {"1 99999999999999999999:2", "expected INDEX:VALUE"},
        {"1 2:1 2:1", "found \"2:1\", expected indices that rise along the line, each once"},
        {"1 2:1 1:1", "found \"1:1\", expected indices that rise"},
        {"1 2:1 qid:3", "found \"qid:3\", expected INDEX:VALUE"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char file[100];
        int n = snprintf(file, sizeof(file), "0 1:1\n%s\n", cases[i].line);
        struct read_rows got = read_rows(svmlight, file, (size_t)n);

        assert_int_equal(got.rc, KM_E_INPUT);
        assert_int_equal(got.n, 1);
        assert_contains(got.err.msg, cases[i].says);
    }
}

static void the_number_of_features_must_be_given(void **state)
{
    struct km_format f = svmlight;
    struct read_rows got;

    (void)state;
    f.feature_dim = 0;
    got = read_rows(f, text, sizeof(text) - 1);
    assert_int_equal(got.rc, KM_E_INPUT);
    assert_contains(got.err.msg, "file: line 2 at byte 9: a row does not say how many features");
}

static void what_is_written_is_read(void **state)
{
    unsigned char line[300];
    struct read_rows got;
    size_t n = 0;

    (void)state;
    assert_true(km_format_svmlight.row_bytes(3) * 2 <= sizeof(line));
    n += km_format_svmlight.write(line + n, rows, 3);
    n += km_format_svmlight.write(line + n, rows + 9, 3);
    assert_int_equal(n, strlen("0 1:0.5 3:-20\n0\n"));
    assert_memory_equal(line, "0 1:0.5 3:-20\n0\n", n);
    got = read_rows(svmlight, line, n);
    assert_read(&got, (const float[]){0.5f, 0, -20, 0, 0, 0}, 2, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_values_and_the_others_are_zero),
        cmocka_unit_test(sparse_rows_hold_what_is_not_zero),
        cmocka_unit_test(every_cut_and_change_is_rows_or_an_error),
        cmocka_unit_test(lines_of_another_form_are_refused_with_their_place),
        cmocka_unit_test(the_number_of_features_must_be_given),
        cmocka_unit_test(what_is_written_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
