/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/io_help.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/scale.h"
#include "io/feed.h"

#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

/* Adds a CSV file with rows [i, 2 i] for i in from..to-1. */
static void add_rows(struct km_files *files, const char *name, int from, int to)
{
    char text[4096] = "";
    size_t n = 0;
    struct km_err err;

    for (int i = from; i < to; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%d,%d\n", i, 2 * i);
    assert_ok(km_files_add(files, test_file(name, text, n), &err), err);
}

static struct km_feed *open_feed(const struct km_files *files, size_t mini_batch, size_t block)
{
    const struct km_format format = {.kind = &km_format_csv, .label_size = -1, .feature_dim = 0};
    struct km_feed *feed;
    struct km_err err;

    assert_ok(km_feed_open(&feed, files, &format, &err), err);
    cut_dense(feed, mini_batch, block);
    return feed;
}

/* Takes one whole pass of n rows, checking each block against what the cut must be. */
static void check_pass(struct km_feed *feed, size_t n, size_t mini_batch, size_t block,
                       float origin)
{
    struct km_batch *b;
    struct km_err err;
    size_t row = 0;
    int rc;

    while ((rc = km_feed_next(feed, &b, &err)) == KM_MORE) {
        size_t left = mini_batch - row % mini_batch;
        size_t want = left < block ? left : block;

        want = want < n - row ? want : n - row;
        assert_int_equal(b->rows.dense.n, want);
        assert_int_equal(b->first_row, row);
        for (size_t i = 0; i < b->rows.dense.n; i++, row++) {
            assert_true(km_mat_row(&b->rows.dense, i)[0] == (float)row - origin);
            assert_true(km_mat_row(&b->rows.dense, i)[1] == 2 * (float)row - origin);
        }
        assert_int_equal(b->ends_mini_batch != 0, row % mini_batch == 0 || row == n);
        assert_true(km_feed_stats(feed).rows >= row);
    }
    assert_ok(rc, err);
    assert_int_equal(row, n);
    assert_int_equal(km_feed_stats(feed).rows, n);
}

static void batches_run_across_files_whatever_the_sizes(void **state)
{
    static const int cuts[] = {0, 5, 5, 6, 20, 31, 31, 60};
    struct km_files files = {0};
    char name[16];

    (void)state;
    for (int i = 0; i < 7; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        add_rows(&files, name, cuts[i], cuts[i + 1]);
    }
    for (size_t mini_batch = 1; mini_batch <= 65; mini_batch += mini_batch < 12 ? 1 : 6) {
        for (size_t block = 1; block <= 64; block += block < 7 ? 1 : 10) {
            struct km_feed *feed = open_feed(&files, mini_batch, block);
            struct km_err err;

            assert_int_equal(km_feed_format(feed)->feature_dim, 2);
            check_pass(feed, 60, mini_batch, block, 0);
            assert_int_equal(km_feed_stats(feed).bytes, files.total);
            assert_ok(km_feed_rewind(feed, &err), err);
            check_pass(feed, 60, mini_batch, block, 0);
            km_feed_close(feed);
        }
    }
    km_files_done(&files);
}

static void the_origin_holds_from_the_second_block_and_in_later_passes(void **state)
{
    struct km_files files = {0};
    const float origin[2] = {100, 100};
    struct km_batch *b;
    struct km_feed *feed;
    struct km_err err;
    size_t row;
    int rc;

    (void)state;
    add_rows(&files, "origin", 0, 50);
    feed = open_feed(&files, 10, 4);
    assert_int_equal(km_feed_next(feed, &b, &err), KM_MORE);
    assert_true(km_mat_row(&b->rows.dense, 3)[1] == 6);
    assert_ok(km_feed_move(feed, origin, 0, &err), err);
    row = b->rows.dense.n;
    while ((rc = km_feed_next(feed, &b, &err)) == KM_MORE) {
        for (size_t i = 0; i < b->rows.dense.n; i++, row++)
            assert_true(km_mat_row(&b->rows.dense, i)[0] == (float)row - 100);
        assert_int_equal(km_feed_move(feed, origin, 0, &err), KM_E_BUG);
    }
    assert_ok(rc, err);
    assert_int_equal(row, 50);
    assert_ok(km_feed_rewind(feed, &err), err);
    check_pass(feed, 50, 10, 4, 100);
    km_feed_close(feed);
    km_files_done(&files);
}

static void an_origin_set_before_the_first_block_holds_for_it(void **state)
{
    struct km_files files = {0};
    const float origin[2] = {100, 100};
    struct km_feed *feed;
    struct km_err err;

    (void)state;
    add_rows(&files, "early", 0, 50);
    feed = open_feed(&files, 10, 4);
    assert_ok(km_feed_move(feed, origin, 0, &err), err);
    check_pass(feed, 50, 10, 4, 100);
    km_feed_close(feed);
    km_files_done(&files);
}

/* Each block says its exponent, and its rows are within the limit. */
static void the_exponent_falls_where_a_row_needs_it(void **state)
{
    static const char text[] = "1,-2\n3,4\n5,6\n1e-3,1e30\n7,8\n-3.4028234e38,9\n10,1e-20\n";
    static const float rows[][2] = {{1, -2}, {3, 4},        {5, 6},      {1e-3F, 1e30F},
                                    {7, 8},  {-FLT_MAX, 9}, {10, 1e-20F}};
    const float origin[2] = {1, -1};
    struct km_files files = {0};
    struct km_batch *b;
    struct km_feed *feed;
    struct km_err err;
    int last = 20, falls = 0;
    size_t row = 0;

    (void)state;
    assert_ok(km_files_add(&files, test_file("fall", text, sizeof(text) - 1), &err), err);
    feed = open_feed(&files, 100, 2);
    assert_ok(km_feed_move(feed, origin, last, &err), err);
    while (km_feed_next(feed, &b, &err) == KM_MORE) {
        falls += b->exponent < last;
        assert_true(b->exponent <= last);
        last = b->exponent;
        for (size_t i = 0; i < b->rows.dense.n; i++, row++)
            for (size_t t = 0; t < 2; t++) {
                double moved = (double)rows[row][t] - (double)origin[t];
                double found = ldexp((double)km_mat_row(&b->rows.dense, i)[t], -last);

                assert_true(fabs(found - moved) <= fabs(moved) * 0x1p-23 + ldexp(1, -148 - last));
                assert_true(fabsf(km_mat_row(&b->rows.dense, i)[t]) <= 2 * km_scale_limit(2));
            }
    }
    assert_int_equal(row, 7);
    assert_int_equal(falls, 2);
    assert_ok(km_feed_rewind(feed, &err), err);
    assert_ok(km_feed_as_given(feed, &err), err);
    for (row = 0; km_feed_next(feed, &b, &err) == KM_MORE; row += b->rows.dense.n)
        assert_memory_equal(km_mat_row(&b->rows.dense, 0), rows[row], sizeof(rows[0]));
    km_feed_close(feed);
    km_files_done(&files);
}

static void the_padding_stays_zero_with_an_origin(void **state)
{
    struct km_files files = {0};
    const float origin[3] = {1, 1, 1};
    struct km_batch *b;
    struct km_feed *feed;
    struct km_err err;

    (void)state;
    assert_ok(km_files_add(&files, test_file("pad", "1,2,3\n4,5,6\n7,8,9\n", 18), &err), err);
    feed = open_feed(&files, 1, 1);
    assert_int_equal(km_feed_next(feed, &b, &err), KM_MORE);
    assert_ok(km_feed_move(feed, origin, 0, &err), err);
    while (km_feed_next(feed, &b, &err) == KM_MORE) {
        assert_int_equal(b->rows.dense.ld, 4);
        assert_true(km_mat_row(&b->rows.dense, 0)[3] == 0);
    }
    km_feed_close(feed);
    km_files_done(&files);
}

static void a_channel_without_rows_ends_at_once(void **state)
{
    struct km_files files = {0};
    struct km_batch *b;
    struct km_feed *feed;
    struct km_err err;

    (void)state;
    feed = open_feed(&files, 10, 10);
    assert_int_equal(km_feed_next(feed, &b, &err), KM_OK);
    assert_int_equal(km_feed_next(feed, &b, &err), KM_OK);
    assert_int_equal(km_feed_format(feed)->feature_dim, 0);
    km_feed_close(feed);
    assert_ok(km_files_add(&files, test_file("none", "\n\n", 2), &err), err);
    feed = open_feed(&files, 10, 10);
    assert_int_equal(km_feed_next(feed, &b, &err), KM_OK);
    assert_ok(km_feed_rewind(feed, &err), err);
    assert_int_equal(km_feed_next(feed, &b, &err), KM_OK);
    km_feed_close(feed);
    km_files_done(&files);
}

static void a_bad_first_row_of_any_file_fails_at_once(void **state)
{
    struct km_files files = {0};
    const struct km_format format = {.kind = &km_format_csv, .label_size = -1, .feature_dim = 0};
    struct km_feed *feed;
    struct km_err err;

    (void)state;
    add_rows(&files, "good", 0, 50);
    assert_ok(km_files_add(&files, test_file("wide", "1,2,3\n", 6), &err), err);
    assert_int_equal(km_feed_open(&feed, &files, &format, &err), KM_E_INPUT);
    assert_null(feed);
    assert_contains(err.msg, "wide: line 1 at byte 0: 3 columns, expected 2 features as in the "
                             "first row of ");
    assert_contains(err.msg, "/good, and label_size=0; give every line the same columns");
    km_files_done(&files);
}

static void rows_before_a_bad_one_come_first_then_the_failure_again_and_again(void **state)
{
    static const char text[] = "0,0\n1,2\n2,4\n3,6\n4,8\nx,1\n6,12\n";

    (void)state;
    for (size_t block = 1; block <= 8; block++) {
        struct km_files files = {0};
        struct km_batch *b;
        struct km_feed *feed;
        struct km_err err;
        size_t row = 0;
        int rc;

        assert_ok(km_files_add(&files, test_file("bad", text, sizeof(text) - 1), &err), err);
        feed = open_feed(&files, 8, block);
        while ((rc = km_feed_next(feed, &b, &err)) == KM_MORE) {
            for (size_t i = 0; i < b->rows.dense.n; i++, row++)
                assert_true(km_mat_row(&b->rows.dense, i)[1] == 2 * (float)row);
            assert_false(b->ends_mini_batch);
        }
        assert_int_equal(row, 5);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(rc, KM_E_INPUT);
            assert_contains(err.msg, "bad: line 6, column 1 at byte 20: found \"x\"");
            rc = km_feed_next(feed, &b, &err);
        }
        assert_int_equal(km_feed_rewind(feed, &err), KM_E_BUG);
        km_feed_close(feed);
        km_files_done(&files);
    }
}

