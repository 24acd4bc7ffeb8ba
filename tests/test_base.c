/* SPDX-License-Identifier: Apache-2.0 */
/* The words everyone uses: errors, memory, matrices, random numbers, log lines. */
#include "tests/algo_test.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mat.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <unistd.h>

static void failing_sets_code_and_message_and_returns_the_code(void **state)
{
    struct km_err err = {0};

    (void)state;
    assert_int_equal(km_fail(&err, KM_E_INPUT, "%s: line %d", "a.csv", 7), KM_E_INPUT);
    assert_int_equal(err.code, KM_E_INPUT);
    assert_string_equal(err.msg, "a.csv: line 7");
}

static void a_long_message_is_cut_and_terminated(void **state)
{
    char text[3 * KM_ERR_MAX];
    struct km_err err;

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = 0;
    km_fail(&err, KM_E_SYS, "%s", text);
    assert_int_equal(strlen(err.msg), KM_ERR_MAX - 1);
    errno = ENOSPC;
    assert_int_equal(km_fail_errno(&err, "%s", text), KM_E_SYS);
    assert_int_equal(strlen(err.msg), KM_ERR_MAX - 1);
}

static void an_errno_is_told_in_words_and_no_memory_has_its_own_code(void **state)
{
    struct km_err err;

    (void)state;
    errno = ENOENT;
    assert_int_equal(km_fail_errno(&err, "cannot open %s", "x"), KM_E_SYS);
    assert_string_equal(err.msg, "cannot open x: No such file or directory");
    errno = ENOMEM;
    assert_int_equal(km_fail_errno(&err, "cannot map x"), KM_E_MEM);
    assert_int_equal(err.code, KM_E_MEM);
}

static void blocks_of_any_size_are_zeroed_aligned_and_writable(void **state)
{
    static const size_t sizes[] = {
        0, 1, 63, 64, 65, 4096, 1 << 20, 1048511, (1 << 20) + 1, 3000001, 1048448, 1048449};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (int again = 0; again < 2; again++) { /* a second block may get dirty memory back */
            unsigned char *p = km_alloc(sizes[i], 1);

            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 64, 0);
            for (size_t b = 0; b < sizes[i]; b++)
                if (p[b])
                    fail_msg("byte %zu of %zu is %d", b, sizes[i], p[b]);
            memset(p, 0xff, sizes[i]);
            km_free(p);
        }
    km_free(NULL);
}

static void a_size_that_overflows_is_refused(void **state)
{
    struct km_mat m = {.n = 7};
    struct km_err err = {0};

    (void)state;
    assert_null(km_alloc(SIZE_MAX / 2, 3));
    assert_null(km_alloc(SIZE_MAX, 1)); /* overflows only with the header */
    assert_null(km_alloc(SIZE_MAX - 100, 1));
    assert_null(km_alloc((size_t)1 << 60, 4)); /* no overflow, but more than there is */
    assert_int_equal(km_mat_init(&m, SIZE_MAX / 8, 100, &err), KM_E_MEM);
    assert_contains(err.msg, "100 values");
    assert_null(m.v);
    assert_int_equal(m.n, 0);
    km_mat_done(&m);
    assert_int_equal(km_mat_init(&m, 1, SIZE_MAX / 4, &err), KM_E_MEM);
    km_mat_done(&m);
}

static void the_chosen_allocation_fails_once(void **state)
{
    void *p[4];

    (void)state;
    km_alloc_fail_at(3);
    for (int i = 0; i < 4; i++)
        p[i] = km_alloc(10, 10);
    assert_int_equal(km_alloc_fail_at(0), 4);
    for (int i = 0; i < 4; i++) {
        assert_true((p[i] == NULL) == (i == 2));
        km_free(p[i]);
    }
    assert_int_equal(km_alloc_fail_at(0), 0);
    km_alloc_fail_at(1);
    assert_null(km_strdup("text"));
    km_alloc_fail_at(0);
}

static void a_copied_string_is_a_string_of_its_own(void **state)
{
    char text[] = "some text";
    char *copy = km_strdup(text);

    (void)state;
    assert_non_null(copy);
    text[0] = 'S';
    assert_string_equal(copy, "some text");
    km_free(copy);
}

static void the_leading_dimension_follows_its_rule(void **state)
{
    (void)state;
    for (size_t d = 1; d <= 5000; d++) {
        size_t ld = km_mat_ld(d), expected = d < 16 ? 1 : (d + 15) / 16 * 16;

        while (expected < d)
            expected *= 2;
        if (expected % 1024 == 0) /* these would be at the same place of every page */
            expected += 16;
        if (ld != expected)
            fail_msg("ld of %zu columns is %zu", d, ld);
    }
}

