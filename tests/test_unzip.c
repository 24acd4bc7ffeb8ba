/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/rows_help.h"

#include "io/unzip.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#define LATER 8u

static unsigned char zip[4000];
static size_t zip_n;

static void put(const void *bytes, size_t n)
{
    assert_true(zip_n + n <= sizeof(zip));
    memcpy(zip + zip_n, bytes, n);
    zip_n += n;
}

static void put_u32(size_t v)
{
    const unsigned char b[] = {(unsigned char)v, (unsigned char)(v >> 8), (unsigned char)(v >> 16),
                               (unsigned char)(v >> 24)};

    put(b, 4);
}

/* The data of a member, stored (method 0) or deflated (8). */
static size_t pack(unsigned char *out, size_t room, const void *bytes, size_t n, int method)
{
    z_stream z = {0};

    if (method != 8) {
        assert_true(n <= room);
        memcpy(out, bytes, n);
        return n;
    }
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)bytes;
    z.avail_in = (unsigned)n;
    z.next_out = out;
    z.avail_out = (unsigned)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

/* Adds a member; `large`: its sizes are those of 64 bits. */
static void add(const char *name, const void *bytes, size_t n, int method, unsigned flags,
                int large)
{
    static unsigned char data[2000];
    size_t packed = pack(data, sizeof(data), bytes, n, method);
    size_t crc = crc32(0, bytes, (unsigned)n);
    int later = (flags & LATER) != 0;

    put("PK\3\4\x2d", 6);
    put((unsigned char[]){(unsigned char)flags, 0, (unsigned char)method, 0, 0, 0, 0, 0}, 8);
    put_u32(later ? 0 : crc);
    put_u32(large ? UINT32_MAX : later ? 0 : packed);
    put_u32(large ? UINT32_MAX : later ? 0 : n);
    put((unsigned char[]){(unsigned char)strlen(name), 0, large ? 20 : 0, 0}, 4);
    put(name, strlen(name));
    if (large) {
        put("\1\0\x10\0", 4);
        put_u32(n);
        put_u32(0);
        put_u32(packed);
        put_u32(0);
    }
    put(data, packed);
    if (later) {
        put("PK\7\10", 4);
        put_u32(crc);
        put_u32(packed);
        put_u32(n);
    }
}

static void end_zip(void)
{
    put("PK\1\2and so on", 12);
}

/* A stream of the archive: one that can be read again, or a pipe. */
static struct km_stream *open_zip(int piped)
{
    struct km_stream *s;
    struct km_err err;
    static char path[40];
    int ends[2];

    if (!piped) {
        assert_ok(km_stream_open_memory(&s, "file", zip, zip_n, &err), err);
        return s;
    }
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], zip, zip_n), zip_n);
    close(ends[1]);
    snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
    assert_ok(km_stream_open(&s, path, &err), err);
    close(ends[0]);
    return s;
}

/* All bytes of the member as text, or the failure. */
static int read_member(const char *name, int piped, char *out, size_t size, struct km_err *err)
{
    struct km_stream *s = open_zip(piped);
    const unsigned char *p;
    size_t got = 0;
    int rc = km_unzip(&s, name, err);

    for (int turn = 0; rc == KM_OK && turn < 2 - piped; turn++) {
        rc = km_stream_seek(s, 0, err); /* again */
        if (rc == KM_OK)
            rc = km_stream_peek(s, size, &p, &got, err);
    }
    if (rc == KM_OK) {
        assert_true(got < size);
        memcpy(out, p, got);
        out[got] = '\0';
    }
    km_stream_close(s);
    return rc;
}

