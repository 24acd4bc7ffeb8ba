/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/file_help.h"

#include "base/mem.h"
#include "io/writer.h"

#include <signal.h>
#include <sys/resource.h>

static void write_text(const char *path, const char *text)
{
    struct km_writer *w;
    struct km_err err;

    assert_ok(km_writer_open(&w, path, &err), err);
    assert_ok(km_writer_put(w, text, strlen(text), &err), err);
    assert_ok(km_writer_commit(w, &err), err);
}

static void a_file_appears_whole_and_replaces_the_old_one(void **state)
{
    char folder[256], path[300];
    struct km_writer *w;
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    snprintf(path, sizeof(path), "%s/model", folder);
    write_text(path, "old");
    assert_ok(km_writer_open(&w, path, &err), err);
    assert_ok(km_writer_put(w, "new", 3, &err), err);
    assert_text(path, "old");
    assert_int_equal(count_names(folder), 2);
    assert_ok(km_writer_commit(w, &err), err);
    assert_text(path, "new");
    assert_int_equal(count_names(folder), 1);
}

static void an_aborted_file_leaves_nothing_behind(void **state)
{
    char folder[256], path[300];
    struct km_writer *w;
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    snprintf(path, sizeof(path), "%s/model", folder);
    assert_ok(km_writer_open(&w, path, &err), err);
    assert_ok(km_writer_put(w, "new", 3, &err), err);
    km_writer_abort(w);
    assert_int_equal(count_names(folder), 0);
    km_writer_abort(NULL);
}

static void a_leftover_of_a_killed_run_does_not_stop_the_next(void **state)
{
    char folder[256], path[300], left[400];

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    snprintf(path, sizeof(path), "%s/model", folder);
    snprintf(left, sizeof(left), "model.%ld.sagemaker-ignore", (long)getpid());
    put_file(folder, left, "half a mod");
    write_text(path, "new");
    assert_text(path, "new");
    assert_int_equal(count_names(folder), 1);
}

static void a_link_keeps_leading_to_the_file_that_is_written(void **state)
{
    char folder[256], path[300];
    struct stat st;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    put_file(folder, "target", "old");
    snprintf(path, sizeof(path), "%s/link", folder);
    assert_int_equal(symlink("target", path), 0);
    write_text(path, "new");
    assert_text(at(folder, "target"), "new");
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
}

static void much_data_passes_through_the_buffer(void **state)
{
    char folder[256], path[300];
    struct km_writer *w;
    struct km_err err;
    struct stat st;
    size_t total = 0;
    char *big = km_alloc(1000000, 1);

    (void)state;
    assert_non_null(big);
    snprintf(folder, sizeof(folder), "%s", test_folder());
    snprintf(path, sizeof(path), "%s/big", folder);
    assert_ok(km_writer_open(&w, path, &err), err);
    for (size_t n = 1; n < 1000000; n = n * 3 + 1) {
        assert_ok(km_writer_put(w, big, n, &err), err);
        total += n;
    }
    assert_ok(km_writer_commit(w, &err), err);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, total);
    km_free(big);
}

static void a_device_is_written_to_directly(void **state)
{
    struct km_writer *w;
    struct km_err err;
    struct stat st;

    (void)state;
    write_text("/dev/null", "x");
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
    assert_ok(km_writer_open(&w, "/dev/full", &err), err);
    assert_ok(km_writer_put(w, "x", 1, &err), err);
    assert_int_equal(km_writer_commit(w, &err), KM_E_SYS);
    assert_string_equal(err.msg, "/dev/full: cannot be written: No space left on device");
}

static void a_missing_folder_and_a_folder_are_no_target(void **state)
{
    struct km_writer *w;
    struct km_err err;

    (void)state;
    assert_int_equal(km_writer_open(&w, "/nowhere/model", &err), KM_E_SYS);
    assert_null(w);
    assert_string_equal(err.msg, "/nowhere/model: cannot be created: No such file or directory");
    assert_int_equal(km_writer_open(&w, "/tmp", &err), KM_E_INPUT);
    assert_contains(err.msg, "is a folder");
    assert_int_equal(km_writer_open(&w, "", &err), KM_E_INPUT);
}

static void a_folder_without_write_permission_is_told(void **state)
{
    char folder[256], path[300];
    struct km_writer *w;
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    snprintf(path, sizeof(path), "%s/model", folder);
    assert_int_equal(chmod(folder, 0555), 0);
    if (geteuid() == 0 && seteuid(65534)) /* root may write everywhere */
        skip();
    assert_int_equal(km_writer_open(&w, path, &err), KM_E_SYS);
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
    assert_contains(err.msg, "Permission denied");
    assert_int_equal(chmod(folder, 0700), 0);
}

static void a_full_disk_leaves_the_old_file_and_no_temporary_one(void **state)
{
    char folder[256], path[300];
    struct rlimit before, small;
    struct km_writer *w;
    struct km_err err;
    char *big = km_alloc(1000000, 1);

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    snprintf(path, sizeof(path), "%s/model", folder);
    write_text(path, "old");
    signal(SIGXFSZ, SIG_IGN); /* the file size limit stands in for the disk's */
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){100000, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_ok(km_writer_open(&w, path, &err), err);
    assert_int_equal(km_writer_put(w, big, 1000000, &err), KM_E_SYS);
    assert_contains(err.msg, "model: cannot be written: File too large");
    km_writer_abort(w);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_text(path, "old");
    assert_int_equal(count_names(folder), 1);
    km_free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_appears_whole_and_replaces_the_old_one),
        cmocka_unit_test(an_aborted_file_leaves_nothing_behind),
        cmocka_unit_test(a_leftover_of_a_killed_run_does_not_stop_the_next),
        cmocka_unit_test(a_link_keeps_leading_to_the_file_that_is_written),
        cmocka_unit_test(much_data_passes_through_the_buffer),
        cmocka_unit_test(a_device_is_written_to_directly),
        cmocka_unit_test(a_missing_folder_and_a_folder_are_no_target),
        cmocka_unit_test(a_folder_without_write_permission_is_told),
        cmocka_unit_test(a_full_disk_leaves_the_old_file_and_no_temporary_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
