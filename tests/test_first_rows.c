/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/io_help.h"

#include "io/first_rows.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

static void add(struct km_files *files, const char *name, const void *bytes, size_t n)
{
    struct km_err err;

    assert_ok(km_files_add(files, test_file(name, bytes, n), &err), err);
}

static void the_first_file_with_rows_decides_and_is_measured(void **state)
{
    struct km_format f = {.kind = &km_format_csv, .label_size = -1};
    struct km_files files = {0};
    struct km_first_rows first = {.files = &files, .format = &f};
    struct km_err err;

    (void)state;
    add(&files, "a", "\n\n", 2);
    add(&files, "b", "1,2,3\n1,2,3\n", 12);
    add(&files, "c", "10000,20000,30000\n", 18);
    assert_ok(km_first_rows_open(&first, &err), err);
    assert_int_equal(f.feature_dim, 3);
    assert_string_equal(f.dim_path, files.path[1]);
    assert_true(first.row_bytes == 6);
    assert_int_equal(first.look.rows, 0); /* never sparse */
    for (size_t i = 0; i < files.n; i++) {
        assert_non_null(files.held[i]);
        assert_int_equal(km_stream_at(files.held[i]), 0);
    }
    km_files_done(&files);
}

static void a_wrong_file_among_them_is_told(void **state)
{
    struct km_format f = {.kind = &km_format_csv, .label_size = -1};
    struct km_files files = {0};
    struct km_first_rows first = {.files = &files, .format = &f};
    struct km_err err;

    (void)state;
    add(&files, "a", "1,2,3\n", 6);
    add(&files, "b", "1,2\n", 4);
    assert_int_equal(km_first_rows_open(&first, &err), KM_E_INPUT);
    assert_contains(err.msg, "/b: line 1 at byte 0: 2 columns, expected 3 features as in");
    km_files_done(&files);
}

/* Records of a dense tensor, one value of which is 0, and a damaged one behind them. */
static size_t make_records(unsigned char *file, int records)
{
    size_t n = 0;

    for (int i = 0; i < records; i++) {
        const float row[3] = {1, 0, (float)i + 1};

        n += km_format_recordio.write(file + n, row, 3);
    }
    return n;
}

static void rows_that_may_be_sparse_are_looked_at(void **state)
{
    static unsigned char file[200000];
    struct km_format f = {.kind = &km_format_recordio};
    struct km_files files = {0};
    struct km_first_rows first = {.files = &files, .format = &f};
    struct km_err err;
    size_t n = make_records(file, 2000);

    (void)state;
    add(&files, "many", file, n);
    assert_ok(km_first_rows_open(&first, &err), err);
    assert_int_equal(first.look.rows, 1000);
    assert_int_equal(first.look.values, 2000);
    assert_int_equal(first.look.sparse, 0);
    km_files_done(&files);

    files = (struct km_files){0}; /* a bad record is told in its turn */
    f = (struct km_format){.kind = &km_format_recordio};
    first = (struct km_first_rows){.files = &files, .format = &f};
    add(&files, "bad", file, make_records(file, 5) - 3);
    assert_ok(km_first_rows_open(&first, &err), err);
    assert_int_equal(first.look.rows, 4);
    assert_true(first.row_bytes > 0);
    km_files_done(&files);
}

static unsigned char split[200];
static size_t n_split;

/* Records of two values that are the magic number, split there as MXNet does it. */
static void make_split(void)
{
    static const uint32_t magic = KM_RECORDIO_MAGIC;
    unsigned char record[100];
    float row[2];
    size_t len;

    memcpy(&row[0], &magic, 4);
    row[1] = row[0];
    len = km_record_encode(record, row, 2, NULL);
    n_split = 0;
    for (size_t from = 0, i = 0, flag = 1; i <= len; i += 4) {
        uint32_t head[2] = {magic, 0};

        if (i < len && memcmp(record + i, &magic, 4) != 0)
            continue;
        i = i < len ? i : len;
        head[1] = (uint32_t)(i < len ? flag : 3) << 29 | (uint32_t)(i - from);
        memcpy(split + n_split, head, 8);
        memcpy(split + n_split + 8, record + from, i - from);
        n_split += 8 + (i - from + 3) / 4 * 4;
        from = i + 4;
        flag = 2;
        if (i == len)
            break;
    }
}

static void *write_fifo(void *path)
{
    int fd = open(path, O_WRONLY);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, split, n_split), (ssize_t)n_split);
    close(fd);
    return NULL;
}

/* What is looked at in a pipe is there for the pass, also what had to be put together. */
static void a_pipe_is_waited_for_and_loses_nothing(void **state)
{
    const char *path = test_path("fifo");
    struct km_format f = {.kind = &km_format_recordio};
    struct km_files files = {0};
    struct km_first_rows first = {.files = &files, .format = &f};
    const unsigned char *p;
    struct km_stream *s;
    struct km_err err;
    pthread_t writer;
    size_t got;

    (void)state;
    make_split();
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_ok(km_files_add(&files, path, &err), err);
    assert_ok(km_first_rows_open(&first, &err), err); /* it waits for its turn */
    assert_int_equal(f.feature_dim, 0);
    assert_int_equal(pthread_create(&writer, NULL, write_fifo, (void *)(uintptr_t)path), 0);
    assert_ok(km_first_rows_wait(&first, &err), err);
    pthread_join(writer, NULL);
    assert_int_equal(f.feature_dim, 2);
    assert_int_equal(first.look.rows, 1);
    assert_int_equal(first.look.values, 2);
    assert_ok(km_files_take(&files, 0, -1, &s, &err), err);
    assert_ok(km_stream_peek(s, n_split + 1, &p, &got, &err), err);
    assert_int_equal(got, n_split);
    assert_memory_equal(p, split, n_split);
    km_stream_close(s);
    km_files_done(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_file_with_rows_decides_and_is_measured),
        cmocka_unit_test(a_wrong_file_among_them_is_told),
        cmocka_unit_test(rows_that_may_be_sparse_are_looked_at),
        cmocka_unit_test(a_pipe_is_waited_for_and_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