static void closing_early_is_clean(void **state)
{
    struct km_files files = {0};

    (void)state;
    add_rows(&files, "early", 0, 300);
    for (int blocks = 0; blocks < 8; blocks++) {
        struct km_feed *feed = open_feed(&files, 10, 5);
        struct km_batch *b;
        struct km_err err;

        for (int i = 0; i < blocks; i++)
            assert_int_equal(km_feed_next(feed, &b, &err), KM_MORE);
        assert_int_equal(km_feed_rewind(feed, &err), KM_E_BUG);
        km_feed_close(feed);
    }
    km_feed_close(NULL);
    km_files_done(&files);
}

/* Writes some rows, and keeps the FIFO open until told. */
struct fifo_writer {
    const char *path;
    int rows;
    int fd;
};

static void *write_fifo(void *arg)
{
    struct fifo_writer *w = arg;

    w->fd = open(w->path, O_WRONLY);
    assert_true(w->fd >= 0);
    for (int i = 0; i < w->rows; i++)
        dprintf(w->fd, "%d,%d\n", i, 2 * i);
    return NULL;
}

static void a_fifo_is_read_once_and_decides_the_width(void **state)
{
    struct fifo_writer w = {test_path("fifo1"), 50, -1};
    struct km_files files = {0};
    struct km_feed *feed;
    struct km_batch *b;
    struct km_err err;
    pthread_t thread;
    size_t rows;

    (void)state;
    assert_int_equal(mkfifo(w.path, 0600), 0);
    assert_ok(km_files_add(&files, w.path, &err), err);
    feed = open_feed(&files, 20, 6);
    assert_int_equal(km_feed_format(feed)->feature_dim, 0);
    assert_int_equal(pthread_create(&thread, NULL, write_fifo, &w), 0);
    assert_int_equal(km_feed_next(feed, &b, &err), KM_MORE);
    assert_int_equal(km_feed_format(feed)->feature_dim, 2);
    pthread_join(thread, NULL);
    close(w.fd);
    for (rows = b->rows.dense.n; km_feed_next(feed, &b, &err) == KM_MORE; rows += b->rows.dense.n)
        assert_true(km_mat_row(&b->rows.dense, 0)[1] == 2 * (float)rows);
    assert_int_equal(rows, 50);
    km_feed_close(feed);
    km_files_done(&files);
}

