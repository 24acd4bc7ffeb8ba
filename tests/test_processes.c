/* SPDX-License-Identifier: Apache-2.0 */
/* Other processes of this host: how they are, and the end of all that descend from this one. */
#include "tests/test.h"

#include "base/clock.h"
#include "dist/launch/processes.h"
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void sleep_for_ever(void)
{
    for (;;)
        pause();
}

static void the_state_of_a_process_is_seen(void **state)
{
    double until = km_now() + 5;
    pid_t pid = fork();
    char seen;

    (void)state;
    if (pid == 0)
        sleep_for_ever();
    assert_int_equal(km_process_look(pid, &seen), getpid());
    assert_int_not_equal(seen, 'T');
    kill(pid, SIGSTOP);
    while (km_process_look(pid, &seen) && seen != 'T' && km_now() < until)
        km_sleep(0.001);
    assert_int_equal(seen, 'T');
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(km_process_look(pid, &seen), 0);
}

/* A child whose own child, and the child of that, ignore SIGTERM; all write a byte first. */
static void start_family(int out)
{
    for (int i = 0; i < 2; i++)
        if (fork())
            break;
    setsid();
    signal(SIGTERM, SIG_IGN);
    if (write(out, "x", 1) == 1)
        sleep_for_ever();
    _exit(1);
}

static void all_descendants_end(void **state)
{
    double start;
    int out[2];
    char byte;

    (void)state;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    assert_int_equal(pipe(out), 0);
    if (fork() == 0)
        start_family(out[1]);
    close(out[1]);
    for (int i = 0; i < 3; i++)
        assert_int_equal(read(out[0], &byte, 1), 1);
    start = km_now();
    km_processes_end(10);
    assert_true(km_now() < start + 9);
    assert_int_equal(read(out[0], &byte, 1), 0); /* nobody has the other end */
    assert_int_equal(waitpid(-1, NULL, 0), -1);
    assert_int_equal(errno, ECHILD);
    close(out[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_state_of_a_process_is_seen),
        cmocka_unit_test(all_descendants_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
