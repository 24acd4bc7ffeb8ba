/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/io_help.h"

#include "base/mem.h"
#include "io/sink.h"

static const float rows[5][2] = {{1, 2.5F}, {-0.1F, 1e-45F}, {3, 4}, {1e38F, -7}, {0, 0}};

static void put_all(struct km_sink *s)
{
    struct km_err err;

    for (int i = 0; i < 5; i++)
        assert_ok(km_sink_put(s, rows[i], &err), err);
}

/* Whether a file holds the rows from `first` on, in steps. */
static void assert_rows(const char *path, const struct km_format_kind *kind, int first, int step)
{
    struct km_format f = {.kind = kind, .feature_dim = 2};
    struct km_reader *r;
    struct km_mat x;
    struct km_err err;
    size_t n, all = (size_t)(5 - first + step - 1) / (size_t)step;

    assert_ok(test_reader(&r, path, &f, &err), err);
    assert_ok(km_mat_init(&x, 6, 2, &err), err);
    assert_ok(test_read(r, &x, 0, &n, &err), err);
    assert_int_equal(n, all);
    for (size_t i = 0; i < n; i++)
        assert_memory_equal(km_mat_row(&x, i), rows[first + (int)i * step], sizeof(rows[0]));
    km_mat_done(&x);
    km_reader_close(r);
}

static void what_is_written_in_each_format_is_read_again(void **state)
{
    const struct km_format_kind *kind;
    int written = 0;

    (void)state;
    for (size_t i = 0; (kind = km_format_at(i)); i++) {
        const char *path = test_path("rows");
        struct km_sink *s;
        struct km_err err;
        struct stat st;
        uint64_t bytes;

        if (!kind->write)
            continue;
        assert_ok(km_sink_open(&s, path, kind, 1, 2, &err), err);
        put_all(s);
        assert_int_equal(stat(path, &st), -1); /* it appears whole */
        assert_ok(km_sink_commit(s, &bytes, &err), err);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, bytes);
        assert_rows(path, kind, 0, 1);
        assert_int_equal(remove(path), 0);
        written++;
    }
    assert_true(written >= 2);
}

static void shards_take_rows_in_turn_and_have_numbers(void **state)
{
    static const char *const names[] = {"part_0.csv", "part_1.csv", "part_2.csv"};
    char path[300], shard[310];
    struct km_sink *s;
    struct km_err err;
    uint64_t bytes;

    (void)state;
    snprintf(path, sizeof(path), "%s/part.csv", test_folder());
    assert_ok(km_sink_open(&s, path, &km_format_csv, 3, 2, &err), err);
    put_all(s);
    assert_ok(km_sink_commit(s, &bytes, &err), err);
    for (int i = 0; i < 3; i++) {
        snprintf(shard, sizeof(shard), "%.*s%s", (int)(strrchr(path, '/') + 1 - path), path,
                 names[i]);
        assert_rows(shard, &km_format_csv, i, 3);
    }
}

static void numbers_of_shards_are_equally_wide_and_stand_before_the_suffix(void **state)
{
    static const struct {
        const char *path, *name;
        size_t shard, shards;
    } cases[] = {{"a/rows.csv", "a/rows_07.csv", 7, 11},
                 {"a.b/rows", "a.b/rows_3", 3, 4},
                 {".rows", ".rows_0", 0, 2}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char *name = km_sink_path(cases[i].path, cases[i].shard, cases[i].shards);

        assert_string_equal(name, cases[i].name);
        km_free(name);
    }
}

static void an_aborted_sink_leaves_nothing(void **state)
{
    const char *path = test_path("aborted");
    struct km_sink *s;
    struct km_err err;
    struct stat st;

    (void)state;
    assert_ok(km_sink_open(&s, path, &km_format_csv, 1, 2, &err), err);
    put_all(s);
    km_sink_abort(s);
    assert_int_equal(stat(path, &st), -1);
    assert_int_equal(km_sink_open(&s, "/nowhere/rows", &km_format_csv, 1, 2, &err), KM_E_SYS);
    assert_null(s);
    km_sink_abort(NULL);
}

static void each_failed_allocation_is_told(void **state)
{
    int rc = KM_E_MEM;

    (void)state;
    for (size_t at = 1; rc == KM_E_MEM; at++) {
        struct km_sink *s;
        struct km_err err;

        km_alloc_fail_at(at);
        rc = km_sink_open(&s, test_path("memory"), &km_format_recordio, 2, 2, &err);
        km_alloc_fail_at(0);
        km_sink_abort(s);
    }
    assert_int_equal(rc, KM_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_in_each_format_is_read_again),
        cmocka_unit_test(shards_take_rows_in_turn_and_have_numbers),
        cmocka_unit_test(numbers_of_shards_are_equally_wide_and_stand_before_the_suffix),
        cmocka_unit_test(an_aborted_sink_leaves_nothing),
        cmocka_unit_test(each_failed_allocation_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
