/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/io_help.h"

#include "base/mem.h"
#include "base/rng.h"
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
        assert_ok(test_put_record(w, payload, lens[r], &err), err);
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
        {M "\4\0\0\x20\4\5\6\7",
         12,
         {"record 1 at byte 0, its part at byte 12: the file ends inside a split record",
          "(continuation flag 1), expected the next one", "again"}},
        {M "\4\0\0\x20\4\5\6\7" M "\4\0\0\x40\4\5\6\7",
         24,
         {"its part at byte 24: the file ends inside", "(continuation flag 2)", ""}},
        {M "\0\0\0\0" M "\4\0\0\x40\4\5\6\7",
         20,
         {"record 2 at byte 8: part of a split record (continuation flag 2) without its first one",
          "expected a whole record", "again"}},
        {M "\4\0\0\x60\4\5\6\7", 12, {"record 1 at byte 0: part of", "flag 3)", ""}},
        {M "\0\0\0\x20" M "\0\0\0\x20" M "\0\0\0\x60",
         24,
         {"record 1 at byte 0, its part at byte 8: a frame with continuation flag 1 inside a split",
          "flag 2 or 3", "again"}},
        {M "\0\0\0\x20" M "\0\0\0\0", 16, {"its part at byte 8: a frame with", "flag 0 ", ""}},
        {M "\0\0\0\x20" M "\0\0\0\xa0", 16, {"its part at byte 8: continuation flag 5", "", ""}},
        {M "\0\0\0\x20" M "\0\0\0\x40"
           "abcdefgh",
         24,
         {"its part at byte 16: found 61 62 63 64, expected", "damaged here", "are missing"}},
        {M "\0\0\0\x20" M "\1\0\0", 15, {"its part at byte 8", "header (7 of 8", ""}},
        {M "\0\0\0\x20" M "\2\0\0\x60"
           "a",
         17,
         {"its part at byte 8", "payload (1 of 2", ""}},
        {M "\0\0\0\x20" M "\1\0\0\x60"
           "abc",
         19,
         {"its part at byte 8", "padding (2 of 3", ""}},
        {M "\0\0\0\x20" M "\x61\0\0\x60", 16, {"a length of 101 bytes", "at most 100", ""}},
        {M "\4\0\0\xe0\4\5\6\7", 12, {"continuation flag 7, expected 0 to 3", "damaged", ""}},
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
    assert_int_equal(allocations, 3); /* file, stream, its first buffer */
}

/* Bytes of a file as MXNet writes it, put together for a test. */
struct image {
    unsigned char *p;
    size_t n;
};

static void put_part(struct image *f, unsigned flag, const unsigned char *p, size_t n)
{
    const uint32_t head[2] = {KM_RECORDIO_MAGIC, (uint32_t)flag << 29 | (uint32_t)n};

    memcpy(f->p + f->n, head, 8);
    if (n > 0)
        memcpy(f->p + f->n + 8, p, n);
    memset(f->p + f->n + 8 + n, 0, (4 - n % 4) % 4);
    f->n += 8 + n + (4 - n % 4) % 4;
}

/* A record, split wherever the magic number stands at a multiple of 4; how many parts it got. */
static int put_split(struct image *f, const unsigned char *p, size_t n)
{
    size_t from = 0;
    int parts = 1;

    for (size_t i = 0; i + 4 <= n; i += 4) {
        if (memcmp(p + i, M, 4) != 0)
            continue;
        put_part(f, parts++ == 1 ? 1 : 2, p + from, i - from);
        from = i + 4;
    }
    put_part(f, parts == 1 ? 0 : 3, p + from, n - from);
    return parts;
}

/* A payload in which every third word or so is the magic number, also where nothing is split. */
static void fill(unsigned char *p, size_t n, struct km_rng *g)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)km_rng_below(g, 256);
    for (size_t i = 0; i + 4 <= n; i += km_rng_below(g, 9) ? 4 : 3)
        if (km_rng_below(g, 3) == 0)
            memcpy(p + i, M, 4);
}

static void split_records_are_joined_as_mxnet_wrote_them(void **state)
{
    enum { MOST = 100, RECORDS = 30 };
    static unsigned char payload[RECORDS][MOST], file[RECORDS * 4 * MOST];
    const unsigned char *p;
    struct km_rng g;
    int split = 0;

    (void)state;
    km_rng_seed(&g, test_seed(), 6, 0);
    for (int run = 0; run < 50; run++) {
        struct image f = {file, 0};
        size_t n[RECORDS], len;
        struct km_stream *s;
        struct km_err err;

        for (size_t r = 0; r < RECORDS; r++) {
            n[r] = (size_t)km_rng_below(&g, MOST + 1);
            fill(payload[r], n[r], &g);
            split += put_split(&f, payload[r], n[r]) > 2;
        }
        assert_ok(km_stream_open(&s, test_file("split", f.p, f.n), &err), err);
        for (size_t r = 0; r < RECORDS; r++) {
            assert_int_equal(km_recordio_next(s, r + 1, MOST, &p, &len, &err), KM_MORE);
            assert_int_equal(len, n[r]);
            assert_memory_equal(p, payload[r], len);
        }
        assert_int_equal(km_recordio_next(s, RECORDS + 1, MOST, &p, &len, &err), KM_OK);
        km_stream_close(s);
    }
    assert_true(split > 500);
}

