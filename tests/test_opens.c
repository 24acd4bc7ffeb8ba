/* SPDX-License-Identifier: Apache-2.0 */
/* How often a job opens a file of its data: once for everything that is looked at first and the
 * pass, and once for each time that the data is read again. Linked with --wrap=open. */
#include "tests/io_help.h"

#include "io/record.h"
#include "train/verb.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES 3

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

static const char *watched[FILES];
static int opened[FILES];

int __wrap_open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list rest;

    va_start(rest, flags);
    if (flags & O_CREAT)
        mode = va_arg(rest, mode_t);
    va_end(rest);
    for (int i = 0; i < FILES; i++)
        opened[i] += watched[i] && strcmp(path, watched[i]) == 0;
    return __real_open(path, flags, mode);
}

/* Trains on the files in a process of its own, which says how often it opened each of them. */
static void train(const char *option, const char *value, int times[FILES])
{
    int ends[2], status;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        const char *words[] = {"train", "--k", "2", "--output", "/dev/null", option, value};
        char *argv[8 + FILES] = {NULL};

        for (int i = 0; i < 7 + FILES; i++) /* they are written to */
            argv[i] = strdup(i < 7 ? words[i] : watched[i - 7]);
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(9);
        status = km_train_main(7 + FILES, argv);
        _exit(write(ends[1], opened, sizeof(opened)) == sizeof(opened) ? status : 9);
    }
    close(ends[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(read(ends[0], times, sizeof(opened)), sizeof(opened));
    close(ends[0]);
}

static void write_csv(int i)
{
    char text[4000];
    size_t n = 0;

    for (int row = 0; row < 100; row++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%d,%d,%d.5\n", row % 7, row % 3, i);
    watched[i] = strdup(test_file((const char[]){(char)('a' + i), 0}, text, n));
}

/* Sparse records of ten features, one of which is not 0. */
static void write_sparse(int i)
{
    const char *path = test_path((const char[]){(char)('a' + i), 0});
    struct km_writer *w;
    struct km_err err;

    assert_ok(km_writer_open(&w, path, &err), err);
    for (unsigned char row = 0; row < 100; row++) {
        unsigned char record[] = "\x0a\x19\x0a\6values\x12\x0f\x12\x0d"
                                 "\x0a\4\0\0\x80\x3f\x12\1\0\x1a\2\x90\x4e";

        record[22] = row % 50;
        assert_ok(test_put_record(w, record, sizeof(record) - 1, &err), err);
    }
    assert_ok(km_writer_commit(w, &err), err);
    watched[i] = strdup(path);
}

static void forget(void)
{
    for (int i = 0; i < FILES; i++)
        free((char *)(uintptr_t)watched[i]);
    memset(watched, 0, sizeof(watched));
}

static void a_file_is_opened_once_and_once_more_to_be_read_again(void **state)
{
    int times[FILES];

    (void)state;
    for (int sparse = 0; sparse < 2; sparse++) {
        for (int i = 0; i < FILES; i++)
            sparse ? write_sparse(i) : write_csv(i);
        train("--epochs", "1", times);
        for (int i = 0; i < FILES; i++)
            assert_int_equal(times[i], 2); /* the pass, and data_msd */
        train("--epochs", "3", times);
        for (int i = 0; i < FILES; i++)
            assert_int_equal(times[i], 4);
        train("--feature_dim", sparse ? "10000" : "3", times);
        for (int i = 0; i < FILES; i++)
            assert_int_equal(times[i], 2);
        forget();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_opened_once_and_once_more_to_be_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
