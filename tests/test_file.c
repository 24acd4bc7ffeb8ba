/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/file_help.h"

#include "base/mem.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

static void put_folder(const char *folder, const char *name)
{
    assert_int_equal(mkdir(at(folder, name), 0777), 0);
}

static void a_folder_is_listed_in_bytewise_order_of_the_whole_path(void **state)
{
    static const char *const expected[] = {"a.csv", "a/b", "a/c/d", "a0", "b"};
    char folder[256];
    struct km_files files = {0};
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    put_folder(folder, "a");
    put_folder(folder, "a/c");
    for (size_t i = 5; i-- > 0;)
        put_file(folder, expected[i], "12345");
    assert_ok(km_files_add(&files, at(folder, ""), &err), err);
    assert_int_equal(files.n, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(files.path[i], at(folder, expected[i]));
        assert_int_equal(files.bytes[i], 5);
    }
    assert_int_equal(files.total, 25);
    km_files_done(&files);
}

static void what_is_no_data_is_skipped_in_a_folder(void **state)
{
    char folder[256];
    struct km_files files = {0};
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    put_folder(folder, ".hidden");
    put_folder(folder, "_temporary");
    put_folder(folder, "empty");
    put_file(folder, ".hidden/a", "1");
    put_file(folder, "_temporary/a", "1");
    put_file(folder, ".part.crc", "1");
    put_file(folder, "_SUCCESS", "1");
    put_file(folder, "sub_$folder$", "1");
    put_file(folder, "model.7.sagemaker-ignore", "1");
    put_file(folder, "a.csv.sagemaker-uploading", "1");
    put_file(folder, "a.csv.sagemaker-uploaded", "1");
    put_file(folder, "zero", "");
    assert_int_equal(mkfifo(at(folder, "fifo"), 0600), 0);
    assert_ok(km_files_add(&files, folder, &err), err);
    assert_int_equal(files.n, 0);
    put_file(folder, "$folder$", "1");
    assert_ok(km_files_add(&files, folder, &err), err);
    assert_int_equal(files.n, 1);
    km_files_done(&files);
}

static void a_file_named_itself_is_always_taken(void **state)
{
    char folder[256];
    struct km_files files = {0};
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    put_file(folder, ".hidden", "1,2\n");
    put_file(folder, "_zero", "");
    assert_int_equal(mkfifo(at(folder, "fifo"), 0600), 0);
    assert_ok(km_files_add(&files, at(folder, "fifo"), &err), err);
    assert_ok(km_files_add(&files, at(folder, ".hidden"), &err), err);
    assert_ok(km_files_add(&files, at(folder, "_zero"), &err), err);
    assert_int_equal(files.n, 3);
    assert_string_equal(files.path[0], at(folder, "fifo"));
    assert_int_equal(files.bytes[0], 0);
    assert_int_equal(files.total, 4);
    km_files_done(&files);
}

static void more_files_than_one_growth_step_are_kept(void **state)
{
    char folder[256], name[16];
    struct km_files files = {0};
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "p%03d", (i * 37) % 100);
        put_file(folder, name, "1");
    }
    assert_ok(km_files_add(&files, folder, &err), err);
    assert_int_equal(files.n, 100);
    for (size_t i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "p%03zu", i);
        assert_string_equal(files.path[i], at(folder, name));
    }
    km_files_done(&files);
}

static void links_are_followed_and_loops_are_an_error(void **state)
{
    char folder[256];
    struct km_files files = {0};
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    put_folder(folder, "real");
    put_file(folder, "real/a", "1");
    assert_int_equal(symlink("real", at(folder, "link")), 0);
    assert_ok(km_files_add(&files, folder, &err), err);
    assert_int_equal(files.n, 2);
    km_files_done(&files);
    /* two links up would be 2^depth folders for who does not look */
    assert_int_equal(symlink("..", at(folder, "real/up")), 0);
    assert_int_equal(symlink("..", at(folder, "real/up2")), 0);
    assert_int_equal(km_files_add(&files, folder, &err), KM_E_INPUT);
    assert_contains(err.msg, "leads back to a folder that contains it");
    km_files_done(&files);
    assert_int_equal(symlink("self", at(folder, "self")), 0);
    assert_int_equal(km_files_add(&files, at(folder, "self"), &err), KM_E_INPUT);
    assert_contains(err.msg, "/self is a link to self, which leads back to it");
    km_files_done(&files);
}