static void closing_does_not_wait_for_a_silent_fifo(void **state)
{
    struct fifo_writer w = {test_path("fifo2"), 8, -1};
    struct km_files files = {0};
    struct km_feed *feed;
    struct km_batch *b;
    struct km_err err;
    pthread_t thread;
    double start;

    (void)state;
    assert_int_equal(mkfifo(w.path, 0600), 0);
    assert_ok(km_files_add(&files, w.path, &err), err);
    feed = open_feed(&files, 4, 4);
    assert_int_equal(pthread_create(&thread, NULL, write_fifo, &w), 0);
    assert_int_equal(km_feed_next(feed, &b, &err), KM_MORE);
    assert_int_equal(km_feed_next(feed, &b, &err), KM_MORE);
    assert_true(km_mat_row(&b->rows.dense, 3)[0] == 7);
    usleep(50000); /* now the reader waits for row 9, which never comes */
    start = km_now();
    km_feed_close(feed);
    assert_true(km_now() - start < 5);
    pthread_join(thread, NULL);
    close(w.fd);
    km_files_done(&files);
}

static void a_random_order_of_work_gives_the_same_rows(void **state)
{
    struct km_files files = {0};
    struct km_rng g;

    (void)state;
    add_rows(&files, "random", 0, 300);
    km_rng_seed(&g, test_seed(), 3, 0);
    for (int run = 0; run < 20; run++) {
        struct km_feed *feed = open_feed(&files, 7, 3);
        struct km_batch *b;
        struct km_err err;
        size_t row = 0;

        while (km_feed_next(feed, &b, &err) == KM_MORE) {
            if (km_rng_below(&g, 8) == 0)
                usleep((useconds_t)km_rng_below(&g, 300));
            for (size_t i = 0; i < b->rows.dense.n; i++, row++)
                assert_true(km_mat_row(&b->rows.dense, i)[0] == (float)row);
        }
        assert_int_equal(row, 300);
        km_feed_close(feed);
    }
    km_files_done(&files);
}

