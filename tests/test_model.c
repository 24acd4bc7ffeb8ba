/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "base/mem.h"
#include "io/model.h"

#include <unistd.h>

#define MAX_BYTES 256

/* A file in a folder of its own. */
static const char *put_file(const void *bytes, size_t n)
{
    static char path[512];
    FILE *f;

    snprintf(path, sizeof(path), "%s/model_algo-1", test_folder());
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    return path;
}

static void remove_file(const char *path)
{
    char folder[512];

    assert_int_equal(unlink(path), 0);
    snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
    assert_int_equal(rmdir(folder), 0);
}

static size_t get_file(const char *path, unsigned char *bytes, size_t room)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    assert_non_null(f);
    n = fread(bytes, 1, room, f);
    fclose(f);
    return n;
}

/* Appends a little-endian number. */
static size_t put(unsigned char *b, size_t at, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        b[at++] = (unsigned char)(v >> (8 * i));
    return at;
}

static size_t put_values(unsigned char *b, size_t at, const float *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;

        memcpy(&bits, &v[i], 4);
        at = put(b, at, bits, 4);
    }
    return at;
}

static const float six[6] = {1, 2, 3, -4.5F, 1e-30F, 3e38F};

/* The bytes of kmeans-behaviour 5.2, written here a second time by hand. */
static size_t model_bytes(unsigned char *b)
{
    size_t n = 0;

    n = put(b, n, 0x112, 8);
    n = put(b, n, 0, 8);
    n = put(b, n, 1, 8);
    n = put(b, n, 0xF993FAC9, 4);
    n = put(b, n, 0, 4);
    n = put(b, n, 2, 4);
    n = put(b, n, 2, 8);
    n = put(b, n, 3, 8);
    n = put(b, n, 1, 4);
    n = put(b, n, 0, 4);
    n = put(b, n, 0, 4);
    n = put_values(b, n, six, 6);
    return put(b, n, 0, 8);
}

static void fill(struct km_mat *m, size_t k, size_t d, const float *v)
{
    struct km_err err;

    assert_ok(km_mat_init(m, k, d, &err), err);
    for (size_t j = 0; j < k; j++)
        memcpy(km_mat_row(m, j), v + j * d, d * sizeof(*v));
}

static void a_written_model_has_the_documented_bytes(void **state)
{
    unsigned char want[MAX_BYTES], found[MAX_BYTES];
    const char *path = put_file("old", 3);
    size_t n = model_bytes(want);
    struct km_mat c;
    struct km_err err;

    (void)state;
    fill(&c, 2, 3, six);
    assert_ok(km_model_write(path, &c, &err), err);
    assert_int_equal(n, 72 + 4 * 6);
    assert_int_equal(get_file(path, found, sizeof(found)), n);
    assert_memory_equal(found, want, n);
    km_mat_done(&c);
    remove_file(path);
}

/* Reads bytes as a model and expects the six values. */
static void assert_reads_six(const unsigned char *b, size_t n)
{
    const char *path = put_file(b, n);
    struct km_mat c;
    struct km_err err;

    assert_ok(km_model_read(path, &c, &err), err);
    assert_int_equal(c.n, 2);
    assert_int_equal(c.d, 3);
    assert_memory_equal(km_mat_row(&c, 0), six, 12);
    assert_memory_equal(km_mat_row(&c, 1), six + 3, 12);
    assert_true(km_mat_row(&c, 0)[3] == 0);
    km_mat_done(&c);
    remove_file(path);
}

/* The array in another version of the format. */
static size_t variant(unsigned char *b, uint32_t magic, int names)
{
    size_t wide = magic ? 8 : 4, n = put(b, 0, 0x112, 8);

    n = put(b, n, 7, 8); /* reserved: not looked at */
    n = put(b, n, 1, 8);
    if (magic)
        n = put(b, n, magic, 4);
    if (magic == 0xF993FAC9 || magic == 0xF993FACA)
        n = put(b, n, 0, 4);
    n = put(b, n, 2, 4);
    n = put(b, n, 2, wide);
    n = put(b, n, 3, wide);
    n = put(b, n, 2, 4); /* trained on a GPU */
    n = put(b, n, 1, 4);
    n = put(b, n, 0, 4);
    n = put_values(b, n, six, 6);
    n = put(b, n, (uint64_t)names, 8);
    if (names) {
        n = put(b, n, 4, 8);
        n = put(b, n, 0x61616161, 4);
    }
    return n;
}

