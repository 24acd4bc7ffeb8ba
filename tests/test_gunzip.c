/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "base/mem.h"
#include "io/gunzip.h"

#include <unistd.h>
#include <zlib.h>

#define MUCH ((size_t)3 << 20) /* more than a stream's buffer */

static unsigned char text[MUCH], zipped[MUCH + MUCH / 8];

/* One member of gzip at zipped + at; where it ends. */
static size_t put_member(size_t at, const void *bytes, size_t n)
{
    z_stream z = {0};

    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)bytes;
    z.avail_in = (unsigned)n;
    z.next_out = zipped + at;
    z.avail_out = (unsigned)(sizeof(zipped) - at);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    at += z.total_out;
    deflateEnd(&z);
    return at;
}

static void fill_text(void)
{
    uint32_t v = 1;

    for (size_t i = 0; i < MUCH; i++)
        text[i] = (unsigned char)((v = v * 1664525 + 1013904223) >> 28);
}

static struct km_stream *open_zipped(size_t n, int expected)
{
    struct km_stream *s;
    struct km_err err;
    int yes;

    assert_ok(km_stream_open_memory(&s, "file.gz", zipped, n, &err), err);
    assert_ok(km_gunzip(&s, &yes, &err), err);
    assert_int_equal(yes, expected);
    return s;
}

/* All bytes, in steps of that size: their number, or the failure. */
static int read_all(struct km_stream *s, size_t step, unsigned char *out, struct km_err *err)
{
    const unsigned char *p;
    size_t n = 0, got;
    int rc;

    do {
        rc = km_stream_peek(s, step, &p, &got, err);
        if (rc)
            return rc;
        got = got < step ? got : step;
        memcpy(out + n, p, got);
        assert_int_equal(km_stream_at(s), n);
        km_stream_skip(s, got);
        n += got;
    } while (got > 0);
    return (int)n;
}

static void gzip_is_seen_and_decompressed_in_steps_of_any_size(void **state)
{
    static const size_t steps[] = {777, 65536, 1000003, MUCH + 1};
    unsigned char *out = km_alloc(MUCH, 1);
    size_t n;

    (void)state;
    fill_text();
    n = put_member(0, text, MUCH);
    for (size_t i = 0; i < 4; i++) {
        struct km_stream *s = open_zipped(n, 1);
        struct km_err err;

        assert_string_equal(km_stream_path(s), "file.gz");
        assert_int_equal(read_all(s, steps[i], out, &err), MUCH);
        assert_memory_equal(out, text, MUCH);
        km_stream_close(s);
    }
    km_free(out);
}

static void what_is_no_gzip_stays_as_it_is(void **state)
{
    static const char *const others[] = {"", "\x1f", "\x1f\x8c", "1,2\n"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct km_stream *s;
        unsigned char out[8];
        struct km_err err;

        memcpy(zipped, others[i], strlen(others[i]));
        s = open_zipped(strlen(others[i]), 0);
        assert_int_equal(read_all(s, 8, out, &err), strlen(others[i]));
        km_stream_close(s);
    }
}

/* What gzip files may be: members one behind the other, as they are appended, and a tail that is
 * none. */
static void members_are_one_and_a_tail_is_left_alone(void **state)
{
    size_t n = put_member(put_member(put_member(0, "abc", 3), "", 0), "defg", 4);

    (void)state;
    for (int tail = 0; tail < 2; tail++) {
        struct km_stream *s = open_zipped(n, 1);
        unsigned char out[16];
        struct km_err err;

        assert_int_equal(read_all(s, 2, out, &err), 7);
        assert_memory_equal(out, "abcdefg", 7);
        km_stream_close(s);
        memcpy(zipped + n, "tail", 4);
        n += 4;
    }
}

static void every_truncation_is_an_input_error(void **state)
{
    size_t n = put_member(0, "1,2,3\n4,5,6\n", 12);

    (void)state;
    for (size_t cut = 2; cut < n; cut++) {
        struct km_stream *s = open_zipped(cut, 1);
        unsigned char out[16];
        struct km_err err;

        assert_int_equal(read_all(s, 12, out, &err), KM_E_INPUT);
        assert_contains(err.msg, "file.gz: byte ");
        assert_contains(err.msg, "found damaged or cut gzip data (unexpected end of file)");
        km_stream_close(s);
    }
}

/* The check sum is seen only by who reads to the very end. */
static void a_wrong_check_sum_is_an_input_error(void **state)
{
    size_t n = put_member(0, "1,2,3\n", 6);
    struct km_stream *s;
    unsigned char out[16];
    struct km_err err;

    (void)state;
    zipped[n - 6] ^= 1;
    s = open_zipped(n, 1);
    assert_int_equal(read_all(s, 6, out, &err), KM_E_INPUT);
    assert_contains(err.msg,
                    "byte 6 (decompressed): found damaged or cut gzip data (incorrect data");
    km_stream_close(s);
}

static void no_memory_is_told_and_leaves_the_stream_as_it_was(void **state)
{
    size_t n = put_member(0, "abc", 3);

    (void)state;
    for (size_t at = 1; at <= 3; at++) {
        struct km_stream *s, *before;
        unsigned char out[8];
        struct km_err err;
        int yes;

        assert_ok(km_stream_open_memory(&s, "file.gz", zipped, n, &err), err);
        before = s;
        km_alloc_fail_at(at);
        assert_int_equal(km_gunzip(&s, &yes, &err), KM_E_MEM);
        km_alloc_fail_at(0);
        assert_ptr_equal(s, before);
        assert_ok(km_gunzip(&s, &yes, &err), err);
        assert_int_equal(read_all(s, 8, out, &err), 3);
        km_stream_close(s);
    }
}

static void what_a_pipe_gave_is_kept_as_it_was_asked_for(void **state)
{
    const unsigned char *p;
    struct km_stream *s;
    struct km_err err;
    char path[40];
    size_t got, n;
    int ends[2], yes;

    (void)state;
    memset(text, 0, MUCH);
    n = put_member(0, text, MUCH);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], zipped, n), n);
    close(ends[1]);
    snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
    assert_ok(km_stream_open(&s, path, &err), err);
    close(ends[0]);
    km_stream_keep(s, 1);
    assert_ok(km_gunzip(&s, &yes, &err), err);
    for (size_t at = 0; at < MUCH; at += 1024) {
        assert_ok(km_stream_peek(s, 1024, &p, &got, &err), err);
        km_stream_skip(s, 1024);
    }
    assert_ok(km_stream_seek(s, 0, &err), err);
    assert_ok(km_stream_peek(s, MUCH + 1, &p, &got, &err), err);
    assert_int_equal(got, MUCH);
    km_stream_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_is_seen_and_decompressed_in_steps_of_any_size),
        cmocka_unit_test(what_is_no_gzip_stays_as_it_is),
        cmocka_unit_test(members_are_one_and_a_tail_is_left_alone),
        cmocka_unit_test(every_truncation_is_an_input_error),
        cmocka_unit_test(a_wrong_check_sum_is_an_input_error),
        cmocka_unit_test(no_memory_is_told_and_leaves_the_stream_as_it_was),
        cmocka_unit_test(what_a_pipe_gave_is_kept_as_it_was_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