static void every_truncation_of_a_split_record_is_an_error_that_stays(void **state)
{
    static const unsigned char payload[] = M "abcd" M M "efgh" M "xy";
    unsigned char file[200];
    struct image f = {file, 0};
    const unsigned char *p;
    struct km_err err, again;
    struct km_stream *s;
    size_t len;

    (void)state;
    assert_int_equal(put_split(&f, payload, sizeof(payload) - 1), 5);
    for (size_t cut = 1; cut <= f.n; cut++) {
        assert_ok(km_stream_open(&s, test_file("cut", f.p, cut), &err), err);
        if (cut < f.n) {
            assert_int_equal(km_recordio_next(s, 7, 100, &p, &len, &err), KM_E_INPUT);
            assert_contains(err.msg, "record 7 at byte 0");
            assert_int_equal(km_recordio_next(s, 7, 100, &p, &len, &again), KM_E_INPUT);
            assert_string_equal(err.msg, again.msg);
            assert_int_equal(km_stream_at(s), 0);
        } else {
            assert_int_equal(km_recordio_next(s, 7, 100, &p, &len, &err), KM_MORE);
            assert_int_equal(len, sizeof(payload) - 1);
            assert_memory_equal(p, payload, len);
        }
        km_stream_close(s);
    }
}

static void the_bound_holds_for_the_joined_length(void **state)
{
    static const unsigned char payload[] = "abcd" M "efgh" M "ijk";
    const size_t n = sizeof(payload) - 1;
    unsigned char file[100];
    struct image f = {file, 0};
    const unsigned char *p;
    struct km_stream *s;
    struct km_err err;
    size_t len;

    (void)state;
    put_split(&f, payload, n);
    for (size_t most = 4; most <= n; most++) {
        assert_ok(km_stream_open(&s, test_file("bound", f.p, f.n), &err), err);
        assert_int_equal(km_recordio_next(s, 1, most, &p, &len, &err),
                         most < n ? KM_E_INPUT : KM_MORE);
        if (most < n)
            assert_contains(err.msg, "bytes, expected at most");
        km_stream_close(s);
    }
}

/* Parts, and whole records behind them, on all sides of the ends of the stream's buffer. */
static void parts_larger_than_the_buffer_are_joined(void **state)
{
    static const size_t lens[] = {1 << 16, 3000000, 0, 1048568, 4, 2500000, 5};
    struct image f = {km_alloc(9000000, 1), 0};
    unsigned char *all = km_alloc(9000000, 1);
    const unsigned char *p;
    struct km_stream *s;
    struct km_err err;
    size_t n = 0, len;

    (void)state;
    for (size_t i = 0; i < 7; i++) {
        for (size_t b = 0; b < lens[i]; b++)
            all[n + b] = (unsigned char)(b % 251 + i);
        n += lens[i];
        if (i < 6)
            memcpy(all + n, M, 4);
        n += i < 6 ? 4 : 0;
    }
    put_part(&f, 0, all, 999);
    assert_int_equal(put_split(&f, all, n), 7);
    put_part(&f, 0, all, 77);
    assert_ok(km_stream_open(&s, test_file("large", f.p, f.n), &err), err);
    for (int r = 0; r < 3; r++) {
        assert_int_equal(km_recordio_next(s, 1, KM_RECORDIO_MAX, &p, &len, &err), KM_MORE);
        assert_int_equal(len, r == 0 ? 999 : r == 1 ? n : 77);
        assert_memory_equal(p, all, len);
    }
    assert_int_equal(km_recordio_next(s, 1, KM_RECORDIO_MAX, &p, &len, &err), KM_OK);
    km_stream_close(s);
    km_free(all);
    km_free(f.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_all_sizes_come_back),
        cmocka_unit_test(the_bytes_are_those_of_the_public_writers),
        cmocka_unit_test(an_empty_file_has_no_records),
        cmocka_unit_test(damage_is_told_with_place_finding_and_remedy),
        cmocka_unit_test(every_truncation_is_a_prefix_of_the_records_or_an_error),
        cmocka_unit_test(split_records_are_joined_as_mxnet_wrote_them),
        cmocka_unit_test(every_truncation_of_a_split_record_is_an_error_that_stays),
        cmocka_unit_test(the_bound_holds_for_the_joined_length),
        cmocka_unit_test(parts_larger_than_the_buffer_are_joined),
        cmocka_unit_test(a_claimed_length_takes_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