static void members_of_every_kind_are_read_by_name_or_alone(void **state)
{
    static const struct {
        int method;
        unsigned flags;
        int large;
    } kinds[] = {{0, 0, 0}, {8, 0, 0}, {0, 0, 1}, {8, 0, 1}, {8, LATER, 0}};
    char text[600], many[500];
    struct km_err err;

    (void)state;
    memset(many, 'm', sizeof(many));
    many[499] = '\0';
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        for (int piped = 0; piped < 2; piped++) {
            zip_n = 0;
            add("read me.txt", "text", 4, kinds[i].method, kinds[i].flags, kinds[i].large);
            add("x.npy", many, 499, kinds[i].method, kinds[i].flags, kinds[i].large);
            assert_true(km_unzip_is(zip, zip_n));
            add("more.txt", "text", 4, kinds[i].method, kinds[i].flags, kinds[i].large);
            end_zip();
            assert_ok(read_member("", piped, text, sizeof(text), &err), err);
            assert_string_equal(text, many);
            assert_ok(read_member("x.npy", piped, text, sizeof(text), &err), err);
            assert_string_equal(text, many);
            zip_n -= 12;
            add("y.npy", "y", 1, kinds[i].method, kinds[i].flags, kinds[i].large);
            end_zip();
            assert_ok(read_member("y", piped, text, sizeof(text), &err), err);
            assert_string_equal(text, "y");
            assert_int_equal(read_member("", piped, text, sizeof(text), &err), KM_E_INPUT);
            assert_contains(err.msg, piped ? "found the arrays 'x' and 'y', expected one; name it"
                                           : "file: found several arrays, expected one; name it");
            assert_int_equal(read_member("z", piped, text, sizeof(text), &err), KM_E_INPUT);
            assert_contains(err.msg, "found no array 'z'; its arrays are: x, y");
        }
    }
}

static void what_a_pipe_gave_is_kept_as_it_was_asked_for(void **state)
{
    static unsigned char much[(size_t)3 << 19]; /* more than a stream's buffer */
    const unsigned char *p;
    struct km_stream *s;
    struct km_err err;
    size_t got;

    (void)state;
    zip_n = 0;
    add("x.npy", much, sizeof(much), 8, 0, 0);
    end_zip();
    s = open_zip(1);
    km_stream_keep(s, 1);
    assert_ok(km_unzip(&s, "", &err), err);
    for (size_t n = 0; n < sizeof(much); n += 1024) {
        assert_ok(km_stream_peek(s, 1024, &p, &got, &err), err);
        assert_true(got >= 1024);
        km_stream_skip(s, 1024);
    }
    assert_ok(km_stream_seek(s, 0, &err), err);
    km_stream_keep(s, 0);
    assert_ok(km_stream_peek(s, sizeof(much) + 1, &p, &got, &err), err);
    assert_int_equal(got, sizeof(much));
    km_stream_close(s);
}

static void other_archives_are_refused(void **state)
{
    static const struct {
        const char *name;
        int method;
        unsigned flags;
        const char *says;
    } cases[] = {
        {"x.npy", 0, 1, "file: array 'x' is encrypted"},
        {"x.npy", 12, 0, "file: array 'x' is compressed by method 12 of zip, expected 0"},
        {"x.npy", 0, LATER, "file: array 'x' is stored without its size in front"},
        {"x.csv", 0, 0, "file: found no array (NAME.npy) in the zip archive"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct km_err err;
        char text[100];

        zip_n = 0;
        add(cases[i].name, "text", 4, cases[i].method, cases[i].flags, 0);
        end_zip();
        assert_int_equal(read_member("", 0, text, sizeof(text), &err), KM_E_INPUT);
        assert_contains(err.msg, cases[i].says);
    }
}

static void every_cut_and_change_is_rows_or_an_error(void **state)
{
    static const char npy[] =
        "\x93NUMPY\1\0\x3c\0{'descr': '|u1', 'fortran_order': False, 'shape': "
        "(3, 2), }\n\1\2\3\4\5\6";
    const struct km_format f = {.kind = &km_format_npy, .label_size = -1};

    (void)state;
    for (int method = 0; method <= 8; method += 8) {
        struct read_rows got;

        zip_n = 0;
        add("x.npy", npy, sizeof(npy) - 1, method, method ? LATER : 0, 0);
        end_zip();
        got = read_rows(f, zip, zip_n);
        assert_read(&got, (const float[]){1, 2, 3, 4, 5, 6}, 3, 2);
        hurt_each_byte(f, zip, zip_n - 8, 1);
        cut_in_two(f, zip, zip_n);
        for (size_t i = zip_n - 40; i < zip_n - 30; i++) { /* the data: the check sum sees it */
            zip[i] ^= 1;
            got = read_rows(f, zip, zip_n);
            assert_int_equal(got.rc, KM_E_INPUT);
            zip[i] ^= 1;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_of_every_kind_are_read_by_name_or_alone),
        cmocka_unit_test(what_a_pipe_gave_is_kept_as_it_was_asked_for),
        cmocka_unit_test(other_archives_are_refused),
        cmocka_unit_test(every_cut_and_change_is_rows_or_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
