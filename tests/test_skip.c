/* SPDX-License-Identifier: Apache-2.0 */
/* Bad rows and rows with missing values among good ones: the good ones come, however the rows are
 * cut and divided, the others are counted, and the first bad ones told. */
#include "tests/record_help.h"

#include <math.h>

#define GOOD 30

static int told; /* bad rows, and the line that says that there are more */
static char first[KM_ERR_MAX + 64], last[KM_ERR_MAX + 64];

static void hear(const char *text)
{
    snprintf(told++ ? last : first, sizeof(first), "%s", text);
}

/* Rows [i, 2 i], and others before, between and behind them. */
static const char *mixed(size_t *bad, size_t *lacking)
{
    char text[4096] = "x,1\n,1\n";
    size_t n = strlen(text);

    *bad = 1;
    *lacking = 1;
    for (int i = 1; i <= GOOD; i++) {
        if (i % 3 == 0)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%d\n", i);
        if (i % 4 == 0)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "-9999,%d\nNaN,\n", i);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%d,%d\n", i, 2 * i);
        *bad += i % 3 == 0;
        *lacking += i % 4 == 0 ? 2 : 0;
    }
    n += (size_t)snprintf(text + n, sizeof(text) - n, "1,-9999\n,x\n1,2,3\n,\n");
    *bad += 2;
    *lacking += 2;
    return test_file("mixed.csv", text, n);
}

static const struct km_skip lenient = {
    .most_bad = 100, .lacking = 1, .has_stand_in = 1, .stand_in = -9999, .warn = hear};

static struct km_feed *open_feed(const struct km_files *files, struct km_skip skip, size_t d)
{
    const struct km_format format = {.kind = &km_format_csv,
                                     .label_size = d ? 0 : -1,
                                     .feature_dim = d,
                                     .header_rule = KM_HEADER_ABSENT,
                                     .skip = skip};
    struct km_feed *feed;
    struct km_err err;

    told = 0;
    assert_ok(km_feed_open(&feed, files, &format, &err), err);
    assert_int_equal(told, 0); /* the first look tells nothing twice */
    return feed;
}

/* Takes a pass: the number of the good row that comes next. */
static int take_pass(struct km_feed *feed, int next, size_t mini_batch)
{
    struct km_batch *b;
    struct km_err err;
    size_t rows = 0;
    int rc, ended = 1;

    while ((rc = km_feed_next(feed, &b, &err)) == KM_MORE) {
        for (size_t i = 0; i < km_rows_n(&b->rows); i++, next++) {
            assert_true(km_mat_row(&b->rows.dense, i)[0] == (float)next);
            assert_true(km_mat_row(&b->rows.dense, i)[1] == 2 * (float)next);
        }
        rows += km_rows_n(&b->rows);
        ended = b->ends_mini_batch;
        assert_true(ended || rows % mini_batch > 0);
    }
    assert_ok(rc, err);
    assert_true(ended); /* the last block says so, although rows come behind it */
    return next;
}

static void the_good_rows_come_however_they_are_cut(void **state)
{
    size_t bad, lacking;
    const char *path = mixed(&bad, &lacking);
    struct km_files files = {0};
    struct km_err err;

    (void)state;
    assert_ok(km_files_add(&files, path, &err), err);
    for (size_t mini_batch = 1; mini_batch < GOOD + 3; mini_batch++) {
        struct km_feed *feed = open_feed(&files, lenient, mini_batch % 2 ? 2 : 0);

        cut_dense(feed, mini_batch, 4);
        for (int pass = 0; pass < 2; pass++) {
            assert_int_equal(take_pass(feed, 1, mini_batch), GOOD + 1);
            assert_int_equal(km_feed_skipped(feed).bad, bad);
            assert_int_equal(km_feed_skipped(feed).lacking, lacking);
            assert_int_equal(told, bad);
            assert_ok(km_feed_rewind(feed, &err), err);
        }
        assert_contains(first, "skipped (bad_records): ");
        assert_contains(first, "mixed.csv: line 1, column 1 at byte 0: found \"x\"");
        assert_contains(last, "line 59 at byte 308: 3 columns, but ");
        km_feed_close(feed);
    }
    km_files_done(&files);
}

