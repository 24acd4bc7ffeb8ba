/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/io_help.h"

#include "base/mem.h"
#include "io/recordio.h"

/* Reads all frames: their number, or the failure's code; bytes counts the payloads'. */
static int read_all(const char *path, size_t max_len, size_t *bytes, struct km_err *err)
{
    const unsigned char *payload;
    struct km_stream *s;
    size_t len;
    int n = 0;
    int rc;

    *bytes = 0;
    assert_ok(km_stream_open(&s, path, err), *err);
    while ((rc = km_recordio_next(s, (uint64_t)n + 1, max_len, &payload, &len, err)) == KM_MORE) {
        n++;
        *bytes += len;
        for (size_t i = 0; i < len; i++)
            assert_int_equal(payload[i], (unsigned char)(len + i));
    }
    km_stream_close(s);
    return rc == KM_OK ? n : rc;
}

/* A file with payloads of these lengths. */
static const char *write_frames(const size_t *lens, size_t n)
{
    const char *path = test_path("frames");
    struct km_writer *w;
    struct km_err err;

    assert_ok(km_writer_open(&w, path, &err), err);
    for (size_t r = 0; r < n; r++) {
        unsigned char *payload = km_alloc(lens[r], 1);

        for (size_t i = 0; i < lens[r]; i++)
            payload[i] = (unsigned char)(lens[r] + i);
        assert_ok(km_recordio_put(w, payload, lens[r], &err), err);
        km_free(payload);
    }
    assert_ok(km_writer_commit(w, &err), err);
    return path;
}

static void frames_of_all_sizes_come_back(void **state)
{
    static const size_t lens[] = {0, 1, 2, 3, 4, 5, 1000, 1048568, 1048569, 3000001, 7};
    size_t bytes;
    struct km_err err;

    (void)state;
    assert_int_equal(read_all(write_frames(lens, 11), KM_RECORDIO_MAX, &bytes, &err), 11);
    assert_int_equal(bytes, 1022 + 1048568 + 1048569 + 3000001);
}

static void the_bytes_are_those_of_the_public_writers(void **state)
{
    static const unsigned char expected[] = {0x0a, 0x23, 0xd7, 0xce, 3, 0, 0, 0, 3, 4, 5, 0};
    static const size_t lens[] = {3};
    unsigned char got[32];
    FILE *f;

    (void)state;
    f = fopen(write_frames(lens, 1), "rb");
    assert_non_null(f);
    assert_int_equal(fread(got, 1, sizeof(got), f), sizeof(expected));
    fclose(f);
    assert_memory_equal(got, expected, sizeof(expected));
}

static void an_empty_file_has_no_records(void **state)
{
    size_t bytes;
    struct km_err err;

    (void)state;
    assert_int_equal(read_all(test_file("empty", "", 0), 100, &bytes, &err), 0);
}

#define M "\x0a\x23\xd7\xce"

static void damage_is_told_with_place_finding_and_remedy(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *text[3];
    } cases[] = {
        {"1,2,3\n4,5,6\n",
         12,
         {"record 1 at byte 0: found 31 2c 32 2c,", "0a 23 d7 ce", "text/csv"}},
        {"1\n", 2, {"found 31 0a,", "looks like text", "text/csv"}},
        {"\x89PNG\r\n\x1a\n", 8, {"found 89 50 4e 47,", "no RecordIO", "content type"}},
        {M "\4\0\0\0\4\5\6\7abcd", 16, {"record 2 at byte 12: found 61 62 63 64", "damaged", ""}},
        {M "\4\0\0\x20\4\5\6\7", 12, {"record 1 at byte 0", "continuation flag 1", "split"}},
        {M "\4\0\0\xe0\4\5\6\7", 12, {"continuation flag 7", "", ""}},
        {M "\x65\0\0\0", 8, {"a length of 101 bytes", "at most 100", "damaged"}},
        {M,
         4,
         {"record 1 at byte 0: the file is cut inside the record's header", "4 of 8", "again"}},
        {M "\4\0\0\0\4\5\6", 11, {"cut inside the record's payload", "3 of 4", ""}},
        {M "\3\0\0\0\3\4\5", 11, {"cut inside the record's padding", "0 of 1", ""}},
        {M "\4\0\0\0\4\5\6\7" M "\4", 17, {"record 2 at byte 12: the file is cut", "5 of 8", ""}},
    };
    size_t bytes;
    struct km_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *path = test_file("damaged", cases[i].bytes, cases[i].n);

        assert_int_equal(read_all(path, 100, &bytes, &err), KM_E_INPUT);
        assert_contains(err.msg, path);
        for (int t = 0; t < 3; t++)
            assert_contains(err.msg, cases[i].text[t]);
    }
}

static void every_truncation_is_a_prefix_of_the_records_or_an_error(void **state)
{
    static const size_t lens[] = {5, 0, 8, 3};
    static const size_t ends[] = {0, 16, 24, 40, 52};
    unsigned char all[64];
    FILE *f;
    size_t n, bytes;
    struct km_err err;

    (void)state;
    f = fopen(write_frames(lens, 4), "rb");
    assert_non_null(f);
    n = fread(all, 1, sizeof(all), f);
    fclose(f);
    assert_int_equal(n, 52);
    for (size_t cut = 0; cut <= n; cut++) {
        int expected = KM_E_INPUT;

        for (int r = 0; r <= 4; r++)
            expected = cut == ends[r] ? r : expected;
        assert_int_equal(read_all(test_file("cut", all, cut), 100, &bytes, &err), expected);
    }
}

static void a_claimed_length_takes_no_memory(void **state)
{
    static const unsigned char claim[] = {0x0a, 0x23, 0xd7, 0xce, 0xff, 0xff, 0xff, 0x1f, 1, 2};
    size_t bytes, allocations;
    struct km_err err;

    (void)state;
    km_alloc_fail_at(0);
    assert_int_equal(read_all(test_file("claim", claim, 10), KM_RECORDIO_MAX, &bytes, &err),
                     KM_E_INPUT);
    allocations = km_alloc_fail_at(0);
    assert_contains(err.msg, "2 of 536870911 bytes");
    assert_int_equal(allocations, 3); /* stream, its path, its first buffer */
}

static void a_record_too_long_is_refused_by_the_writer(void **state)
{
    struct km_writer *w;
    struct km_err err;

    (void)state;
    assert_ok(km_writer_open(&w, "/dev/null", &err), err);
    assert_int_equal(km_recordio_put(w, "", (size_t)KM_RECORDIO_MAX + 1, &err), KM_E_INPUT);
    assert_contains(err.msg, "536870912 bytes");
    km_writer_abort(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_all_sizes_come_back),
        cmocka_unit_test(the_bytes_are_those_of_the_public_writers),
        cmocka_unit_test(an_empty_file_has_no_records),
        cmocka_unit_test(damage_is_told_with_place_finding_and_remedy),
        cmocka_unit_test(every_truncation_is_a_prefix_of_the_records_or_an_error),
        cmocka_unit_test(a_claimed_length_takes_no_memory),
        cmocka_unit_test(a_record_too_long_is_refused_by_the_writer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
