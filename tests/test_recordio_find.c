/* SPDX-License-Identifier: Apache-2.0 */
/* The first record behind a byte, against reading from the first byte on. */
#include "tests/io_help.h"

#include "base/rng.h"
#include "io/recordio.h"

#define MAX_LEN 60
#define BYTES   6000

struct bytes {
    unsigned char p[BYTES + 4 * MAX_LEN];
    size_t n;
};

static void put_header(unsigned char *p, size_t len)
{
    memcpy(p, "\x0a\x23\xd7\xce", 4);
    for (int i = 0; i < 4; i++)
        p[4 + i] = (unsigned char)(len >> (8 * i));
}

/* A payload that is full of headers at places where records begin: of random lengths, of frames
 * that end where the payload does, and of frames that reach over records that follow. */
static void fill_with_headers(unsigned char *p, size_t len, struct km_rng *g)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (unsigned char)km_rng_below(g, 256);
    for (size_t i = 0; i + 8 <= len; i += 4) {
        size_t rest = len - i - 8;

        if (km_rng_below(g, 3) == 0)
            put_header(p + i, (km_rng_below(g, 2) ? rest : (size_t)km_rng_below(g, 2 * MAX_LEN)) |
                                  (size_t)km_rng_below(g, 5) << 29);
    }
}

/* A frame of this flag with a payload of len bytes; evil of 8 are full of headers. */
static void put_frame(struct bytes *b, unsigned flag, size_t len, uint32_t evil, struct km_rng *g)
{
    put_header(b->p + b->n, (size_t)flag << 29 | len);
    memset(b->p + b->n + 8, 'x', len + 3);
    if (km_rng_below(g, 8) < evil)
        fill_with_headers(b->p + b->n + 8, len, g);
    b->n += 8 + ((len + 3) & ~(size_t)3);
}

/* A record in several parts; with the magic numbers between them it has up to MAX_LEN bytes. */
static void put_split(struct bytes *b, uint32_t evil, struct km_rng *g)
{
    size_t left = MAX_LEN, len;
    unsigned flag = 1;

    do {
        len = (size_t)km_rng_below(g, left < 20 ? left - 3 : 17);
        put_frame(b, flag, len, evil, g);
        left -= len + 4;
        flag = 2;
    } while (left > 8 && km_rng_below(g, 3) > 0);
    put_frame(b, 3, (size_t)km_rng_below(g, left + 1), evil, g);
}

/* Records with payloads of 0..MAX_LEN bytes, a third of them split. */
static void make_records(struct bytes *b, size_t want, uint32_t evil, struct km_rng *g)
{
    b->n = 0;
    while (b->n < want) {
        if (km_rng_below(g, 3) == 0)
            put_split(b, evil, g);
        else
            put_frame(b, 0, (size_t)km_rng_below(g, MAX_LEN + 1), evil, g);
    }
}

/* Checks each place of the file: where does a reader of all that begins there begin? */
static void check_all_places(const struct bytes *b)
{
    const char *path = test_file("find", b->p, b->n);
    const unsigned char *payload;
    struct km_stream *all, *s;
    struct km_err err;
    size_t len;

    assert_ok(km_stream_open(&all, path, &err), err);
    assert_ok(km_stream_open(&s, path, &err), err);
    for (uint64_t from = 0; from < b->n + 9; from++) {
        while (km_stream_at(all) < from &&
               km_recordio_next(all, 1, MAX_LEN, &payload, &len, &err) == KM_MORE)
            ;
        assert_ok(km_recordio_find(s, from, MAX_LEN, &err), err);
        assert_int_equal(km_stream_at(s), km_stream_at(all));
    }
    km_stream_close(all);
    km_stream_close(s);
}

static void every_place_leads_to_the_record_that_a_reader_from_the_start_meets(void **state)
{
    struct bytes b;
    struct km_rng g;

    (void)state;
    km_rng_seed(&g, test_seed(), 4, 0);
    for (uint32_t run = 0; run < 40; run++) {
        make_records(&b, run < 8 ? run * 16 : BYTES, run % 9, &g);
        check_all_places(&b);
    }
}

/* Damage: from all places before it, and up to the last record that begins before it, the answer
 * is still exact; and nobody who begins at or before it gets past it. */
static void damage_is_never_stepped_over(void **state)
{
    const unsigned char *payload;
    struct km_stream *all, *s;
    struct km_err err;
    struct bytes b;
    struct km_rng g;
    size_t len;

    (void)state;
    km_rng_seed(&g, test_seed(), 4, 1);
    for (uint32_t run = 0; run < 200; run++) {
        uint64_t broken;
        const char *path;

        make_records(&b, BYTES / 4, run % 9, &g);
        b.n -= (size_t)km_rng_below(&g, 2) * (size_t)km_rng_below(&g, 9); /* also cut at the end */
        b.p[km_rng_below(&g, (uint32_t)b.n)] ^= (unsigned char)(1u << km_rng_below(&g, 8));
        path = test_file("broken", b.p, b.n);
        assert_ok(km_stream_open(&all, path, &err), err);
        assert_ok(km_stream_open(&s, path, &err), err);
        while (km_recordio_next(all, 1, MAX_LEN, &payload, &len, &err) == KM_MORE)
            ;
        broken = km_stream_at(all); /* or the end of the file */
        assert_ok(km_stream_seek(all, 0, &err), err);
        for (uint64_t from = 0; from <= broken; from++) {
            while (km_stream_at(all) < from)
                assert_int_equal(km_recordio_next(all, 1, MAX_LEN, &payload, &len, &err), KM_MORE);
            assert_ok(km_recordio_find(s, from, MAX_LEN, &err), err);
            assert_int_equal(km_stream_at(s), km_stream_at(all));
        }
        km_stream_close(all);
        km_stream_close(s);
    }
}

static void a_short_look_is_enough_in_a_large_file(void **state)
{
    const uint64_t hole = (uint64_t)1 << 33;
    const char *path = test_path("large");
    unsigned char frame[16] = {0};
    struct km_stream *s;
    struct km_err err;
    FILE *f = fopen(path, "wb");

    (void)state;
    /* 8 GiB of nothing, then records: a reader from the start would fail at once. */
    put_header(frame, 8);
    assert_non_null(f);
    assert_int_equal(fseeko(f, (off_t)hole, SEEK_SET), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(fwrite(frame, 1, 16, f), 16);
    assert_int_equal(fclose(f), 0);
    assert_ok(km_stream_open(&s, path, &err), err);
    assert_ok(km_recordio_find(s, hole + 1001, MAX_LEN, &err), err);
    assert_int_equal(km_stream_at(s), hole + 1008);
    km_stream_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_leads_to_the_record_that_a_reader_from_the_start_meets),
        cmocka_unit_test(damage_is_never_stepped_over),
        cmocka_unit_test(a_short_look_is_enough_in_a_large_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