static void parts_have_each_good_row_once(void **state)
{
    size_t bad, lacking;
    const char *path = mixed(&bad, &lacking);
    struct km_files files = {0};
    struct km_err err;

    (void)state;
    assert_ok(km_files_add(&files, path, &err), err);
    for (size_t parts = 1; parts < 40; parts++) {
        struct km_skipped all = {0};
        int next = 1;

        for (size_t part = 0; part < parts; part++) {
            struct km_feed *feed = open_feed(&files, lenient, 2);

            assert_ok(km_feed_divide(feed, part, parts, &err), err);
            cut_dense(feed, 7, 3);
            next = take_pass(feed, next, 7);
            all.bad += km_feed_skipped(feed).bad;
            all.lacking += km_feed_skipped(feed).lacking;
            km_feed_close(feed);
        }
        assert_int_equal(next, GOOD + 1);
        assert_int_equal(all.bad, bad);
        assert_int_equal(all.lacking, lacking);
    }
    km_files_done(&files);
}

/* As hosts divide a FIFO: also where the first row of all, which each looks at, is bad. */
static void turns_have_each_good_row_once(void **state)
{
    size_t bad, lacking, got;
    const char *path = mixed(&bad, &lacking);
    struct km_skipped all = {0};
    double sum = 0;

    (void)state;
    for (size_t turn = 0; turn < 3; turn++) {
        const struct km_range range = {.turn = turn, .turns = 3};
        struct km_format format = {.kind = &km_format_csv,
                                   .label_size = 0,
                                   .feature_dim = 2,
                                   .header_rule = KM_HEADER_ABSENT,
                                   .skip = lenient};
        struct km_stream *s;
        struct km_reader *r;
        struct km_mat x;
        struct km_err err;

        assert_ok(km_stream_open(&s, path, &err), err);
        assert_ok(km_reader_open(&r, s, &format, &range, &err), err);
        assert_ok(km_mat_init(&x, GOOD, 2, &err), err);
        assert_ok(test_read(r, &x, 0, &got, &err), err);
        for (size_t i = 0; i < got; i++)
            sum += (double)km_mat_row(&x, i)[0];
        all.bad += format.skip.n.bad;
        all.lacking += format.skip.n.lacking;
        km_mat_done(&x);
        km_reader_close(r);
    }
    assert_true(sum == GOOD * (GOOD + 1) / 2.0);
    assert_int_equal(all.bad, bad);
    assert_int_equal(all.lacking, lacking);
}

static void one_bad_row_more_than_allowed_is_the_error(void **state)
{
    size_t bad, lacking;
    const char *path = mixed(&bad, &lacking);
    struct km_files files = {0};
    struct km_batch *b;
    struct km_err err;
    int rc;

    (void)state;
    assert_ok(km_files_add(&files, path, &err), err);
    for (uint64_t most = 3; most <= bad; most++) {
        struct km_skip skip = lenient;
        struct km_feed *feed;

        skip.most_bad = most;
        feed = open_feed(&files, skip, 2);
        cut_dense(feed, 100, 100);
        while ((rc = km_feed_next(feed, &b, &err)) == KM_MORE)
            ;
        assert_int_equal(rc, most < bad ? KM_E_INPUT : KM_OK);
        assert_int_equal(told, most);
        if (rc) {
            char text[64];

            snprintf(text, sizeof(text), "behind %d bad records, all that", (int)most);
            assert_contains(err.msg, text);
            assert_contains(err.msg, "mixed.csv: line ");
        }
        km_feed_close(feed);
    }
    km_files_done(&files);
}

static void twenty_bad_rows_are_told(void **state)
{
    char text[400];
    size_t n = 0;
    struct km_files files = {0};
    struct km_feed *feed;
    struct km_err err;

    (void)state;
    for (int i = 0; i < 25; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "1,x\n");
    n += (size_t)snprintf(text + n, sizeof(text) - n, "1,2\n");
    assert_ok(km_files_add(&files, test_file("many.csv", text, n), &err), err);
    feed = open_feed(&files, lenient, 2);
    cut_dense(feed, 5, 5);
    assert_int_equal(take_pass(feed, 1, 5), 2);
    assert_int_equal(told, 21);
    assert_string_equal(last, "more bad records are skipped without a word, and counted");
    assert_int_equal(km_feed_skipped(feed).bad, 25);
    km_feed_close(feed);
    km_files_done(&files);
}

