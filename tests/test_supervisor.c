/* SPDX-License-Identifier: Apache-2.0 */
/* A supervisor, and who calls it: a rank (seat.c), a launch agent (agent.c), strangers. */
#include "tests/launch_test.h"

#include "base/clock.h"
#include "base/stop.h"
#include "dist/launch/agent.h"
#include "dist/launch/seat.h"
#include "dist/launch/supervisor.h"
#include <sys/wait.h>
#include <unistd.h>

static char *args[] = {"train", "--root", "/some where", NULL};
static const struct km_launch plan = {.hosts = hosts, .n_hosts = 3, .args = args, .timeout = 900};
static struct km_supervisor s;

static int open_supervisor(void **state)
{
    struct km_err err;

    (void)state;
    assert_ok(km_supervisor_open(&s, &plan, "child", &err), err);
    return 0;
}

static int close_supervisor(void **state)
{
    (void)state;
    km_supervisor_close(&s);
    return access(s.folder, F_OK) ? 0 : -1;
}

/* Runs f as a process that the supervisor has started. */
static void start(int (*f)(void))
{
    pid_t pid = fork();

    if (pid == 0) {
        setenv("KM_SUPERVISOR", s.local, 1);
        _exit(f());
    }
    s.child.pid = pid;
}

/* Turns until *done, for some seconds at most. */
static void turn_until(const int *done)
{
    double until = km_now() + 20;

    while (!*done && km_now() < until)
        km_supervisor_turn(&s);
    assert_true(*done);
}

/* The rows that the rank tells of, when it does. */
static int rows_heard(void)
{
    double until = km_now() + 20;

    while (!km_supervisor_state(&s).pulse.rows && km_now() < until)
        km_supervisor_turn(&s);
    return (int)km_supervisor_state(&s).pulse.rows;
}

/* As a rank: takes its seat, works until it is asked to stop, and has a reason. Exit code 0: all
 * fine. */
static int be_rank(void)
{
    char *given[] = {"kmeans", NULL}, **argv = given;
    double until = km_now() + 20;
    struct km_err err = {0};
    int argc = 1;

    if (km_seat_take(&argc, &argv, &err) || !km_seat_taken())
        return 1;
    if (argc != 3 || strcmp(argv[1], "--root") != 0 || strcmp(argv[2], "/some where") != 0)
        return 2;
    km_pulse_rows(1234);
    while (!km_stop_asked() && km_now() < until)
        km_sleep(0.01);
    if (!km_stop_asked())
        return 3;
    km_fail(&err, KM_E_INPUT, "no rows");
    km_seat_end(&err);
    return 0;
}

static void a_rank_takes_its_seat_lives_stops_and_says_how_it_went(void **state)
{
    (void)state;
    start(be_rank);
    turn_until(&s.rank.state.joined);
    assert_int_equal(rows_heard(), 1234);
    assert_true(km_supervisor_state(&s).age < 20);
    km_supervisor_stop(&s);
    turn_until(&s.rank.ended);
    assert_int_equal(s.rank.end.code, KM_E_INPUT);
    assert_string_equal(s.rank.end.msg, "no rows");
    turn_until(&s.child.ended);
    assert_int_equal(s.child.status, 0);
    turn_until(&s.rank.state.gone);
}

/* As a rank that does nothing when its supervisor has gone. */
static int be_orphan(void)
{
    char *given[] = {"kmeans", NULL}, **argv = given;
    struct km_err err = {0};
    int argc = 1;

    if (km_seat_take(&argc, &argv, &err))
        return 1;
    km_pulse_rows(1);
    km_sleep(0.9);
    km_sleep(0.9);
    km_sleep(0.9);
    return 2;
}

static void a_rank_ends_with_its_supervisor(void **state)
{
    (void)state;
    start(be_orphan);
    assert_int_equal(rows_heard(), 1);
    km_link_close(&s.rank.link);
    turn_until(&s.child.ended);
    assert_int_equal(s.child.status, 3 << 8);
}

static int be_agent(void)
{
    char *argv[] = {"launch-agent", "algo-2", "prted", "--mca \"ess\"", "env", NULL};

    return km_agent_main(5, argv);
}

