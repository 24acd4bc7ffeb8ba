/* SPDX-License-Identifier: Apache-2.0 */
/* The signals of a supervisor, each in a process of its own. */
#include "tests/test.h"

#include "base/stop.h"
#include "dist/launch/signals.h"
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exit codes of a child: what it has found. */
enum { GOOD = 0, NOT_CAUGHT, ASKED_TOO_EARLY, NOT_AWAKE, NOT_ASKED, SURVIVED };

static int is_readable(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};

    return poll(&p, 1, 1000) > 0;
}

static int first_signal(void)
{
    int fd = km_signals_open();

    if (fd < 0)
        return NOT_CAUGHT;
    if (km_signals_take(fd))
        return ASKED_TOO_EARLY;
    raise(SIGCHLD);
    if (!is_readable(fd))
        return NOT_AWAKE;
    if (km_signals_take(fd))
        return ASKED_TOO_EARLY;
    raise(SIGTERM);
    if (!is_readable(fd))
        return NOT_AWAKE;
    return km_signals_take(fd) ? GOOD : NOT_ASKED;
}

static int signal_before(void)
{
    km_stop_ask();
    return km_signals_take(km_signals_open()) ? GOOD : NOT_ASKED;
}

/* A second one takes child and rank along; this process ends with 128 and its number. */
static int second_signal(void)
{
    pid_t pid;

    if (km_signals_open() < 0)
        return NOT_CAUGHT;
    for (int i = 0; i < 2; i++) {
        pid = fork();
        if (pid == 0) {
            signal(SIGINT, SIG_IGN);
            for (;;)
                pause();
        }
        (i ? km_signals_rank : km_signals_child)(pid);
    }
    raise(SIGTERM);
    raise(SIGINT);
    return SURVIVED;
}

/* The exit code of a function in a process of its own. */
static int code_of(int (*f)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(f());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_first_signal_asks_and_wakes(void **state)
{
    (void)state;
    assert_int_equal(code_of(first_signal), GOOD);
    assert_int_equal(code_of(signal_before), GOOD);
}

static void a_second_signal_ends_all(void **state)
{
    int out[2];
    char byte;

    (void)state;
    assert_int_equal(pipe(out), 0); /* inherited: it is at its end when all are gone */
    assert_int_equal(code_of(second_signal), 128 + SIGINT);
    close(out[1]);
    assert_int_equal(read(out[0], &byte, 1), 0);
    close(out[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_signal_asks_and_wakes),
        cmocka_unit_test(a_second_signal_ends_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