/* Dense and sparse records as rows of either kind; what breaks the frames is never passed over. */
static void records_are_passed_over_and_broken_frames_are_not(void **state)
{
    static const float rows[][4] = {
        {1, 0, 0, 2}, {1, NAN, 0, 0}, {0, 0, -9999, 0}, {3, 0, 0, 4}, {INFINITY, 0, 0, -9999}};
    struct km_mat x = random_rows(5, 4, 5);
    struct km_err err;
    size_t got;

    (void)state;
    for (size_t i = 0; i < 5; i++)
        memcpy(km_mat_row(&x, i), rows[i], sizeof(rows[i]));
    for (int sparse = 0; sparse < 4; sparse++) {
        const struct km_shape shape = {.d = 4, .sparse = sparse & 1};
        const struct km_room room = {8, 64};
        const char *path = write_records("some.rec", &x, sparse & 2 ? 5 : 0);
        FILE *f = fopen(path, "ab");
        struct km_format format = {.kind = &km_format_recordio, .feature_dim = 4, .skip = lenient};
        struct km_reader *r;
        struct km_rows into;

        assert_non_null(f);
        fwrite("\x0a\x23\xd7\xce\4\0\0\0\0\0\0\0no magic", 1, 20,
               f); /* a bad record, and garbage */
        assert_int_equal(fclose(f), 0);
        assert_ok(test_reader(&r, path, &format, &err), err);
        assert_ok(km_rows_init(&into, &shape, room, &err), err);
        into.dense.n = 0;
        assert_int_equal(km_reader_read(r, &into, room, &got, &err), KM_E_INPUT);
        assert_contains(err.msg, "record 7 at byte");
        assert_int_equal(km_rows_n(&into), 2);
        assert_int_equal(got, 2);
        assert_int_equal(format.skip.n.lacking, 3);
        assert_int_equal(format.skip.n.bad, 1);
        assert_true(sparse & 1 ? into.sparse.nnz == 4 && into.sparse.val[3] == 4
                               : km_mat_row(&into.dense, 1)[3] == 4);
        km_rows_done(&into);
        km_reader_close(r);
    }
    km_mat_done(&x);
}

static void a_zero_that_stands_for_missing_is_found_in_sparse_rows(void **state)
{
    struct km_format format = {.kind = &km_format_recordio, .feature_dim = 2, .skip = lenient};
    const struct km_shape shape = {.d = 2, .sparse = 1};
    const struct km_room room = {8, 64};
    struct km_mat x = random_rows(3, 2, 5);
    struct km_reader *r;
    struct km_rows into;
    struct km_err err;
    size_t got;

    (void)state;
    format.skip.stand_in = 0;
    km_mat_row(&x, 1)[1] = 0;
    assert_ok(test_reader(&r, write_records("zero.rec", &x, 3), &format, &err), err);
    assert_ok(km_rows_init(&into, &shape, room, &err), err);
    assert_ok(km_reader_read(r, &into, room, &got, &err), err);
    assert_int_equal(got, 2);
    assert_int_equal(into.sparse.nnz, 4);
    assert_true(into.sparse.val[3] == km_mat_row(&x, 2)[1]);
    assert_int_equal(format.skip.n.lacking, 1);
    km_rows_done(&into);
    km_reader_close(r);
    km_mat_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_good_rows_come_however_they_are_cut),
        cmocka_unit_test(parts_have_each_good_row_once),
        cmocka_unit_test(turns_have_each_good_row_once),
        cmocka_unit_test(one_bad_row_more_than_allowed_is_the_error),
        cmocka_unit_test(twenty_bad_rows_are_told),
        cmocka_unit_test(records_are_passed_over_and_broken_frames_are_not),
        cmocka_unit_test(a_zero_that_stands_for_missing_is_found_in_sparse_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