/* The place of an agent whose command waits; NULL: none. */
static struct km_caller *asking(void)
{
    for (size_t i = 0; i < s.n_callers; i++)
        if (s.caller[i].asked == 1)
            return &s.caller[i];
    return NULL;
}

static void an_agent_hands_its_command_over_and_lives_until_it_is_told_a_status(void **state)
{
    double until = km_now() + 20;
    struct km_caller *a = NULL;

    (void)state;
    start(be_agent);
    while (!(a = asking()) && km_now() < until)
        km_supervisor_turn(&s);
    assert_non_null(a);
    assert_string_equal(a->host, "algo-2");
    assert_string_equal(a->command, "prted --mca \"ess\" env");
    km_supervisor_turn(&s);
    assert_int_equal(s.child.ended, 0);
    km_put_number(&a->link, KM_MSG_STATUS, 7);
    turn_until(&s.child.ended);
    assert_int_equal(s.child.status, 7 << 8);
}

static void garbage_and_too_many_callers_are_sent_away(void **state)
{
    int fd[20], open = 0;
    char byte;

    (void)state;
    for (int i = 0; i < 20; i++) {
        fd[i] = km_net_local_connect(s.local);
        assert_true(fd[i] >= 0);
    }
    for (int i = 0; i < 3; i++)
        km_supervisor_turn(&s);
    for (int i = 0; i < 20; i++)
        open += recv(fd[i], &byte, 1, MSG_DONTWAIT) < 0;
    assert_int_equal(open, s.n_callers);
    for (int i = 0; i < 20; i++)
        if (recv(fd[i], &byte, 1, MSG_DONTWAIT) < 0)
            assert_int_equal(write(fd[i], "\0\0\0\0\7", 5), 5);
    for (int i = 0; i < 3; i++)
        km_supervisor_turn(&s);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(recv(fd[i], &byte, 1, MSG_DONTWAIT), 0);
        close(fd[i]);
    }
}

static void a_wait_is_told_now_and_then_and_ends_with_a_stop(void **state)
{
    char line[KM_WAIT_LINE];
    struct km_err verdict;
    double t = s.started;

    (void)state;
    assert_int_equal(km_supervisor_await(&s, "algo-2", t + 9, line, &verdict), 0);
    assert_string_equal(line, "");
    assert_int_equal(km_supervisor_await(&s, "algo-2", t + 10.1, line, &verdict), 0);
    assert_string_equal(line, "waiting for algo-2 (10 s of 900 s)");
    assert_int_equal(km_supervisor_await(&s, "algo-2", t + 10.2, line, &verdict), 0);
    assert_string_equal(line, "");
    raise(SIGTERM);
    turn_until(&s.stop);
    assert_int_equal(km_supervisor_await(&s, "algo-2", t + 11, line, &verdict), 1);
    assert_string_equal(verdict.msg, "algo-1: asked to stop while waiting for algo-2; no row was "
                                     "read, so there is no model");
}

static void what_is_due_comes_at_even_times(void **state)
{
    double next = 10;

    (void)state;
    assert_int_equal(km_due(&next, 9.9, 5), 0);
    assert_int_equal(km_due(&next, 10.5, 5), 1);
    assert_true(next == 15);
    assert_int_equal(km_due(&next, 100, 5), 1); /* what was missed is not made up for */
    assert_true(next == 105);
}

#define test_with_supervisor(f)                                                                    \
    cmocka_unit_test_setup_teardown(f, open_supervisor, close_supervisor)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_supervisor(a_rank_takes_its_seat_lives_stops_and_says_how_it_went),
        test_with_supervisor(a_rank_ends_with_its_supervisor),
        test_with_supervisor(an_agent_hands_its_command_over_and_lives_until_it_is_told_a_status),
        test_with_supervisor(garbage_and_too_many_callers_are_sent_away),
        test_with_supervisor(a_wait_is_told_now_and_then_and_ends_with_a_stop),
        cmocka_unit_test(what_is_due_comes_at_even_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
