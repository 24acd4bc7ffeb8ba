/* SPDX-License-Identifier: Apache-2.0 */
/* The content type that the first bytes of a file tell. */
#include "tests/request_help.h"

#include "train/guess.h"

/* The guess at a file of these bytes. */
static const char *guess(const char *bytes)
{
    const char *folder = test_folder(), *type;
    struct km_problems problems = {0};
    struct km_files files = {0};
    struct km_err err;

    put(folder, "data", bytes);
    assert_ok(km_files_add(&files, folder, &err), err);
    assert_ok(km_guess_content_type(&type, &files, 1, &problems, &err), err);
    assert_int_equal(problems.list.n, 0);
    km_files_done(&files);
    return type;
}

static void the_magic_of_recordio_decides(void **state)
{
    (void)state;
    assert_string_equal(guess("\x0a\x23\xd7\xce"), "application/x-recordio-protobuf");
    assert_string_equal(guess("\x0a\x23\xd7\xce and more"), "application/x-recordio-protobuf");
    assert_string_equal(guess("\x0a\x23\xd7"), "text/csv;label_size=0");
    assert_string_equal(guess("1,2\n"), "text/csv;label_size=0");
}

static void without_files_there_is_none(void **state)
{
    struct km_problems problems = {0};
    struct km_files files = {0};
    const char *type = "";
    struct km_err err;

    (void)state;
    assert_ok(km_guess_content_type(&type, &files, 1, &problems, &err), err);
    assert_null(type);
}

static void a_pipe_is_not_asked_where_several_train(void **state)
{
    struct km_problems problems = {0};
    struct km_files files = {0};
    const char *type;
    struct km_err err;
    char path[300];

    (void)state;
    snprintf(path, sizeof(path), "%s/fifo", test_folder());
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_ok(km_files_add(&files, path, &err), err);
    assert_ok(km_guess_content_type(&type, &files, 2, &problems, &err), err);
    assert_null(type);
    assert_int_equal(problems.list.n, 1);
    assert_contains(problems.list.s[0], "what is no regular file must be given");
    km_problems_done(&problems);
    km_files_done(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_magic_of_recordio_decides),
        cmocka_unit_test(without_files_there_is_none),
        cmocka_unit_test(a_pipe_is_not_asked_where_several_train),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
