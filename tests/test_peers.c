/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the channels of hosts go together, by what one of two sees of the other: a host without
 * rows, files, labels or a test channel. (Hosts that say more: run_hosts.) */
#include "tests/algo_test.h"
#include "tests/io_help.h"
#include "tests/team_help.h"

#include "train/peers.h"

/* A channel of CSV files of that text. */
struct meeting {
    struct km_channel channel;
    struct km_feed *feed;
    struct km_header header;
    struct km_err err;
};

static void open_meeting(struct meeting *m, const char *text)
{
    const struct km_format format = {
        .kind = &km_format_csv, .label_size = -1, .header = &m->header};

    *m = (struct meeting){.channel = {.name = "train", .format = format}};
    assert_ok(km_files_add(&m->channel.files, test_file("a.csv", text, strlen(text)), &m->err),
              m->err);
    assert_ok(km_feed_open(&m->feed, &m->channel.files, &m->channel.format, &m->err), m->err);
}

static void close_meeting(struct meeting *m)
{
    km_feed_close(m->feed);
    km_files_done(&m->channel.files);
    km_header_done(&m->header);
}

static int meet(struct meeting *m, const struct km_team *team, int has_test, int rc, size_t *d)
{
    return km_peers_meet(team, &m->channel, has_test, &m->feed, rc, d, &m->err);
}

static void alone_there_is_nobody_to_meet(void **state)
{
    struct km_team team = alone();
    struct meeting m;
    size_t d = 0;

    (void)state;
    open_meeting(&m, "1,2,3\n");
    assert_int_equal(meet(&m, &team, 1, KM_OK, &d), KM_OK);
    assert_int_equal(meet(&m, &team, 1, KM_E_SYS, &d), KM_E_SYS);
    assert_int_equal(d, 0);
    close_meeting(&m);
    km_comm_close(team.comm);
}

static void who_has_rows_decides_on_the_features(void **state)
{
    struct meeting m;

    (void)state;
    for (int rank = 0; rank < 2; rank++) {
        struct km_team team = one_of_two(rank);
        size_t d = 3;

        open_meeting(&m, "1,2,3\n");
        assert_ok(meet(&m, &team, 0, KM_OK, &d), m.err);
        assert_int_equal(d, 3);
        d = 0;
        assert_int_equal(meet(&m, &team, 0, KM_OK, &d), KM_E_INPUT);
        assert_contains(m.err.msg, "the train channel has 0 rows on all of the 2 hosts");
        close_meeting(&m);
        km_comm_close(team.comm);
    }
}

static void labels_are_the_same_everywhere(void **state)
{
    struct km_team team = one_of_two(0);
    struct meeting m;
    size_t d = 2;

    (void)state;
    open_meeting(&m, "1,2,3\n");
    km_feed_close(m.feed);
    m.channel.format.label_size = 1; /* the other one has none */
    assert_ok(km_feed_open(&m.feed, &m.channel.files, &m.channel.format, &m.err), m.err);
    assert_int_equal(meet(&m, &team, 0, KM_OK, &d), KM_E_INPUT);
    assert_contains(m.err.msg, "the lines of the train channel have 1 label column(s) on host "
                               "algo-1 and 0 on host");
    close_meeting(&m);
    km_comm_close(team.comm);
}

static void a_test_channel_is_everywhere_or_nowhere(void **state)
{
    struct km_team team = one_of_two(0);
    struct meeting m;
    size_t d = 3;

    (void)state;
    open_meeting(&m, "1,2,3\n");
    assert_int_equal(meet(&m, &team, 1, KM_OK, &d), KM_E_INPUT);
    assert_contains(m.err.msg, "host algo-1 has a test channel, host  has none");
    close_meeting(&m);
    km_comm_close(team.comm);
}

static void replicas_are_of_the_same_files(void **state)
{
    struct km_team team = one_of_two(0);
    struct meeting m;
    size_t d = 3;

    (void)state;
    open_meeting(&m, "1,2,3\n");
    assert_ok(meet(&m, &team, 0, KM_OK, &d), m.err); /* files of their own */
    m.channel.replicated = 1;
    assert_int_equal(meet(&m, &team, 0, KM_OK, &d), KM_E_INPUT);
    assert_contains(m.err.msg, "the train channel is FullyReplicated, but host algo-1 has 1 "
                               "file(s) of 6 bytes and host  0 of 0");
    close_meeting(&m);
    km_comm_close(team.comm);
}

static void our_failure_comes_first(void **state)
{
    struct km_team team = one_of_two(0);
    struct meeting m;
    size_t d = 0;

    (void)state;
    open_meeting(&m, "1,2,3\n");
    km_fail(&m.err, KM_E_SYS, "no disk");
    assert_int_equal(meet(&m, &team, 1, KM_E_SYS, &d), KM_E_SYS);
    assert_string_equal(m.err.msg, "no disk");
    km_alloc_fail_at(1);
    assert_int_equal(meet(&m, &team, 0, KM_OK, &d), KM_E_MEM);
    close_meeting(&m);
    km_comm_close(team.comm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone_there_is_nobody_to_meet),
        cmocka_unit_test(who_has_rows_decides_on_the_features),
        cmocka_unit_test(labels_are_the_same_everywhere),
        cmocka_unit_test(a_test_channel_is_everywhere_or_nowhere),
        cmocka_unit_test(replicas_are_of_the_same_files),
        cmocka_unit_test(our_failure_comes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
