/* SPDX-License-Identifier: Apache-2.0 */
/* A child of the supervisor, and what it says. */
#include "tests/test.h"

#include "base/mem.h"
#include "dist/launch/child.h"
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs `sh -c script` to its end. */
static struct km_child run(const char *script)
{
    char text[2000], *argv[] = {"sh", "-c", text, NULL}, *path = km_child_find("sh");
    struct km_child c = {.name = "child", .out = -1};
    struct km_environment e = {0};
    struct km_err err;

    snprintf(text, sizeof(text), "%s", script);
    km_environment_inherit(&e);
    assert_non_null(path);
    assert_ok(km_child_start(&c, path, argv, &e, &err), err);
    while (c.out >= 0) {
        struct pollfd p = {c.out, POLLIN, 0};

        poll(&p, 1, 1000);
        km_child_read(&c);
    }
    assert_int_equal(waitpid(c.pid, &c.status, 0), c.pid);
    km_environment_done(&e);
    km_free(path);
    return c;
}

static void a_program_is_found_in_path_or_not(void **state)
{
    char *path = km_child_find("sh");

    (void)state;
    assert_non_null(path);
    assert_int_equal(access(path, X_OK), 0);
    km_free(path);
    assert_null(km_child_find("no-such-program-of-kmeans"));
}

static void the_first_words_and_the_sentence_on_a_dead_rank_are_kept(void **state)
{
    struct km_child c = run("echo; echo -----; echo first words; echo second 1>&2; echo -----;"
                            "echo 'mpirun noticed that process rank 2 with PID 5 on node n';"
                            "echo 'exited on signal 9 (Killed).'; echo -----;"
                            "echo 'process rank 1 is later'; printf unfinished; exit 3");

    (void)state;
    assert_string_equal(c.first, "first words");
    assert_string_equal(c.death, "mpirun noticed that process rank 2 with PID 5 on node n exited "
                                 "on signal 9 (Killed).");
    assert_string_equal(c.line, "unfinished");
    assert_true(WIFEXITED(c.status) && WEXITSTATUS(c.status) == 3);
}

static void a_line_without_end_is_cut(void **state)
{
    struct km_child c = run("i=0; while [ $i -lt 500 ]; do printf 0123456789; i=$((i + 1)); done");

    (void)state;
    assert_int_equal(strlen(c.first), sizeof(c.first) - 1);
    assert_true(strlen(c.line) < sizeof(c.line));
}

static void the_child_has_the_signals_and_the_input_of_nobody(void **state)
{
    struct km_child c;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    c = run("read x && echo input; kill -PIPE $$; echo alive");
    signal(SIGPIPE, SIG_DFL);
    assert_string_equal(c.first, "");
    assert_true(WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGPIPE);
}

static void a_status_is_told_in_words(void **state)
{
    char text[64];

    (void)state;
    assert_string_equal(km_child_text(text, 7 << 8), "status 7");
    assert_string_equal(km_child_text(text, SIGKILL), "killed by signal 9 (SIGKILL)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_is_found_in_path_or_not),
        cmocka_unit_test(the_first_words_and_the_sentence_on_a_dead_rank_are_kept),
        cmocka_unit_test(a_line_without_end_is_cut),
        cmocka_unit_test(the_child_has_the_signals_and_the_input_of_nobody),
        cmocka_unit_test(a_status_is_told_in_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
