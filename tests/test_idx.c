/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "base/mem.h"
#include "io/gunzip.h"
#include "io/idx.h"

#include <unistd.h>
#include <zlib.h>

#define HEADER 16

/* Two images of 2 x 3 pixels. */
static const unsigned char images[HEADER + 12] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0,   0,
                                                  0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 255, 12};
static const unsigned char labels[8 + 3] = {0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4};

static char path[512];

/* Writes bytes as they are, or through gzip. */
static void put_file(const void *bytes, size_t n, int gzip)
{
    gzFile f;

    snprintf(path, sizeof(path), "%s/file", test_folder());
    f = gzopen(path, gzip ? "wb" : "wbT");
    assert_non_null(f);
    assert_int_equal(n ? gzwrite(f, bytes, (unsigned)n) : 0, n);
    assert_int_equal(gzclose(f), Z_OK);
}

static void remove_file(void)
{
    assert_int_equal(unlink(path), 0);
    *strrchr(path, '/') = 0;
    assert_int_equal(rmdir(path), 0);
}

/* Opens the file at `path`, and says how that went. */
static int open_idx(struct km_stream **s, struct km_idx **x, struct km_err *err)
{
    int zipped, rc = km_stream_open(s, path, err);

    *x = NULL;
    if (rc == KM_OK)
        rc = km_gunzip(s, &zipped, err);
    return rc ? rc : km_idx_open(x, *s, err);
}

/* Everything of the file: KM_OK, or the first failure. *rows counts the items. */
static int read_all(unsigned char *bytes, size_t *rows, struct km_err *err)
{
    const unsigned char *item;
    struct km_stream *s;
    struct km_idx *x;
    int rc = open_idx(&s, &x, err);

    *rows = 0;
    assert_true(rc == KM_OK || !x);
    while (x && (rc = km_idx_next(x, &item, err)) == KM_MORE)
        memcpy(bytes + (*rows)++ * km_idx_dim(x), item, km_idx_dim(x));
    km_idx_close(x);
    km_stream_close(s);
    return rc;
}

static void images_are_read_plain_and_gzipped(void **state)
{
    unsigned char b[64];
    struct km_stream *s;
    struct km_idx *x;
    struct km_err err;
    size_t rows;

    (void)state;
    for (int gzip = 0; gzip < 2; gzip++) {
        put_file(images, sizeof(images), gzip);
        assert_ok(open_idx(&s, &x, &err), err);
        assert_int_equal(km_idx_axes(x), 3);
        assert_int_equal(km_idx_rows(x), 2);
        assert_int_equal(km_idx_dim(x), 6);
        km_idx_close(x);
        km_stream_close(s);
        assert_ok(read_all(b, &rows, &err), err);
        assert_int_equal(rows, 2);
        assert_memory_equal(b, images + HEADER, 12);
        remove_file();
    }
}

static void labels_are_items_of_one_byte(void **state)
{
    unsigned char b[64];
    struct km_err err;
    size_t rows;

    (void)state;
    put_file(labels, sizeof(labels), 1);
    assert_ok(read_all(b, &rows, &err), err);
    assert_int_equal(rows, 3);
    assert_memory_equal(b, "\5\0\4", 3);
    remove_file();
}