static void every_version_of_the_format_is_read(void **state)
{
    static const uint32_t magics[] = {0xF993FAC9, 0xF993FAC8, 0xF993FACA, 0};
    unsigned char b[MAX_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
        for (int names = 0; names < 2; names++)
            assert_reads_six(b, variant(b, magics[i], names));
}

static void a_large_model_comes_back_as_written(void **state)
{
    const char *path = put_file("", 0);
    struct km_mat c, back;
    struct km_err err;

    (void)state;
    assert_ok(km_mat_init(&c, 3, 40000, &err), err); /* rows longer than one piece of reading */
    for (size_t j = 0; j < c.n; j++)
        for (size_t t = 0; t < c.d; t++)
            km_mat_row(&c, j)[t] = (float)(j * c.d + t) / 7;
    assert_ok(km_model_write(path, &c, &err), err);
    assert_ok(km_model_read(path, &back, &err), err);
    assert_int_equal(back.n, 3);
    assert_int_equal(back.d, 40000);
    assert_memory_equal(back.v, c.v, c.n * c.ld * sizeof(float));
    km_mat_done(&c);
    km_mat_done(&back);
    remove_file(path);
}

static void assert_refused(const unsigned char *b, size_t n, const char *part, const char *part2)
{
    const char *path = put_file(b, n);
    struct km_mat c;
    struct km_err err = {0};

    assert_int_equal(km_model_read(path, &c, &err), KM_E_INPUT);
    assert_contains(err.msg, path);
    assert_contains(err.msg, part);
    assert_contains(err.msg, part2);
    assert_null(c.v);
    remove_file(path);
}

static void every_truncation_is_an_input_error(void **state)
{
    unsigned char b[MAX_BYTES];
    size_t n = model_bytes(b);

    (void)state;
    for (size_t cut = 0; cut < n; cut++)
        assert_refused(b, cut, "byte", "cut short");
}

static void damaged_models_are_refused_with_place_and_reason(void **state)
{
    static const struct {
        size_t at;
        size_t bytes;
        uint64_t value;
        const char *part, *part2;
    } cases[] = {
        {0, 2, 0x8b1f, "byte 0", "unpack it first"},
        {0, 2, 0x4b50, "byte 0", "zip"},
        {0, 8, 0x113, "byte 0: found file magic 0x113", "expected 0x112"},
        {16, 8, 2, "byte 16: found number of arrays 0x2", "expected 0x1"},
        {24, 4, 0xF993FACB, "byte 24: found array magic 0xf993facb", "0xf993fac9"},
        {24, 4, 1, "byte 24", "0x1"},
        {28, 4, 1, "byte 28: found storage type 0x1", "expected 0x0"},
        {32, 4, 3, "byte 32: found number of axes 0x3", "expected 0x2"},
        {36, 8, 0, "byte 36: found a model of 0 x 3", "at least one center"},
        {44, 8, 0, "byte 36: found a model of 2 x 0", "at least one center"},
        {36, 8, 3, "3 x 3 float32 values", "only 32 bytes follow"},
        {36, 8, UINT64_MAX, "18446744073709551615 x 3", "only 32 bytes follow"},
        {44, 8, (uint64_t)1 << 61, "2 x 2305843009213693952", "only 32 bytes follow"},
        {60, 4, 1, "byte 60: found element type", "expected 0x0"},
        {72, 4, 0x7fc00000, "byte 72: found nan as feature 2 of center 0", "finite"},
        {84, 4, 0xff800000, "byte 84: found -inf as feature 2 of center 1", "finite"},
        {88, 8, 2, "byte 88: found 2 names", "expected 0 or 1"},
    };
    unsigned char b[MAX_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t n = model_bytes(b);

        put(b, cases[i].at, cases[i].value, cases[i].bytes);
        assert_refused(b, n, cases[i].part, cases[i].part2);
    }
}

static void bytes_behind_the_model_are_refused(void **state)
{
    unsigned char b[MAX_BYTES];
    size_t n = model_bytes(b);

    (void)state;
    b[n] = 0;
    assert_refused(b, n + 1, "byte 96", "expected the end of the file");
}

static void what_is_no_file_is_refused(void **state)
{
    struct km_mat c;
    struct km_err err;

    (void)state;
    assert_int_equal(km_model_read("/nowhere/model_algo-1", &c, &err), KM_E_INPUT);
    assert_contains(err.msg, "/nowhere/model_algo-1");
    assert_int_equal(km_model_read("/", &c, &err), KM_E_INPUT);
    assert_contains(err.msg, "no regular file");
}

static void a_folder_that_is_missing_is_a_system_error(void **state)
{
    struct km_mat c;
    struct km_err err;

    (void)state;
    fill(&c, 2, 3, six);
    assert_int_equal(km_model_write("/nowhere/model_algo-1", &c, &err), KM_E_SYS);
    assert_contains(err.msg, "/nowhere/model_algo-1");
    assert_int_equal(km_model_pack("/nowhere/model.tar.gz", &c, &err), KM_E_SYS);
    assert_contains(err.msg, "/nowhere/model.tar.gz");
    km_mat_done(&c);
}

/* One of the three operations on a model in path. */
static int operate(int what, const char *path, const struct km_mat *c, struct km_err *err)
{
    struct km_mat back;
    int rc;

    if (what == 0)
        return km_model_write(path, c, err);
    if (what == 1)
        return km_model_pack(path, c, err);
    rc = km_model_read(path, &back, err);
    km_mat_done(&back);
    return rc;
}

static void no_memory_leaves_no_trace(void **state)
{
    unsigned char b[MAX_BYTES], found[MAX_BYTES];
    size_t n = model_bytes(b);
    const char *path = put_file(b, n);
    struct km_mat c;
    struct km_err err;

    (void)state;
    fill(&c, 2, 3, six);
    for (int what = 2; what >= 0; what--) {
        int rc;

        for (size_t i = 1;; i++) {
            km_alloc_fail_at(i);
            rc = operate(what, path, &c, &err);
            km_alloc_fail_at(0);
            if (rc == KM_OK)
                break;
            assert_int_equal(rc, KM_E_MEM);
            assert_contains(err.msg, "no memory");
        }
    }
    assert_int_equal(get_file(path, found, sizeof(found)), n);
    assert_memory_equal(found, b, n);
    km_mat_done(&c);
    remove_file(path); /* fails if a temporary file stayed in the folder */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_written_model_has_the_documented_bytes),
        cmocka_unit_test(every_version_of_the_format_is_read),
        cmocka_unit_test(a_large_model_comes_back_as_written),
        cmocka_unit_test(every_truncation_is_an_input_error),
        cmocka_unit_test(damaged_models_are_refused_with_place_and_reason),
        cmocka_unit_test(bytes_behind_the_model_are_refused),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(a_folder_that_is_missing_is_a_system_error),
        cmocka_unit_test(no_memory_leaves_no_trace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
