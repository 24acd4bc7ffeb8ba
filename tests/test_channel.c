/* SPDX-License-Identifier: Apache-2.0 */
/* A channel becomes a feed: its width, its part of the rows, and what the log tells of it. */
#include "tests/log_help.h"
#include "tests/record_help.h"
#include "tests/team_help.h"

#include "train/channel.h"

/* A channel of one file; feed and header are its own. */
struct opened {
    struct km_channel channel;
    struct km_header header;
    struct km_feed *feed;
    size_t d;
    struct km_err err;
};

static int open_it(struct opened *o, const char *name, const char *path,
                   const struct km_format_kind *kind, const struct km_team *team,
                   const struct opened *train)
{
    const struct km_params params = {0};

    *o = (struct opened){.d = train ? train->d : 0};
    o->channel.name = name;
    o->channel.replicated = 1;
    o->channel.format = (struct km_format){.kind = kind, .label_size = -1, .header = &o->header};
    assert_ok(km_files_add(&o->channel.files, path, &o->err), o->err);
    return km_channel_open(&o->feed, &o->channel, team, train ? train->feed : NULL, &o->d, &params,
                           &o->err);
}

static int open_text(struct opened *o, const char *name, const char *text,
                     const struct km_team *team, const struct opened *train)
{
    return open_it(o, name, test_file(name, text, strlen(text)), &km_format_csv, team, train);
}

static void close_it(struct opened *o)
{
    km_feed_close(o->feed);
    km_files_done(&o->channel.files);
    km_header_done(&o->header);
}

static size_t rows_of_pass(struct opened *o)
{
    struct km_batch *b;
    size_t n = 0;
    int rc;

    cut_dense(o->feed, 10, 10);
    while ((rc = km_feed_next(o->feed, &b, &o->err)) == KM_MORE)
        n += km_rows_n(&b->rows);
    assert_ok(rc, o->err);
    return n;
}

static void the_first_row_decides_on_the_width(void **state)
{
    struct km_team team = alone();
    struct opened o;

    (void)state;
    assert_ok(open_text(&o, "train", "1,2,3\n4,5,6\n", &team, NULL), o.err);
    assert_int_equal(o.d, 3);
    assert_int_equal(rows_of_pass(&o), 2);
    close_it(&o);
    km_comm_close(team.comm);
}

static void labels_that_nobody_said_are_told(void **state)
{
    struct opened train, labelled;
    struct km_team team = alone();
    struct heard h;

    (void)state;
    hear(&h);
    assert_ok(open_text(&train, "train", "1,2,3\n", &team, NULL), train.err);
    assert_contains(heard(&h), "channel 'train': the content type has no label_size, and lines "
                               "have exactly feature_dim = 3 columns: no label is assumed");
    hear(&h);
    assert_ok(open_text(&labelled, "test", "9,1,2,3\n", &team, &train), labelled.err);
    assert_contains(heard(&h), "channel 'test': the content type has no label_size; the first of "
                               "4 columns is taken for the label");
    assert_int_equal(labelled.d, 3);
    close_it(&train);
    close_it(&labelled);
    km_comm_close(team.comm);
}

static void a_channel_without_a_row_is_refused_by_who_is_alone(void **state)
{
    struct km_team one = alone(), two = one_of_two(0);
    struct opened o;

    (void)state;
    assert_int_equal(open_text(&o, "train", "\n", &one, NULL), KM_E_INPUT);
    assert_contains(o.err.msg, "the train channel has 0 rows (1 file(s), the first is ");
    close_it(&o);
    assert_ok(open_text(&o, "train", "\n", &two, NULL), o.err); /* others may have some */
    assert_int_equal(o.d, 0);
    close_it(&o);
    km_comm_close(one.comm);
    km_comm_close(two.comm);
}

/* Of replicated files. */
static void each_host_takes_its_part(void **state)
{
    static const char text[] = "1,2\n3,4\n5,6\n7,8\n9,1\n";
    struct opened o;
    size_t n = 0;

    (void)state;
    for (int rank = 0; rank < 2; rank++) {
        struct km_team team = one_of_two(rank);

        assert_ok(open_text(&o, "train", text, &team, NULL), o.err);
        n += rows_of_pass(&o);
        assert_true(n >= 2);
        close_it(&o);
        km_comm_close(team.comm);
    }
    assert_int_equal(n, 5);
}