static void the_first_bytes_tell_what_a_file_is(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        int idx;
    } cases[] = {
        {"\0\0\x08\3\0\0\0\1", 8, 1},
        {"\0\0\x0d\2\0\0\0\1", 8, 1},
        {"\0\0\x07\3", 4, 0},
        {"\0\0\x08\0", 4, 0},
        {"1,2,3\n", 6, 0},
        {"\x0a\x23\xd7\xce", 4, 0},
        {"", 0, 0},
        {"\0\0\x08", 3, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(km_idx_is((const unsigned char *)cases[i].bytes, cases[i].n),
                         cases[i].idx);
}

static void every_truncation_is_an_input_error(void **state)
{
    unsigned char b[64], zipped[256];
    struct km_err err;
    size_t rows, n;
    FILE *f;

    (void)state;
    for (size_t cut = 0; cut < sizeof(images); cut++) {
        put_file(images, cut, 0);
        assert_int_equal(read_all(b, &rows, &err), KM_E_INPUT);
        assert_contains(err.msg, path);
        assert_contains(err.msg, "byte");
        remove_file();
    }
    put_file(images, sizeof(images), 1);
    f = fopen(path, "rb");
    n = fread(zipped, 1, sizeof(zipped), f);
    fclose(f);
    remove_file();
    for (size_t cut = 0; cut < n; cut++) {
        put_file(zipped, cut, 0);
        assert_int_equal(read_all(b, &rows, &err), KM_E_INPUT);
        assert_contains(err.msg, path);
        remove_file();
    }
}

static void damaged_gzip_data_is_an_input_error(void **state)
{
    unsigned char b[64], zipped[256];
    struct km_err err;
    size_t rows, n;
    FILE *f;

    (void)state;
    put_file(images, sizeof(images), 1);
    f = fopen(path, "rb");
    n = fread(zipped, 1, sizeof(zipped), f);
    fclose(f);
    remove_file();
    zipped[n - 6] ^= 1; /* the check sum: seen only by who reads to the very end */
    put_file(zipped, n, 0);
    assert_int_equal(read_all(b, &rows, &err), KM_E_INPUT);
    assert_contains(err.msg, "damaged or cut gzip");
    remove_file();
}

static void wrong_headers_are_refused_with_place_and_reason(void **state)
{
    static const struct {
        size_t at;
        unsigned char value;
        const char *part, *part2;
    } cases[] = {
        {0, 1, "byte 0: found 01 00 08 03", "00 00 08 03"},
        {2, 13, "byte 2: found IDX element type 13", "unsigned byte"},
        {3, 0, "byte 3: found 0 axes", "expected 1 to 8"},
        {3, 9, "byte 3: found 9 axes", "expected 1 to 8"},
        {11, 0, "byte 8: found 0 as the size of axis 2", "expected items"},
        {12, 255, "byte 12: found 4278190083 as the size of axis 3", "expected items"},
        {7, 3, "byte 28: the file ends within item 3", "expected 3 items of 6 bytes"},
        {7, 1, "byte 22: found more bytes", "expected the end after 1 items"},
    };
    unsigned char b[64], bad[sizeof(images)];
    struct km_err err;
    size_t rows;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memcpy(bad, images, sizeof(images));
        bad[cases[i].at] = cases[i].value;
        put_file(bad, sizeof(bad), 0);
        assert_int_equal(read_all(b, &rows, &err), KM_E_INPUT);
        assert_contains(err.msg, path);
        assert_contains(err.msg, cases[i].part);
        assert_contains(err.msg, cases[i].part2);
        remove_file();
    }
}

static void no_memory_is_an_error_and_leaks_nothing(void **state)
{
    struct km_stream *s;
    struct km_idx *x;
    struct km_err err;

    (void)state;
    assert_ok(km_stream_open_memory(&s, "images", images, sizeof(images), &err), err);
    km_alloc_fail_at(1);
    assert_int_equal(km_idx_open(&x, s, &err), KM_E_MEM);
    assert_null(x);
    km_alloc_fail_at(0);
    assert_ok(km_idx_open(&x, s, &err), err);
    km_idx_close(x);
    km_stream_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_are_read_plain_and_gzipped),
        cmocka_unit_test(labels_are_items_of_one_byte),
        cmocka_unit_test(the_first_bytes_tell_what_a_file_is),
        cmocka_unit_test(every_truncation_is_an_input_error),
        cmocka_unit_test(damaged_gzip_data_is_an_input_error),
        cmocka_unit_test(wrong_headers_are_refused_with_place_and_reason),
        cmocka_unit_test(no_memory_is_an_error_and_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
