/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/io_help.h"

#include "io/blocks.h"

/* Three files with the rows 0, 1, 2, ... of two columns, the second of them without any. */
static void make_files(struct km_files *files, const char *last)
{
    struct km_err err;

    assert_ok(km_files_add(files, test_file("a", "0,0\n1,0\n2,0\n", 12), &err), err);
    assert_ok(km_files_add(files, test_file("b", "\n", 1), &err), err);
    assert_ok(km_files_add(files, test_file("c", last, strlen(last)), &err), err);
}

static struct km_blocks make_blocks(const struct km_files *files, struct km_format *f,
                                    size_t mini_batch, size_t rows)
{
    return (struct km_blocks){.files = files,
                              .format = f,
                              .part = {0, 1},
                              .mini_batch = mini_batch,
                              .room = {.rows = rows},
                              .stop_fd = -1};
}

static void blocks_run_on_across_files_and_say_where_they_begin(void **state)
{
    static const struct {
        size_t n, file;
        int ends;
    } want[] = {
        {2, 0, 0}, {2, 0, 1}, {2, 2, 0}, {1, 2, 1}}; /* mini-batches of four, blocks of two */
    struct km_format f = {.kind = &km_format_csv};
    struct km_files files = {0};
    struct km_batch batch = {0};
    struct km_blocks b;
    struct km_err err;

    (void)state;
    make_files(&files, "3,0\n4,0\n5,0\n6,0\n");
    b = make_blocks(&files, &f, 4, 2);
    for (int pass = 0; pass < 2; pass++) {
        size_t row = 0;

        for (int i = 0; i < 4; i++) {
            assert_int_equal(km_blocks_next(&b, &batch, &err), KM_MORE);
            assert_int_equal(km_rows_n(&batch.rows), want[i].n);
            assert_int_equal(batch.first_row, row);
            assert_int_equal(batch.ends_mini_batch, want[i].ends);
            assert_string_equal(batch.path, files.path[want[i].file]);
            for (size_t r = 0; r < want[i].n; r++, row++)
                assert_true(km_mat_row(&batch.rows.dense, r)[0] == (float)row);
        }
        assert_int_equal(km_blocks_next(&b, &batch, &err), KM_OK);
        assert_int_equal(km_blocks_bytes(&b), files.total);
        assert_int_equal(b.rows, 7);
        km_blocks_rewind(&b);
        assert_int_equal(km_blocks_bytes(&b), 0);
    }
    km_blocks_done(&b);
    km_rows_done(&batch.rows);
    km_files_done(&files);
}

static void a_failure_comes_behind_the_rows_before_it(void **state)
{
    struct km_format f = {.kind = &km_format_csv};
    struct km_files files = {0};
    struct km_batch batch = {0};
    struct km_blocks b;
    struct km_err err;

    (void)state;
    make_files(&files, "3,0\nx,0\n");
    b = make_blocks(&files, &f, 8, 8);
    assert_int_equal(km_blocks_next(&b, &batch, &err), KM_MORE);
    assert_int_equal(km_rows_n(&batch.rows), 4);
    assert_false(batch.ends_mini_batch);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(km_blocks_next(&b, &batch, &err), KM_E_INPUT);
        assert_contains(err.msg, "c: line 2, column 1 at byte 4: found \"x\"");
    }
    km_blocks_done(&b);
    km_rows_done(&batch.rows);
    km_files_done(&files);
}

/* A block of sparse rows ends with its values, too. */
static void sparse_blocks_end_with_their_values(void **state)
{
    const float rows[3][3] = {{1, 2, 3}, {0, 0, 0}, {4, 0, 5}};
    const char *path = test_path("sparse.rec");
    struct km_format f = {.kind = &km_format_recordio};
    struct km_files files = {0};
    struct km_batch batch = {0};
    struct km_blocks b;
    struct km_writer *w;
    struct km_err err;

    (void)state;
    assert_ok(km_writer_open(&w, path, &err), err);
    for (int i = 0; i < 3; i++) {
        unsigned char record[100];

        assert_ok(test_put_record(w, record, km_record_encode(record, rows[i], 3, NULL), &err),
                  err);
    }
    assert_ok(km_writer_commit(w, &err), err);
    assert_ok(km_files_add(&files, path, &err), err);
    b = make_blocks(&files, &f, 100, 100);
    b.shape.sparse = 1;
    b.room.values = 3;
    assert_int_equal(km_blocks_next(&b, &batch, &err), KM_MORE);
    assert_int_equal(batch.rows.sparse.n, 1);
    assert_int_equal(km_blocks_next(&b, &batch, &err), KM_MORE);
    assert_int_equal(batch.rows.sparse.n, 2);
    assert_int_equal(batch.rows.sparse.nnz, 2);
    assert_true(batch.ends_mini_batch);
    assert_int_equal(km_blocks_next(&b, &batch, &err), KM_OK);
    km_blocks_done(&b);
    km_rows_done(&batch.rows);
    km_files_done(&files);
}

static void rows_are_moved_and_a_part_has_its_own(void **state)
{
    const float origin[2] = {10, 0};
    struct km_format f = {.kind = &km_format_csv, .feature_dim = 2};
    struct km_files files = {0};
    struct km_batch batch = {0};
    size_t n = 0;
    struct km_err err;

    (void)state;
    make_files(&files, "3,0\n4,0\n5,0\n6,0\n");
    for (size_t part = 0; part < 3; part++) {
        struct km_blocks b = make_blocks(&files, &f, 100, 100);
        int rc;

        b.part = (struct km_part){part, 3};
        assert_ok(km_move_set(&b.move, origin, 1, 2, &err), err);
        while ((rc = km_blocks_next(&b, &batch, &err)) == KM_MORE)
            for (size_t i = 0; i < km_rows_n(&batch.rows); i++, n++)
                assert_true(km_mat_row(&batch.rows.dense, i)[0] == 2 * ((float)n - 10));
        assert_ok(rc, err);
        assert_int_equal(batch.exponent, 1);
        assert_int_equal(km_blocks_bytes(&b), km_part_bytes(&b.part, &files));
        km_blocks_done(&b);
    }
    assert_int_equal(n, 7);
    km_rows_done(&batch.rows);
    km_files_done(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_run_on_across_files_and_say_where_they_begin),
        cmocka_unit_test(a_failure_comes_behind_the_rows_before_it),
        cmocka_unit_test(sparse_blocks_end_with_their_values),
        cmocka_unit_test(rows_are_moved_and_a_part_has_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
