/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/file_help.h"

#include "base/mem.h"
#include "io/stream.h"

#include <pthread.h>

static void put_pattern(const char *path, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    for (size_t i = 0; i < n; i++)
        putc((int)(i * 7 + i / 251) & 0xff, f);
    assert_int_equal(fclose(f), 0);
}

/* What was shown while it was held is still there, however much was read behind it. */
static void held_bytes_stay_where_they_are(void **state)
{
    static const size_t wants[] = {3, 70000, ((size_t)1 << 20) + 1, 5000, 3000000};
    const size_t size = 9000001;
    const unsigned char *shown[100];
    size_t at[100], len[100], n = 0, seen = 0;
    char path[300];
    struct km_stream *s;
    struct km_err err;

    (void)state;
    snprintf(path, sizeof(path), "%s/data", test_folder());
    put_pattern(path, size);
    assert_ok(km_stream_open(&s, path, &err), err);
    for (int round = 0; seen < size; round++) {
        km_stream_hold(s);
        for (n = 0; n < 6 && seen < size; n++) {
            at[n] = seen;
            assert_ok(km_stream_peek(s, wants[(n + (size_t)round) % 5], &shown[n], &len[n], &err),
                      err);
            len[n] = len[n] < 400000 ? len[n] : 400000;
            km_stream_skip(s, len[n]);
            seen += len[n];
            if (n % 2)
                km_stream_ahead(s);
        }
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < len[i]; j++)
                if (shown[i][j] != (unsigned char)((at[i] + j) * 7 + (at[i] + j) / 251))
                    fail_msg("round %d: byte %zu has changed", round, at[i] + j);
        km_stream_release(s);
    }
    km_stream_close(s);
}

static void held_scratch_stays_where_it_is(void **state)
{
    unsigned char *first, *second;
    struct km_stream *s;
    struct km_err err;

    (void)state;
    assert_ok(km_stream_open_memory(&s, "bytes", "x", 1, &err), err);
    km_stream_hold(s);
    assert_ok(km_stream_scratch(s, 100, &first, &err), err);
    memset(first, 1, 100);
    assert_ok(km_stream_scratch(s, 50, &second, &err), err);
    memset(second, 2, 50);
    assert_int_equal(first[0], 1);
    km_stream_release(s);
    km_stream_close(s);
}

static void a_stream_shows_all_bytes_in_order_whatever_is_asked_for(void **state)
{
    static const size_t wants[] = {1, 3, 8, 4000, 70000, ((size_t)1 << 20) + 1, 3000000};
    const size_t size = 5000001;
    char path[300];
    struct km_err err;

    (void)state;
    snprintf(path, sizeof(path), "%s/data", test_folder());
    put_pattern(path, size);
    for (size_t w = 2; w < sizeof(wants) / sizeof(*wants); w++) {
        const unsigned char *p;
        struct km_stream *s;
        size_t seen = 0, got;

        assert_ok(km_stream_open(&s, path, &err), err);
        for (;;) {
            assert_ok(km_stream_peek(s, wants[w], &p, &got, &err), err);
            assert_true(got >= wants[w] || seen + got == size);
            if (got == 0)
                break;
            got = got < wants[w] ? got : wants[w];
            assert_int_equal(km_stream_at(s), seen);
            for (size_t i = 0; i < got; i++, seen++) {
                if (p[i] != (unsigned char)(seen * 7 + seen / 251))
                    fail_msg("byte %zu with want %zu", seen, wants[w]);
            }
            km_stream_skip(s, got);
        }
        assert_int_equal(seen, size);
        km_stream_close(s);
    }
}