static void a_folder_too_deep_is_an_error(void **state)
{
    char path[2048];
    struct km_files files = {0};
    struct km_err err;
    int n;

    (void)state;
    n = snprintf(path, sizeof(path), "%s", test_folder());
    for (int i = 0; i < 70; i++) {
        n += snprintf(path + n, sizeof(path) - (size_t)n, "/d");
        assert_int_equal(mkdir(path, 0777), 0);
    }
    path[n - 2 * 70] = 0;
    assert_int_equal(km_files_add(&files, path, &err), KM_E_INPUT);
    assert_contains(err.msg, "64 folders deep");
    km_files_done(&files);
}

static void a_missing_path_is_the_customers_error(void **state)
{
    struct km_files files = {0};
    struct km_err err;

    (void)state;
    assert_int_equal(km_files_add(&files, "/nowhere/at/all", &err), KM_E_INPUT);
    assert_string_equal(err.msg, "/nowhere/at/all: no such file or folder");
    km_files_done(&files);
}

static void a_link_that_leads_nowhere_is_the_customers_error(void **state)
{
    char folder[256], link[300], expected[700];
    struct km_files files = {0};
    struct km_stream *stream;
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    put_file(folder, "a", "1");
    assert_int_equal(symlink("/nowhere/b", at(folder, "b")), 0);
    snprintf(link, sizeof(link), "%s/b", folder);
    snprintf(expected, sizeof(expected),
             "%s is a link to /nowhere/b, which does not exist; remove it or restore the file",
             link);
    assert_int_equal(km_files_add(&files, folder, &err), KM_E_INPUT);
    assert_string_equal(err.msg, expected);
    assert_int_equal(km_files_add(&files, link, &err), KM_E_INPUT);
    assert_string_equal(err.msg, expected);
    assert_int_equal(km_stream_open(&stream, link, &err), KM_E_INPUT);
    assert_string_equal(err.msg, expected);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("a/x", link), 0); /* through a file */
    assert_int_equal(km_files_add(&files, folder, &err), KM_E_INPUT);
    assert_contains(err.msg, "/b is a link to a/x, which does not exist");
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("b", link), 0);
    assert_int_equal(km_files_add(&files, folder, &err), KM_E_INPUT);
    assert_contains(err.msg, "/b is a link to b, which leads back to it; remove it or restore");
    km_files_done(&files);
}

static void listing_survives_each_failed_allocation(void **state)
{
    char folder[256];
    struct km_err err;
    size_t n;
    int rc = KM_E_MEM;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    put_file(folder, "a", "1");
    put_file(folder, "b", "1");
    for (n = 1; rc == KM_E_MEM; n++) {
        struct km_files files = {0};

        km_alloc_fail_at(n);
        rc = km_files_add(&files, folder, &err);
        km_alloc_fail_at(0);
        km_files_done(&files);
    }
    assert_int_equal(rc, KM_OK);
    assert_true(n > 5);
}

static void standard_input_has_a_name(void **state)
{
    static char dash[] = "-", other[] = "./-", alias[] = "/dev/fd/0";
    char *one[] = {other, dash}, *two[] = {alias};
    char folder[256], c;
    struct km_err err;
    int times = 0, before;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    put_file(folder, "rows", "1,2\n");
    before = put_stdin(open(at(folder, "rows"), O_RDONLY));
    assert_ok(km_stdin_name(one, 2, &times, &err), err);
    assert_string_equal(one[0], "./-");
    assert_string_equal(one[1], KM_STDIN);
    assert_int_equal(km_stdin_name(two, 1, &times, &err), KM_E_INPUT);
    assert_contains(err.msg, "named more than once");
    times = 0;
    assert_int_equal(read(STDIN_FILENO, &c, 1), 1);
    assert_int_equal(km_stdin_name(two, 1, &times, &err), KM_E_INPUT);
    assert_contains(err.msg, "of which 1 bytes have been read already");
    times = 0;
    close(put_stdin(open(folder, O_RDONLY)));
    assert_int_equal(km_stdin_name(two, 1, &times, &err), KM_E_INPUT);
    assert_contains(err.msg, "standard input is a folder");
    times = 0;
    close(STDIN_FILENO);
    assert_int_equal(km_stdin_name(two, 1, &times, &err), KM_E_INPUT);
    assert_contains(err.msg, "standard input is closed");
    assert_int_equal(dup2(before, STDIN_FILENO), STDIN_FILENO);
    close(before);
}

