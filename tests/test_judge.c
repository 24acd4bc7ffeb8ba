/* SPDX-License-Identifier: Apache-2.0 */
/* What the leader concludes from what it sees of the hosts; a clock of the test's own. */
#include "tests/test.h"

#include "dist/launch/judge.h"
#include <signal.h>

#define STALL      60.0
#define EXIT(code) ((code) << 8) /* statuses as of waitpid */

/* Three hosts that have met and whose ranks run, at second 100. */
struct scene {
    struct km_launch plan;
    struct km_host host[3];
    struct km_case c;
    struct km_err verdict;
};

static const char *const names[] = {"algo-1", "algo-2", "algo-3"};

static struct scene *begin(struct scene *s)
{
    memset(s, 0, sizeof(*s));
    s->plan = (struct km_launch){.hosts = names, .n_hosts = 3, .stall = STALL};
    s->c = (struct km_case){
        .plan = &s->plan, .host = s->host, .launched = 90, .words = "", .death = ""};
    for (int i = 0; i < 3; i++)
        s->host[i] =
            (struct km_host){.name = names[i], .met = 1, .heard = 100, .rank = {.joined = 1}};
    return s;
}

static void assert_goes_on(struct scene *s, double now)
{
    if (km_judge(&s->c, now, &s->verdict))
        fail_msg("at %g: %s", now, s->verdict.msg);
}

static void assert_ends(struct scene *s, double now, int code, const char *text)
{
    for (int i = 0; i < 3; i++)
        if (s->host[i].heard >= 100)
            s->host[i].heard = now;
    if (!km_judge(&s->c, now, &s->verdict))
        fail_msg("goes on at %g, expected: %s", now, text);
    assert_int_equal(s->verdict.code, code);
    assert_contains(s->verdict.msg, text);
}

static void end_rank(struct scene *s, int i, double at, int code, const char *text)
{
    s->host[i].ended_at = at;
    s->host[i].end.code = KM_OK;
    if (code)
        km_fail(&s->host[i].end, code, "%s", text);
}

static void a_job_goes_well_when_all_ranks_and_mpirun_say_so(void **state)
{
    struct scene s;

    (void)state;
    begin(&s);
    assert_goes_on(&s, 100);
    for (int i = 0; i < 3; i++) {
        assert_goes_on(&s, 100);
        end_rank(&s, i, 100, KM_OK, "");
    }
    assert_goes_on(&s, 101);
    s.host[0].daemon_at = 101;
    assert_ends(&s, 101, KM_OK, "");
    s.host[0].daemon_at = 0; /* an mpirun that stays is not waited for */
    assert_ends(&s, 106, KM_OK, "");
}

static void a_rank_that_says_why_is_believed_at_once(void **state)
{
    struct scene s;

    (void)state;
    begin(&s);
    end_rank(&s, 2, 100, KM_E_INPUT, "algo-3: file rows: record 7 is bad");
    s.host[1].gone_at = 99;
    assert_ends(&s, 100, KM_E_INPUT, "algo-3: file rows: record 7 is bad");
}

static void a_lost_or_silent_supervisor_is_named(void **state)
{
    struct scene s;

    (void)state;
    begin(&s)->host[1].lost_at = 100;
    assert_ends(&s, 100, KM_E_SYS, "algo-2: the supervisor ended");
    begin(&s)->host[2].heard = 99;
    assert_goes_on(&s, 113.9);
    assert_ends(&s, 114.1, KM_E_SYS,
                "algo-3: not heard from for 15 s; the host or its network is gone");
}

static void a_killed_rank_is_named_with_the_signal_that_mpirun_tells(void **state)
{
    struct scene s;

    (void)state;
    begin(&s);
    s.host[1].gone_at = 100;
    s.host[0].gone_at = s.host[2].gone_at = 100.2; /* MPI ends the others */
    end_rank(&s, 2, 100.1, KM_E_PEER, "algo-3: an exchange failed");
    assert_goes_on(&s, 100.9);
    s.host[0].daemon_at = 100.5;
    s.host[0].daemon_status = EXIT(128 + SIGKILL);
    assert_ends(&s, 101.1, KM_E_SYS,
                "algo-2: its training process was killed by signal 9 (SIGKILL: memory?)");
    s.host[0].daemon_status = EXIT(128 + SIGSEGV);
    assert_ends(&s, 101.1, KM_E_BUG,
                "algo-2: its training process was killed by signal 11 (SIGSEGV)");
    s.host[0].daemon_status = EXIT(1);
    s.c.words = "help";
    assert_ends(&s, 101.1, KM_E_SYS,
                "algo-2: its training process ended without a word, as if killed (memory?)");
    s.host[0].daemon_at = 0; /* mpirun does not end: it is waited for, but not for ever */
    s.host[2].heard = s.host[1].heard = 106;
    assert_goes_on(&s, 105.9);
    assert_ends(&s, 106.1, KM_E_SYS, "algo-2: its training process ended without a word");
}