static void each_failed_allocation_is_told_and_leaks_nothing(void **state)
{
    struct km_files files = {0};
    const struct km_format format = {.kind = &km_format_csv, .label_size = -1, .feature_dim = 0};
    struct km_err err;
    int rc = KM_E_MEM;
    size_t at;

    (void)state;
    add_rows(&files, "memory", 0, 50);
    for (at = 1; rc == KM_E_MEM; at++) {
        struct km_feed *feed;
        struct km_batch *b;

        km_alloc_fail_at(at);
        rc = km_feed_open(&feed, &files, &format, &err);
        if (rc == KM_OK) {
            cut_dense(feed, 10, 4);
            while ((rc = km_feed_next(feed, &b, &err)) == KM_MORE)
                ;
        }
        km_alloc_fail_at(0);
        km_feed_close(feed);
    }
    assert_ok(rc, err);
    assert_true(at > 8);
    km_files_done(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_run_across_files_whatever_the_sizes),
        cmocka_unit_test(the_origin_holds_from_the_second_block_and_in_later_passes),
        cmocka_unit_test(an_origin_set_before_the_first_block_holds_for_it),
        cmocka_unit_test(the_exponent_falls_where_a_row_needs_it),
        cmocka_unit_test(the_padding_stays_zero_with_an_origin),
        cmocka_unit_test(a_channel_without_rows_ends_at_once),
        cmocka_unit_test(a_bad_first_row_of_any_file_fails_at_once),
        cmocka_unit_test(rows_before_a_bad_one_come_first_then_the_failure_again_and_again),
        cmocka_unit_test(closing_early_is_clean),
        cmocka_unit_test(a_fifo_is_read_once_and_decides_the_width),
        cmocka_unit_test(closing_does_not_wait_for_a_silent_fifo),
        cmocka_unit_test(a_random_order_of_work_gives_the_same_rows),
        cmocka_unit_test(each_failed_allocation_is_told_and_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
