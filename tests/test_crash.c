/* SPDX-License-Identifier: Apache-2.0 */
/* What the handler of a crash is made of; crashes themselves are in run_crash.sh. */
#include "base/crash.h"
#include "base/line.h"
#include "base/temporary.h"
#include "base/trace.h"
#include "tests/test.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void numbers_are_written_as_people_read_them(void **state)
{
    struct km_line l = {0};

    (void)state;
    km_line_grouped(&l, 0);
    km_line_text(&l, " ");
    km_line_grouped(&l, 999);
    km_line_text(&l, " ");
    km_line_grouped(&l, 1000);
    km_line_text(&l, " ");
    km_line_grouped(&l, 1234567);
    km_line_text(&l, " ");
    km_line_grouped(&l, UINT64_MAX);
    km_line_text(&l, " ");
    km_line_number(&l, UINT64_MAX);
    km_line_text(&l, " ");
    km_line_hex(&l, 0x12d687);
    assert_string_equal(l.s, "0 999 1,000 1,234,567 18,446,744,073,709,551,615 "
                             "18446744073709551615 0x12d687");
}

static void times_are_those_of_the_c_library(void **state)
{
    static const int64_t odd[] = {0, 68169600, 951782399, 951782400, 1709164800, 4107542400};

    (void)state;
    for (int64_t i = 0; i < 20000; i++) {
        int64_t seconds = i < 6 ? odd[i] : i * 432011 + i % 86400; /* to the year 2243 */
        time_t t = (time_t)seconds;
        struct km_line l = {0};
        char expected[64];
        struct tm tm;

        strftime(expected, sizeof(expected), "%m/%d/%Y %H:%M:%S", gmtime_r(&t, &tm));
        km_line_time(&l, seconds);
        assert_string_equal(l.s, expected);
    }
}

static void a_line_that_is_full_stays_as_it_is(void **state)
{
    struct km_line l = {0};

    (void)state;
    for (int i = 0; i < 1000; i++)
        km_line_text(&l, "0123456");
    assert_int_equal(l.n, KM_LINE_BYTES - 1);
    assert_int_equal(strlen(l.s), l.n);
}

static void only_the_files_of_the_list_are_removed(void **state)
{
    char folder[] = "/tmp/test_crash_XXXXXX", path[3][64];
    int place[3];

    (void)state;
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < 3; i++) {
        snprintf(path[i], sizeof(path[i]), "%s/%d", folder, i);
        close(open(path[i], O_CREAT | O_WRONLY, 0600));
        place[i] = km_temporary_add(path[i]);
        assert_true(place[i] >= 0);
    }
    km_temporary_drop(place[1]);
    km_temporary_drop(-1);
    km_temporary_remove();
    assert_int_equal(access(path[0], F_OK), -1);
    assert_int_equal(access(path[1], F_OK), 0);
    assert_int_equal(access(path[2], F_OK), -1);
    km_temporary_drop(place[0]);
    km_temporary_drop(place[2]);
    unlink(path[1]);
    rmdir(folder);
}

static void a_full_list_is_no_failure(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < KM_TEMPORARY_MOST; i++)
            assert_int_equal(km_temporary_add("/nowhere/file"), i);
        assert_int_equal(km_temporary_add("/nowhere/file"), -1);
        for (int i = 0; i < KM_TEMPORARY_MOST; i++)
            km_temporary_drop(i);
    }
}

static void signals_of_a_crash_are_never_blocked(void **state)
{
    sigset_t before, now;

    (void)state;
    km_crash_block_others(&before);
    pthread_sigmask(SIG_SETMASK, &before, &now);
    assert_true(sigismember(&now, SIGTERM) && sigismember(&now, SIGINT) &&
                sigismember(&now, SIGALRM));
    assert_false(sigismember(&now, SIGSEGV) || sigismember(&now, SIGBUS) ||
                 sigismember(&now, SIGILL) || sigismember(&now, SIGFPE) ||
                 sigismember(&now, SIGABRT));
}

static void the_program_has_a_build_id(void **state)
{
    (void)state;
    km_trace_prepare();
    km_trace_prepare();
    assert_int_equal(strlen(km_trace_build_id()), 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_as_people_read_them),
        cmocka_unit_test(times_are_those_of_the_c_library),
        cmocka_unit_test(a_line_that_is_full_stays_as_it_is),
        cmocka_unit_test(only_the_files_of_the_list_are_removed),
        cmocka_unit_test(a_full_list_is_no_failure),
        cmocka_unit_test(signals_of_a_crash_are_never_blocked),
        cmocka_unit_test(the_program_has_a_build_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