/* A pipe of this text on standard input. */
static int put_pipe(const char *text)
{
    int ends[2], before;

    assert_int_equal(pipe(ends), 0);
    before = put_stdin(ends[0]);
    assert_int_equal(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
    close(ends[1]);
    return before;
}

static void what_is_kept_can_be_gone_back_to(void **state)
{
    int before = put_pipe("0123456789");
    const unsigned char *p;
    struct km_stream *s;
    struct km_err err;
    size_t got;

    (void)state;
    assert_ok(km_stream_open(&s, KM_STDIN, &err), err);
    km_stream_keep(s, 1);
    for (size_t look = 1; look <= 10; look += 3) {
        assert_ok(km_stream_peek(s, look, &p, &got, &err), err);
        assert_int_equal(*p, '0');
        km_stream_skip(s, look);
        assert_int_equal(km_stream_at(s), look);
        assert_ok(km_stream_seek(s, 0, &err), err);
    }
    assert_int_equal(km_stream_seek(s, 11, &err), KM_E_BUG);
    km_stream_close(s);
    close(put_stdin(before));
}

#define MUCH ((size_t)5 << 20)

static void *write_much(void *arg)
{
    char *bytes = km_alloc(MUCH, 1);
    int fd = *(int *)arg;

    for (size_t n = 0; n < MUCH;) {
        ssize_t done = write(fd, bytes + n, MUCH - n);

        assert_true(done > 0);
        n += (size_t)done;
    }
    close(fd);
    km_free(bytes);
    return NULL;
}

/* Steps over all bytes of a pipe; whether it can go back then. */
static int can_go_back(int keep)
{
    const unsigned char *p;
    struct km_stream *s;
    struct km_err err;
    pthread_t writer;
    int ends[2], before, rc;
    size_t got;

    assert_int_equal(pipe(ends), 0);
    before = put_stdin(ends[0]);
    assert_int_equal(pthread_create(&writer, NULL, write_much, &ends[1]), 0);
    assert_ok(km_stream_open(&s, KM_STDIN, &err), err);
    km_stream_keep(s, keep);
    do {
        assert_ok(km_stream_peek(s, 100, &p, &got, &err), err);
        km_stream_skip(s, got);
    } while (got > 0);
    assert_int_equal(km_stream_at(s), MUCH);
    rc = km_stream_seek(s, 0, &err);
    if (rc == KM_OK) {
        assert_ok(km_stream_peek(s, 1, &p, &got, &err), err);
        assert_int_equal(got, MUCH);
    }
    km_stream_close(s);
    pthread_join(writer, NULL);
    close(put_stdin(before));
    return rc == KM_OK;
}

static void what_is_not_kept_makes_room_for_what_follows(void **state)
{
    (void)state;
    assert_true(can_go_back(1));
    assert_false(can_go_back(0));
}

/* Memory and files are read again. */
static void what_can_be_read_again_needs_no_keeping(void **state)
{
    char *bytes = km_alloc(MUCH, 1);
    const unsigned char *p;
    struct km_stream *s;
    struct km_err err;
    size_t got;

    (void)state;
    bytes[0] = 'a';
    assert_ok(km_stream_open_memory(&s, "memory", bytes, MUCH, &err), err);
    do {
        assert_ok(km_stream_peek(s, 100, &p, &got, &err), err);
        km_stream_skip(s, got);
    } while (got > 0);
    assert_ok(km_stream_seek(s, 0, &err), err);
    assert_ok(km_stream_peek(s, 1, &p, &got, &err), err);
    assert_true(got < MUCH && *p == 'a');
    km_stream_close(s);
    km_free(bytes);
}

static void there_is_room_beside_the_buffer(void **state)
{
    const unsigned char *p;
    unsigned char *beside;
    struct km_stream *s;
    struct km_err err;
    size_t got;

    (void)state;
    assert_ok(km_stream_open_memory(&s, "memory", "0123", 4, &err), err);
    for (size_t n = 1; n < 3000000; n = 7 * n) {
        assert_ok(km_stream_peek(s, 4, &p, &got, &err), err);
        assert_ok(km_stream_scratch(s, n, &beside, &err), err);
        memset(beside, 'x', n);
        assert_memory_equal(p, "0123", 4);
    }
    km_stream_close(s);
}

static void each_failed_allocation_is_told_and_leaks_nothing(void **state)
{
    static char bytes[3 << 20];
    int rc = KM_E_MEM;
    size_t at;

    (void)state;
    for (at = 1; rc == KM_E_MEM; at++) {
        const unsigned char *p;
        unsigned char *beside;
        struct km_stream *s;
        struct km_err err;
        size_t got;

        km_alloc_fail_at(at);
        rc = km_stream_open_memory(&s, "memory", bytes, sizeof(bytes), &err);
        if (rc == KM_OK)
            rc = km_stream_peek(s, sizeof(bytes), &p, &got, &err);
        if (rc == KM_OK)
            rc = km_stream_scratch(s, 10, &beside, &err);
        km_alloc_fail_at(0);
        km_stream_close(s);
    }
    assert_int_equal(rc, KM_OK);
    assert_true(at > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_bytes_stay_where_they_are),
        cmocka_unit_test(held_scratch_stays_where_it_is),
        cmocka_unit_test(a_stream_shows_all_bytes_in_order_whatever_is_asked_for),
        cmocka_unit_test(what_is_kept_can_be_gone_back_to),
        cmocka_unit_test(what_is_not_kept_makes_room_for_what_follows),
        cmocka_unit_test(what_can_be_read_again_needs_no_keeping),
        cmocka_unit_test(there_is_room_beside_the_buffer),
        cmocka_unit_test(each_failed_allocation_is_told_and_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
