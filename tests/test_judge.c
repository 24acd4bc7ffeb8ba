/* SPDX-License-Identifier: Apache-2.0 */
/* What the leader concludes from what it sees of the hosts; a clock of the test's own. */
#include "tests/launch_test.h"

#include <signal.h>

#define EXIT(code) ((code) << 8) /* statuses as of waitpid */

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

static void at_most_ten_missing_hosts_are_named(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g",
                                        "h", "i", "j", "k", "l", "m"};
    struct km_launch plan = {.hosts = names, .n_hosts = 13};
    struct km_host host[13] = {0};
    struct km_case c = {.plan = &plan, .host = host};
    char text[200], little[40];

    (void)state;
    for (int i = 0; i < 13; i++)
        host[i] = (struct km_host){.name = names[i], .met = i != 1 && i != 3};
    assert_int_equal(km_case_missing(&c, NULL, text, sizeof(text)), 2);
    assert_string_equal(text, "b, d");
    assert_int_equal(km_case_missing(&c, &host[1], text, sizeof(text)), 1);
    assert_string_equal(text, "d");
    assert_int_equal(km_case_missing(&c, &host[3], text, sizeof(text)), 1);
    for (int i = 0; i < 13; i++)
        host[i].met = 0;
    assert_int_equal(km_case_missing(&c, NULL, text, sizeof(text)), 13);
    assert_string_equal(text, "a, b, c, d, e, f, g, h, i, j and 3 more");
    km_case_missing(&c, NULL, little, sizeof(little));
    assert_contains(little, " more");
    for (int i = 0; i < 13; i++)
        host[i].met = 1;
    assert_int_equal(km_case_missing(&c, NULL, text, sizeof(text)), 0);
    assert_string_equal(text, "");
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
        cmocka_unit_test(at_most_ten_missing_hosts_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