static void a_matrix_starts_as_zeros_and_views_own_nothing(void **state)
{
    struct km_mat m = make_mat(10, 19), view;

    (void)state;
    assert_int_equal(m.n, 10);
    assert_int_equal(m.d, 19);
    assert_int_equal(m.ld, 32);
    assert_int_equal((uintptr_t)m.v % 64, 0);
    for (size_t i = 0; i < m.n * m.ld; i++)
        assert_true(m.v[i] == 0);
    assert_ptr_equal(km_mat_row(&m, 3), m.v + 96);
    view = km_mat_view(&m, 2, 5);
    assert_ptr_equal(view.v, km_mat_row(&m, 2));
    assert_int_equal(view.n, 5);
    assert_int_equal(view.d, 19);
    assert_int_equal(view.ld, 32);
    km_mat_done(&m);
    assert_null(m.v);
    km_mat_done(&m);
}

/* The published first outputs for the state 1, 2, 3, 4. */
static void random_bits_are_those_of_the_published_generator(void **state)
{
    static const uint64_t expected[] = {11520u,
                                        0u,
                                        1509978240u,
                                        1215971899390074240u,
                                        1216172134540287360u,
                                        607988272756665600u,
                                        16172922978634559625u,
                                        8476171486693032832u,
                                        10595114339597558777u,
                                        2904607092377533576u};
    struct km_rng r = {{1, 2, 3, 4}};

    (void)state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        assert_true(km_rng_next(&r) == expected[i]);
}

/* The published first outputs of splitmix64 for 1234567: that is its state if seed, purpose and
 * index cancel down to it, mix(mix(seed) ^ purpose) ^ index. mix(0) is a published value as well.
 */
static void seeding_is_that_of_the_published_generator(void **state)
{
    static const uint64_t expected[] = {6457827717110365317u, 3203168211198807973u,
                                        9817491932198370423u, 4593380528125082431u};
    const uint64_t mix_0 = 0xe220a8397b1dcdafu;
    struct km_rng r;

    (void)state;
    km_rng_seed(&r, 0, mix_0, mix_0 ^ 1234567);
    for (size_t i = 0; i < 4; i++)
        assert_true(r.s[i] == expected[i]);
}

static void seed_purpose_and_index_each_give_another_stream(void **state)
{
    uint64_t first[64];
    size_t n = 0;

    (void)state;
    for (uint64_t i = 0; i < 64; i++) {
        struct km_rng r;

        km_rng_seed(&r, i & 3, (i >> 2) & 3, i >> 4);
        first[n] = km_rng_next(&r);
        for (size_t j = 0; j < n; j++)
            assert_true(first[j] != first[n]);
        n++;
    }
}

static void below_is_uniform_for_small_bounds(void **state)
{
    struct km_rng r;

    (void)state;
    km_rng_seed(&r, 1, 2, 3);
    for (uint64_t n = 1; n <= 17; n++) {
        double count[17] = {0}, expected[17];

        for (size_t i = 0; i < 20000; i++) {
            uint64_t v = km_rng_below(&r, n);

            assert_true(v < n);
            count[v]++;
        }
        for (size_t i = 0; i < n; i++)
            expected[i] = 20000.0 / (double)n;
        assert_fits(count, expected, n);
    }
}

/* Without the rejection, every fourth multiple of 3 would come twice as often: 3/4 of 2^64. */
static void below_is_unbiased_for_huge_bounds(void **state)
{
    double count[3] = {0}, expected[3] = {20000, 20000, 20000};
    struct km_rng r;

    (void)state;
    km_rng_seed(&r, 5, 6, 7);
    for (size_t i = 0; i < 60000; i++)
        count[km_rng_below(&r, (uint64_t)3 << 62) % 3]++;
    assert_fits(count, expected, 3);
}

static void the_unit_interval_is_covered_evenly_without_its_end(void **state)
{
    double count[50] = {0}, expected[50];
    struct km_rng r;

    (void)state;
    km_rng_seed(&r, 8, 9, 10);
    for (size_t i = 0; i < 50; i++)
        expected[i] = 2000;
    for (size_t i = 0; i < 100000; i++) {
        double u = km_rng_unit(&r);

        assert_true(u >= 0 && u < 1);
        count[(size_t)(u * 50)]++;
    }
    assert_fits(count, expected, 50);
}

/* Standard output goes to a file between capture_begin and capture_end. */
struct capture {
    char path[300];
    int saved;
};