/* What a look and, then, a reader get of a file: whether all begin at its first byte. */
static void assert_looks_and_takes(const struct km_files *files, size_t i, const char *bytes,
                                   size_t n)
{
    const unsigned char *p;
    struct km_stream *s;
    struct km_err err;
    size_t got;

    for (size_t look = n / 3; look <= n; look += n / 3) {
        assert_ok(km_files_look(files, i, &s, &err), err);
        for (size_t at = 0; at + 500 <= look; at += 500) {
            assert_ok(km_stream_peek(s, 500, &p, &got, &err), err);
            assert_memory_equal(p, bytes + at, 500);
            km_stream_skip(s, 500);
        }
        km_files_hold(files, i, s);
    }
    assert_ok(km_files_take(files, i, -1, &s, &err), err);
    assert_int_equal(km_stream_at(s), 0);
    assert_ok(km_stream_peek(s, n + 1, &p, &got, &err), err);
    assert_int_equal(got, n);
    assert_memory_equal(p, bytes, n);
    km_stream_close(s);
}

#define MUCH (3 << 20) /* more than a stream's first buffer */

static char much[MUCH];

static void *write_much(void *path)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0);
    for (size_t n = 0; n < MUCH;) {
        ssize_t done = write(fd, much + n, MUCH - n);

        assert_true(done > 0);
        n += (size_t)done;
    }
    close(fd);
    return NULL;
}

static void what_can_be_read_once_is_looked_at_as_a_file_is(void **state)
{
    char folder[256], path[300];
    struct km_files files = {0};
    struct km_err err;
    pthread_t writer;

    (void)state;
    for (size_t i = 0; i < MUCH; i++)
        much[i] = (char)(i * 7919 >> 8);
    snprintf(folder, sizeof(folder), "%s", test_folder());
    snprintf(path, sizeof(path), "%s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_ok(km_files_add(&files, path, &err), err);
    assert_false(km_files_regular(&files, 0));
    assert_int_equal(pthread_create(&writer, NULL, write_much, path), 0);
    assert_looks_and_takes(&files, 0, much, MUCH);
    pthread_join(writer, NULL);
    km_files_done(&files);
    files = (struct km_files){0};
    write_much((void *)(uintptr_t)at(folder, "file"));
    assert_ok(km_files_add(&files, at(folder, "file"), &err), err);
    assert_true(km_files_regular(&files, 0));
    assert_looks_and_takes(&files, 0, much, MUCH);
    km_files_done(&files);
}

static void many_files_are_looked_at_and_only_some_are_held(void **state)
{
    struct km_files files = {0};
    char folder[256], name[16];
    struct km_stream *s;
    struct km_err err;
    size_t held = 0;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "%d", i);
        put_file(folder, name, "1,2");
    }
    assert_ok(km_files_add(&files, folder, &err), err);
    for (size_t i = 0; i < files.n; i++) {
        assert_ok(km_files_look(&files, i, &s, &err), err);
        assert_null(files.held[i]);
        km_files_hold(&files, i, s);
        held += files.held[i] != NULL;
    }
    assert_true(held >= 2 && held <= 32);
    km_files_done(&files);
}

static void a_file_that_is_gone_is_told_by_who_opens_it(void **state)
{
    struct km_files files = {0};
    char folder[256], path[300];
    struct km_stream *s;
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    put_file(folder, "rows", "1,2\n");
    snprintf(path, sizeof(path), "%s/rows", folder);
    assert_ok(km_files_add(&files, path, &err), err);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(km_files_look(&files, 0, &s, &err), KM_E_SYS);
    assert_contains(err.msg, "cannot be opened");
    assert_int_equal(km_files_take(&files, 0, -1, &s, &err), KM_E_SYS);
    km_files_done(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_listed_in_bytewise_order_of_the_whole_path),
        cmocka_unit_test(what_is_no_data_is_skipped_in_a_folder),
        cmocka_unit_test(a_file_named_itself_is_always_taken),
        cmocka_unit_test(more_files_than_one_growth_step_are_kept),
        cmocka_unit_test(links_are_followed_and_loops_are_an_error),
        cmocka_unit_test(a_folder_too_deep_is_an_error),
        cmocka_unit_test(a_missing_path_is_the_customers_error),
        cmocka_unit_test(a_link_that_leads_nowhere_is_the_customers_error),
        cmocka_unit_test(listing_survives_each_failed_allocation),
        cmocka_unit_test(standard_input_has_a_name),
        cmocka_unit_test(what_can_be_read_once_is_looked_at_as_a_file_is),
        cmocka_unit_test(many_files_are_looked_at_and_only_some_are_held),
        cmocka_unit_test(a_file_that_is_gone_is_told_by_who_opens_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