static void who_died_first_is_for_mpirun_to_say(void **state)
{
    struct scene s;

    (void)state;
    begin(&s);
    s.host[0].gone_at = 100; /* killed by mpirun, and seen before word came from algo-2 */
    s.host[1].gone_at = 100.01;
    s.host[0].daemon_at = 100.4;
    s.host[0].daemon_status = EXIT(128 + SIGKILL);
    s.c.death = "mpirun noticed that process rank 1 with PID 19 on node algo-2 exited on signal 9 "
                "(Killed).";
    assert_ends(&s, 101.1, KM_E_SYS,
                "algo-2: its training process was killed by signal 9 (SIGKILL: memory?)");
    s.host[0].daemon_status = EXIT(1); /* the exit code alone does not always tell the signal */
    s.c.death = "prterun noticed that process rank 2 with PID 0 on node algo-3 exited on signal 11 "
                "(Segmentation fault).";
    assert_ends(&s, 101.1, KM_E_BUG,
                "algo-3: its training process was killed by signal 11 (SIGSEGV)");
    s.c.death = "prterun has exited due to process rank 0 with PID 36 on node algo-1 calling "
                "\"abort\". This may have caused other processes to be terminated by signals.";
    assert_ends(&s, 101.1, KM_E_SYS, "algo-2: its training process ended without a word");
    s.host[1].gone_at = 0; /* nobody else is gone */
    assert_ends(&s, 101.1, KM_E_SYS, "algo-1: its training process ended without a word");
    s.c.death = "mpirun noticed that process rank 7 with PID 0 on node x exited on signal 11";
    assert_ends(&s, 101.1, KM_E_SYS, "algo-1: its training process ended without a word");
}

static void a_killed_daemon_counts_more_than_what_follows_from_it(void **state)
{
    struct scene s;

    (void)state;
    begin(&s);
    s.host[1].gone_at = 100; /* the rank dies with its daemon, and may be seen first */
    s.host[1].daemon_at = 100.01;
    s.host[1].daemon_status = SIGKILL;
    s.host[0].daemon_at = 100.4;
    s.host[0].daemon_status = EXIT(1);
    s.host[2].daemon_at = 100.3;
    s.host[2].daemon_status = EXIT(1);
    assert_ends(&s, 101.5, KM_E_SYS, "algo-2: the MPI daemon ended (killed by signal 9 (SIGKILL))");
    s.host[1].daemon_at = 0;
    s.host[0].daemon_status = SIGKILL;
    assert_ends(&s, 101.5, KM_E_SYS, "algo-1: mpirun ended (killed by signal 9 (SIGKILL))");
}

static void a_daemon_that_never_came_up_is_named(void **state)
{
    struct scene s;

    (void)state;
    begin(&s);
    for (int i = 0; i < 3; i++)
        s.host[i].rank.joined = 0;
    s.host[2].daemon_at = 100;
    s.host[2].daemon_status = EXIT(127);
    s.host[0].daemon_at = 100.5;
    s.host[0].daemon_status = EXIT(1);
    assert_ends(&s, 101.5, KM_E_SYS, "algo-3: the MPI daemon ended (status 127)");
    s.host[2].daemon_at = 0;
    s.c.words = "no room";
    assert_ends(&s, 101.6, KM_E_SYS, "algo-1: mpirun ended (status 1): no room");
}

static void a_rank_that_does_not_start_or_stop_is_named(void **state)
{
    struct scene s;

    (void)state;
    begin(&s)->host[1].rank.joined = 0;
    assert_ends(&s, 90 + 121, KM_E_SYS, "algo-2: its training process did not start within 120 s");
    begin(&s)->c.stopped = 100;
    s.host[0].rank.pulse.waiting = s.host[2].rank.pulse.waiting = 1;
    assert_ends(&s, 191, KM_E_SYS, "algo-2: did not stop within 90 s");
}

/* Every rank reports at each second from `from` to `to`; those that work do some. The second at which
 * somebody is given up; 0: nobody. */
static double watch(struct scene *s, int from, int to, const int works[3], const int waits[3])
{
    for (int now = from; now <= to; now++) {
        for (int i = 0; i < 3; i++) {
            s->host[i].heard = now;
            s->host[i].rank.pulse.waiting = waits[i];
            s->host[i].rank.pulse.work += (uint64_t)works[i];
        }
        if (km_judge_stall(&s->c, now, &s->verdict))
            return now;
    }
    return 0;
}