static void capture_begin(struct capture *c)
{
    int fd;

    snprintf(c->path, sizeof(c->path), "%s/out", test_folder());
    fflush(stdout);
    c->saved = dup(STDOUT_FILENO);
    fd = open(c->path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    assert_true(c->saved >= 0 && fd >= 0);
    assert_true(dup2(fd, STDOUT_FILENO) >= 0);
    close(fd);
}

static void capture_end(struct capture *c, char *text, size_t room)
{
    ssize_t got;
    int fd;

    dup2(c->saved, STDOUT_FILENO); /* no fflush: every line must have been written by now */
    close(c->saved);
    fd = open(c->path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    got = read(fd, text, room - 1);
    assert_true(got >= 0);
    text[got] = 0;
    close(fd);
    unlink(c->path);
    *strrchr(c->path, '/') = 0;
    assert_int_equal(rmdir(c->path), 0);
}

static void assert_matches(const char *text, const char *pattern)
{
    regex_t re;
    int rc;

    assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    rc = regexec(&re, text, 0, NULL, 0);
    regfree(&re);
    if (rc)
        fail_msg("\"%s\" does not match %s", text, pattern);
}

static void log_lines_have_the_frameworks_shape(void **state)
{
    char text[4096], pattern[400];
    struct capture c;

    (void)state;
    capture_begin(&c);
    km_log(KM_INFO, "rows=%d", 5);
    km_log(KM_DEBUG, "not shown");
    km_log(KM_WARNING, "a\tb\nc\x1b"
                       "d\x7f\x01|");
    km_log(KM_ERROR, "bad");
    km_log_plain("#metrics {%s}", "1");
    capture_end(&c, text, sizeof(text));
#define STAMP "\\[[01][0-9]/[0-3][0-9]/20[0-9]{2} [0-2][0-9]:[0-5][0-9]:[0-6][0-9] "
    snprintf(pattern, sizeof(pattern),
             "^" STAMP "INFO %ld\\] rows=5\n" STAMP "WARNING %ld\\] a b c d  \\|\n" STAMP
             "ERROR %ld\\] bad\n#metrics \\{1\\}\n$",
             (long)getpid(), (long)getpid(), (long)getpid());
    assert_matches(text, pattern);
}

static void lines_below_the_level_are_not_printed(void **state)
{
    struct capture c;
    char text[1024];

    (void)state;
    capture_begin(&c);
    km_log_level(KM_DEBUG);
    km_log(KM_DEBUG, "one");
    km_log_level(KM_ERROR);
    km_log(KM_WARNING, "two");
    km_log(KM_ERROR, "three");
    km_log_level(KM_INFO);
    capture_end(&c, text, sizeof(text));
    assert_contains(text, "DEBUG");
    assert_contains(text, "] one\n");
    assert_null(strstr(text, "two"));
    assert_contains(text, "] three\n");
}

static void a_very_long_line_is_cut_but_ends(void **state)
{
    char *text = km_alloc(40000, 1), *out = km_alloc(50000, 1);
    struct capture c;

    (void)state;
    assert_true(text && out);
    memset(text, 'x', 39999);
    capture_begin(&c);
    km_log(KM_INFO, "%s", text);
    km_log_plain("%s", text);
    capture_end(&c, out, 50000);
    assert_true(strlen(out) > 10000 && strlen(out) < 20000);
    assert_int_equal(out[strlen(out) - 1], '\n');
    assert_ptr_not_equal(strchr(out, '\n'), strrchr(out, '\n'));
    km_free(text);
    km_free(out);
}

static void watches_add_up_time_and_calls(void **state)
{
    struct km_watch w = {0};
    double start = km_now();

    (void)state;
    for (int i = 0; i < 3; i++) {
        km_watch_start(&w);
        usleep(2000);
        km_watch_stop(&w);
    }
    assert_int_equal(w.calls, 3);
    assert_true(w.sum >= 0.006 && w.sum <= km_now() - start);
    assert_true(km_wall() > 1.6e9); /* after 2020 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_sets_code_and_message_and_returns_the_code),
        cmocka_unit_test(a_long_message_is_cut_and_terminated),
        cmocka_unit_test(an_errno_is_told_in_words_and_no_memory_has_its_own_code),
        cmocka_unit_test(blocks_of_any_size_are_zeroed_aligned_and_writable),
        cmocka_unit_test(a_size_that_overflows_is_refused),
        cmocka_unit_test(the_chosen_allocation_fails_once),
        cmocka_unit_test(a_copied_string_is_a_string_of_its_own),
        cmocka_unit_test(the_leading_dimension_follows_its_rule),
        cmocka_unit_test(a_matrix_starts_as_zeros_and_views_own_nothing),
        cmocka_unit_test(random_bits_are_those_of_the_published_generator),
        cmocka_unit_test(seeding_is_that_of_the_published_generator),
        cmocka_unit_test(seed_purpose_and_index_each_give_another_stream),
        cmocka_unit_test(below_is_uniform_for_small_bounds),
        cmocka_unit_test(below_is_unbiased_for_huge_bounds),
        cmocka_unit_test(the_unit_interval_is_covered_evenly_without_its_end),
        cmocka_unit_test(log_lines_have_the_frameworks_shape),
        cmocka_unit_test(lines_below_the_level_are_not_printed),
        cmocka_unit_test(a_very_long_line_is_cut_but_ends),
        cmocka_unit_test(watches_add_up_time_and_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