static void the_test_channel_has_the_columns_of_the_train_channel(void **state)
{
    struct km_team team = alone();
    struct opened train, test;

    (void)state;
    assert_ok(open_text(&train, "train", "a,b\n1,2\n3,4\n", &team, NULL), train.err);
    assert_ok(open_text(&test, "test", "a,b\n5,6\n7,8\n", &team, &train), test.err);
    close_it(&test);
    assert_ok(open_text(&test, "test", "5,6\n7,8\n", &team, &train), test.err); /* no names */
    close_it(&test);
    assert_int_equal(open_text(&test, "test", "b,a\n5,6\n7,8\n", &team, &train), KM_E_INPUT);
    assert_contains(test.err.msg, "the test channel has the columns b, a (");
    assert_contains(test.err.msg, "the train channel a, b (");
    close_it(&test);
    assert_int_equal(open_text(&test, "test", "1,2,3,4\n", &team, &train), KM_E_INPUT);
    assert_contains(test.err.msg, "the train channel");
    close_it(&test);
    close_it(&train);
    km_comm_close(team.comm);
}

static void a_header_is_told_once_for_each_channel(void **state)
{
    struct km_team team = alone();
    struct km_said said = {.header = {0}};
    struct opened train, test;
    struct heard h;

    (void)state;
    assert_ok(open_text(&train, "train", "a,b\n1,2\n3,4\n", &team, NULL), train.err);
    assert_ok(open_text(&test, "test", "a,b\n1,2\n3,4\n", &team, &train), test.err);
    hear(&h);
    km_channel_log(&said, &train.channel, train.feed);
    km_channel_log(&said, &train.channel, train.feed);
    km_channel_log(&said, &test.channel, test.feed);
    km_channel_log(&said, &test.channel, NULL); /* a request without it */
    heard(&h);
    assert_int_equal(times_in(h.text, "channel 'train': the first line of "), 1);
    assert_int_equal(times_in(h.text, "channel 'test': the first line of "), 1);
    assert_contains(h.text, "2 column(s) of features: a, b");
    close_it(&train);
    close_it(&test);
    km_comm_close(team.comm);
}

/* A record with features under another name beside "values". */
static const char *write_extra(const struct km_mat *x)
{
    struct message tensor = sparse_tensor(km_mat_row(x, 0), x->d);
    struct message r = record_of(&tensor, "values"), more = record_of(&tensor, "height");
    const char *path = test_path("extra.rec");
    struct km_writer *w;
    struct km_err err;

    memcpy(r.p + r.n, more.p, more.n);
    r.n += more.n;
    assert_ok(km_writer_open(&w, path, &err), err);
    assert_ok(test_put_record(w, r.p, r.n, &err), err);
    assert_ok(km_writer_commit(w, &err), err);
    return path;
}

static void features_that_are_not_clustered_are_told_once(void **state)
{
    struct km_mat x = rows_with(1, 5, 2);
    struct km_team team = alone();
    struct km_said said = {.header = {0}};
    struct opened o;
    struct heard h;

    (void)state;
    assert_ok(open_it(&o, "train", write_extra(&x), &km_format_recordio, &team, NULL), o.err);
    assert_int_equal(o.d, 5);
    assert_int_equal(rows_of_pass(&o), 1);
    hear(&h);
    km_channel_log(&said, &o.channel, o.feed);
    km_channel_log(&said, &o.channel, o.feed);
    heard(&h);
    assert_int_equal(times_in(h.text, "channel 'train': features[\"height\"]"), 1);
    assert_contains(h.text, "is ignored; only features[\"values\"] is clustered");
    close_it(&o);
    km_comm_close(team.comm);
    km_mat_done(&x);
}

static void what_can_be_read_only_once_is_found(void **state)
{
    struct km_files files = {0};
    char fifo[300];
    struct km_err err;

    (void)state;
    assert_null(km_channel_once(&files));
    assert_ok(km_files_add(&files, test_file("a", "1\n", 2), &err), err);
    assert_null(km_channel_once(&files));
    snprintf(fifo, sizeof(fifo), "%s", test_path("fifo"));
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_ok(km_files_add(&files, fifo, &err), err);
    assert_string_equal(km_channel_once(&files), fifo);
    km_files_done(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_row_decides_on_the_width),
        cmocka_unit_test(labels_that_nobody_said_are_told),
        cmocka_unit_test(a_channel_without_a_row_is_refused_by_who_is_alone),
        cmocka_unit_test(each_host_takes_its_part),
        cmocka_unit_test(the_test_channel_has_the_columns_of_the_train_channel),
        cmocka_unit_test(a_header_is_told_once_for_each_channel),
        cmocka_unit_test(features_that_are_not_clustered_are_told_once),
        cmocka_unit_test(what_can_be_read_only_once_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