static void a_rank_without_progress_is_named_unless_it_waits(void **state)
{
    static const int none[3] = {0}, all[3] = {1, 1, 1}, only_2[3] = {0, 1, 0}, not_2[3] = {1, 0, 1};
    struct scene s;

    (void)state;
    begin(&s);
    assert_true(watch(&s, 100, 300, all, none) == 0);
    assert_true(watch(&s, 301, 900, only_2, not_2) == 0);
    assert_true(watch(&s, 901, 1000, none, not_2) == 960);
    assert_string_equal(s.verdict.msg, "algo-2: no progress for 60 s while computing");
    begin(&s)->host[1].rank.pulse.reading = 1;
    s.host[1].rank.halted = 1;
    assert_true(watch(&s, 100, 200, not_2, none) == 160);
    assert_string_equal(s.verdict.msg,
                        "algo-2: no progress for 60 s while reading (its process is stopped)");
}

static void a_rank_that_stops_while_it_waits_is_named(void **state)
{
    static const int none[3] = {0}, all[3] = {1, 1, 1};
    struct scene s;

    (void)state;
    begin(&s);
    assert_true(watch(&s, 100, 110, all, none) == 0);
    for (int now = 111; now < 180; now++) {
        s.host[1].rank.age = now - 110; /* its supervisor is there, but it is not heard itself */
        if (watch(&s, now, now, none, all) > 0) {
            assert_true(now == 170);
            assert_contains(s.verdict.msg, "algo-2: no progress for 60 s");
            return;
        }
    }
    fail_msg("nobody was named");
}

static void ranks_that_wait_for_each_other_for_ever_are_found(void **state)
{
    static const int none[3] = {0}, all[3] = {1, 1, 1};
    struct scene s;

    (void)state;
    begin(&s);
    assert_true(watch(&s, 100, 200, none, all) == 163);
    assert_contains(s.verdict.msg, "no progress for 60 s on any host");
    begin(&s)->host[0].rank.joined =
        0; /* ranks that are not there yet, or not any more, do not count */
    s.host[1].rank.gone = 1;
    s.host[2].ended_at = 99;
    assert_true(watch(&s, 100, 400, none, none) == 0);
}

/* Seconds of work: each host does `rows` a second while it works, and waits for the rest of it. */
static int warned(struct scene *s, double from, double to, const double rows[3],
                  const double busy[3], char *text, size_t size)
{
    int n = 0;

    for (double now = from; now < to; now++) {
        for (int i = 0; i < 3; i++) {
            s->host[i].rank.pulse.rows += (uint64_t)(rows[i] * busy[i]);
            s->host[i].rank.pulse.waited += 1 - busy[i];
        }
        n += km_judge_slow(&s->c, now, text, size);
    }
    return n;
}

static void a_slow_host_is_named_once_a_minute(void **state)
{
    /* all do 1,000 rows a second, since they wait for each other */
    static const double slow[3] = {10000, 1000, 10000}, busy[3] = {0.1, 1, 0.1};
    static const double same[3] = {10000, 10000, 10000}, little[3] = {0.9, 0.95, 1};
    struct scene s;
    char text[200] = "";

    (void)state;
    begin(&s);
    assert_int_equal(warned(&s, 100, 400, slow, busy, text, sizeof(text)), 5);
    assert_contains(text, "host algo-2 is slow: 1000 rows/s, the median host ");
    begin(&s);
    assert_int_equal(warned(&s, 100, 400, same, little, text, sizeof(text)), 0);
    begin(&s); /* slow, but nobody waits for it: all wait for the network */
    assert_int_equal(warned(&s, 100, 400, slow, (double[3]){0.01, 0.1, 0.01}, text, sizeof(text)),
                     0);
}

static void a_host_without_rows_is_not_slow(void **state)
{
    static const double rows[3] = {10000, 0, 10000}, busy[3] = {1, 0.01, 1};
    struct scene s;
    char text[200];

    (void)state;
    begin(&s);
    assert_int_equal(warned(&s, 100, 400, rows, busy, text, sizeof(text)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_goes_well_when_all_ranks_and_mpirun_say_so),
        cmocka_unit_test(a_rank_that_says_why_is_believed_at_once),
        cmocka_unit_test(a_lost_or_silent_supervisor_is_named),
        cmocka_unit_test(a_killed_rank_is_named_with_the_signal_that_mpirun_tells),
        cmocka_unit_test(who_died_first_is_for_mpirun_to_say),
        cmocka_unit_test(a_killed_daemon_counts_more_than_what_follows_from_it),
        cmocka_unit_test(a_daemon_that_never_came_up_is_named),
        cmocka_unit_test(a_rank_that_does_not_start_or_stop_is_named),
        cmocka_unit_test(a_rank_without_progress_is_named_unless_it_waits),
        cmocka_unit_test(a_rank_that_stops_while_it_waits_is_named),
        cmocka_unit_test(ranks_that_wait_for_each_other_for_ever_are_found),
        cmocka_unit_test(a_slow_host_is_named_once_a_minute),
        cmocka_unit_test(a_host_without_rows_is_not_slow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
