/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/hex_help.h"
#include "tests/io_help.h"

#include "base/mem.h"
#include "base/rng.h"
#include "io/record.h"
#include "io/record_slow.h"

#include <float.h>
#include <math.h>

/* A copy that ends with its allocation, so that the sanitizer sees a read behind it. */
static int decode(const unsigned char *bytes, size_t n, float *row, size_t dim, int slow,
                  struct km_err *err)
{
    unsigned char *copy = malloc(n ? n : 1);
    struct km_record_reader *r;
    int rc;

    assert_non_null(copy);
    memcpy(copy, bytes, n);
    assert_ok(km_record_reader_open(&r, err), *err);
    rc = slow ? km_record_slow_decode(r, copy, n, row, dim, err)
              : km_record_decode(r, copy, n, row, dim, err);
    km_record_reader_close(r);
    free(copy);
    return rc;
}

#define KEY "0a06 76616c756573 "

static void records_of_all_shapes_are_decoded(void **state)
{
    static const struct {
        const char *hex;
        size_t dim;
        float row[4];
    } cases[] = {
        /* the samples of docs/formats.md */
        {"0a1a " KEY "1210 120e 0a0c 0000803f 00000040 000000bf", 3, {1, 2, -0.5f}},
        {"0a1a " KEY "1210 120e 0a0c 0000803f 00000000 00000000 1212 " KEY
         "1208 1206 0a04 0000803f",
         3,
         {1, 0, 0}},
        {"0a1e " KEY "1214 1a12 0a10 000000000000f03f 0000000000000040", 2, {1, 2}},
        {"0a19 " KEY "120f 3a0d 0a0b 01 ffffffffffffffffff01", 2, {1, -1}},
        /* sparse: keys 1 and 3, shape 4; then keys 3, 0 without shape; then zeros */
        {"0a1e " KEY "1214 1212 0a08 00004040 00008040 1202 0103 1a02 8400", 4, {0, 3, 0, 4}},
        {"0a1a " KEY "1210 120e 0a08 00004040 00008040 1202 0300", 4, {4, 0, 0, 3}},
        {"0a0f " KEY "1205 1203 1a01 04", 4, {0, 0, 0, 0}},
        /* dense with shape */
        {"0a19 " KEY "120f 120d 0a08 0000803f 00000040 1a01 02", 2, {1, 2}},
        /* unpacked, and packed and unpacked mixed */
        {"0a16 " KEY "120c 120a 0d 0000803f 0d 00000040", 2, {1, 2}},
        {"0a17 " KEY "120d 120b 0a04 0000803f 0d 00000040", 2, {1, 2}},
        /* unpacked int32 and keys */
        {"0a14 " KEY "120a 3a08 0805 1001 0807 1000", 2, {7, 5}},
        /* value before key; label before features */
        {"0a12 1208 1206 0a04 0000803f " KEY, 1, {1}},
        {"1204 0a00 1200 0a12 " KEY "1208 1206 0a04 0000803f", 1, {1}},
        /* other features around it, unknown fields, uid, metadata, configuration */
        {"0a05 0a01 78 1200 0a12 " KEY "1208 1206 0a04 0000803f 0a05 0a01 79 1200", 1, {1}},
        {"0a12 " KEY "1208 1206 0a04 0000803f 3801 1a01 61 2201 62 2a00", 1, {1}},
        {"0a12 " KEY "1208 1206 0a04 0000803f 1a01 61 2201 62 2a00", 1, {1}},
        /* "values" twice: the last counts; two kinds in one value: the last counts */
        {"0a12 " KEY "1208 1206 0a04 0000803f 0a12 " KEY "1208 1206 0a04 00000040", 1, {2}},
        {"0a18 " KEY "120e 1206 0a04 0000803f 3a04 0a02 ac02", 1, {300}},
        /* a length written in more bytes than needed */
        {"0a9200 " KEY "1208 1206 0a04 0000803f", 1, {1}},
    };
    struct km_err err;
    float row[4];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        unsigned char bytes[128];
        size_t n = from_hex(cases[i].hex, bytes, sizeof(bytes));

        for (int slow = 0; slow < 2; slow++) {
            memset(row, 0x55, sizeof(row));
            if (decode(bytes, n, row, cases[i].dim, slow, &err))
                fail_msg("case %zu: %s", i, err.msg);
            for (size_t t = 0; t < cases[i].dim; t++) {
                if (row[t] != cases[i].row[t])
                    fail_msg("case %zu: value %zu is %g", i, t, (double)row[t]);
            }
        }
    }
}

static void bad_records_are_refused_with_their_reason(void **state)
{
    static const struct {
        const char *hex;
        size_t dim;
        const char *text;
    } cases[] = {
        {"0a1a " KEY "1210 120e 0a0c 0000803f 00000040 000000bf", 784,
         "3 features, expected 784 (feature_dim); set feature_dim"},
        {"0a0c " KEY "1202 1200", 2, "0 features, expected 2"},
        {"0a10 " KEY "1206 1204 1a02 e807", 784, "1000 features, expected 784"},
        {"0a19 " KEY "120f 120d 0a08 0000803f 00000040 1a01 03", 2, "3 features, expected 2"},
        {"0a12 " KEY "1208 1206 0a04 0000c07f", 1, "value 1 is NaN"},
        {"0a16 " KEY "120c 120a 0a08 00000000 000080ff", 2, "value 2 is infinite"},
        {"0a16 " KEY "120c 1a0a 0a08 1d4a9cf487820748", 1, "value 1 is 1e+39, more than float32"},
        {"0a16 " KEY "120c 1a0a 0a08 9c7500883ce4377e", 1, "value 1 is 1e+300"},
        {"0a16 " KEY "120c 1a0a 0a08 000000000000f07f", 1, "value 1 is infinite"},
        {"0a18 " KEY "120e 4a0c 0a0a 30313233343536373839", 1, "holds bytes"},
        {"0a0a " KEY "1200", 1, "is empty, expected a tensor"},
        {"0a08 " KEY, 1, "holds 0 values"},
        {"0a0c " KEY "1200 1200", 1, "holds 2 values"},
        {"", 1, "found no features at all, expected features[\"values\"]"},
        {"0a05 0a01 78 1200 0a06 0a02 7901 1200", 1, "found only \"x\", \"y?\", expected"},
        {"0a0b 0a07 76616c75657300 1200", 1, "found only \"values?\""},
        {"0a1d " KEY "1213 1211 0a08 00004040 00008040 1201 01 1a02 8400", 4,
         "1 keys and 2 values"},
        {"0a17 " KEY "120d 120b 0a04 00004040 1203 01ac02", 4, "2 keys and 1 values"},
        {"0a16 " KEY "120c 120a 0a04 00004040 1202 ac02", 4,
         "key 300 of a sparse row, expected less"},
        {"0a1a " KEY "1210 120e 0a08 00004040 00008040 1202 0101", 4, "key 1 twice"},
        {"0a19 " KEY "120f 120d 0a04 00004040 1201 01 1a02 0202", 4,
         "sparse tensor of 2 dimensions"},
        {"0a11 " KEY "1207 1205 0a03 000080", 1, "17 bytes that are no protobuf Record"},
        {"ffff", 1, "no protobuf Record"},
    };
    struct km_err err;
    float row[1000];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        unsigned char bytes[128];
        size_t n = from_hex(cases[i].hex, bytes, sizeof(bytes));

        for (int slow = 0; slow < 2; slow++) {
            if (decode(bytes, n, row, cases[i].dim, slow, &err) != KM_E_INPUT)
                fail_msg("case %zu was taken", i);
            if (i != 21) /* its length is not that of the hex */
                assert_contains(err.msg, cases[i].text);
        }
    }
}

static void the_dimension_is_that_of_the_values_or_the_shape(void **state)
{
    static const struct {
        const char *hex;
        int rc;
        size_t dim;
    } cases[] = {
        {"0a1a " KEY "1210 120e 0a0c 0000803f 00000040 000000bf", KM_OK, 3},
        {"0a1e " KEY "1214 1a12 0a10 000000000000f03f 0000000000000040", KM_OK, 2},
        {"0a10 " KEY "1206 1204 1a02 e807", KM_OK, 1000},
        {"0a1a " KEY "1210 120e 0a08 00004040 00008040 1202 0300", KM_E_INPUT, 0},
        {"0a0c " KEY "1202 1200", KM_E_INPUT, 0},
        {"0a14 " KEY "120a 1208 1a06 ffffffffff01", KM_E_INPUT, 0},
    };
    struct km_record_reader *r;
    struct km_err err;

    (void)state;
    assert_ok(km_record_reader_open(&r, &err), err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        unsigned char bytes[128];
        size_t n = from_hex(cases[i].hex, bytes, sizeof(bytes));
        size_t dim = 0;

        assert_int_equal(km_record_dim(r, bytes, n, &dim, &err), cases[i].rc);
        if (cases[i].rc == KM_OK)
            assert_int_equal(dim, cases[i].dim);
    }
    km_record_reader_close(r);
}

static void what_is_encoded_is_decoded_again(void **state)
{
    static const size_t dims[] = {1,   2,    27,   28,   29,   30,   31,     32,    33,
                                  784, 4091, 4092, 4094, 4095, 4096, 524283, 524289};
    struct km_record_reader *r;
    struct km_err err;
    const float label = 7;

    (void)state;
    assert_ok(km_record_reader_open(&r, &err), err);
    for (size_t i = 0; i < sizeof(dims) / sizeof(*dims); i++) {
        size_t dim = dims[i];
        unsigned char *bytes = km_alloc(km_record_size_max(dim), 1);
        float *row = km_alloc(dim, sizeof(*row));
        float *back = km_alloc(dim, sizeof(*row));
        size_t n;

        for (size_t t = 0; t < dim; t++)
            row[t] = (float)t - 3.25f;
        n = km_record_encode(bytes, row, dim, i % 2 ? &label : NULL);
        assert_true(n <= km_record_size_max(dim));
        assert_ok(km_record_decode(r, bytes, n, back, dim, &err), err);
        assert_memory_equal(row, back, dim * sizeof(*row));
        memset(back, 0, dim * sizeof(*row));
        assert_ok(km_record_slow_decode(r, bytes, n, back, dim, &err), err);
        assert_memory_equal(row, back, dim * sizeof(*row));
        km_free(bytes);
        km_free(row);
        km_free(back);
    }
    km_record_reader_close(r);
}

static void every_finite_value_is_taken(void **state)
{
    static const float values[] = {FLT_MAX, -FLT_MAX, 1e30F, -1e-30F, FLT_MIN, 1e-45F, -0.0F, 0};
    enum { DIM = sizeof(values) / sizeof(*values) };
    unsigned char bytes[200];
    float back[DIM];
    struct km_err err;

    (void)state;
    for (int slow = 0; slow < 2; slow++) {
        size_t n = km_record_encode(bytes, values, DIM, NULL);

        assert_ok(decode(bytes, n, back, DIM, slow, &err), err);
        assert_memory_equal(back, values, sizeof(values));
    }
}

/* Appends a length-delimited field. */
static size_t put(unsigned char *out, size_t n, unsigned char tag, const unsigned char *in,
                  size_t len)
{
    assert_true(len < 0x80);
    out[n++] = tag;
    out[n++] = (unsigned char)len;
    memcpy(out + n, in, len);
    return n + len;
}

/* A random record of up to about 110 bytes with dim (1 to 4) values: mostly canonical, sometimes
 * with other types, labels, orders. */
static size_t random_record(struct km_rng *g, size_t dim, unsigned char *out)
{
    static const unsigned char tags[] = {0x12, 0x12, 0x1a, 0x3a, 0x4a};
    unsigned char values[40], tensor[80], value[90], entry[110];
    unsigned char tag = tags[km_rng_below(g, 5)];
    size_t n = 0, nv = 0, nt, nx, ne, size;

    size = tag == 0x12 ? 4 : tag == 0x1a ? 8 : 1;
    for (; nv < dim * size; nv++)
        values[nv] = (unsigned char)km_rng_below(g, size == 1 ? 128 : 256);
    nt = put(tensor, 0, 0x0a, values, nv);
    if (km_rng_below(g, 4) == 0)
        nt = put(tensor, nt, 0x12, (const unsigned char *)"\0\1\2\3", dim);
    if (km_rng_below(g, 4) == 0)
        nt = put(tensor, nt, 0x1a, (const unsigned char *)"\4", 1);
    nx = put(value, 0, tag, tensor, nt);
    ne = put(entry, 0, 0x0a, (const unsigned char *)"values", 6);
    ne = put(entry, ne, 0x12, value, nx);
    n = put(out, n, 0x0a, entry, ne);
    if (km_rng_below(g, 2) == 0)
        n = put(out, n, 0x12, (const unsigned char *)"\x0a\1a\x12\2\x12\0", 7);
    if (km_rng_below(g, 4) == 0)
        n = put(out, n, 0x1a, (const unsigned char *)"uid", 3);
    return n;
}

static void mutate(struct km_rng *g, unsigned char *b, size_t *n)
{
    for (uint64_t m = km_rng_below(g, 4); m > 0 && *n > 0; m--) {
        size_t at = (size_t)km_rng_below(g, *n);

        switch (km_rng_below(g, 4)) {
        case 0:
            b[at] = (unsigned char)km_rng_next(g);
            break;
        case 1:
            b[at] = (unsigned char)(b[at] + (km_rng_next(g) & 1 ? 1 : -1));
            break;
        case 2:
            memmove(b + at, b + at + 1, *n - at - 1);
            --*n;
            break;
        default:
            *n = km_rng_below(g, 3) ? *n : at;
        }
    }
}

/* What protobuf-c says of the first field of the record alone. What follows may be a damaged label
 * or the like, which the fast path does not look into. */
static int decode_first_entry(const unsigned char *b, size_t n, float *row, size_t dim,
                              struct km_err *err)
{
    assert_true(n > 2 && b[0] == 0x0a && b[1] < 0x80 && (size_t)b[1] + 2 <= n);
    return decode(b, (size_t)b[1] + 2, row, dim, 1, err);
}

static void the_fast_path_agrees_with_protobuf_c_on_damaged_records(void **state)
{
    struct km_rng g;
    size_t taken = 0, behind = 0;
    enum { N = 200000 };

    (void)state;
    km_rng_seed(&g, test_seed(), 1, 0);
    for (int i = 0; i < N; i++) {
        unsigned char b[256];
        float fast[8], slow[8];
        struct km_err fast_err, slow_err;
        size_t dim = 1 + (size_t)km_rng_below(&g, 4);
        size_t n = random_record(&g, dim, b);
        int fast_rc, slow_rc;

        mutate(&g, b, &n);
        fast_rc = decode(b, n, fast, dim, 0, &fast_err);
        slow_rc = decode(b, n, slow, dim, 1, &slow_err);
        if (fast_rc != slow_rc || (slow_rc && strcmp(fast_err.msg, slow_err.msg) != 0)) {
            assert_contains(slow_err.msg, "no protobuf Record");
            slow_rc = decode_first_entry(b, n, slow, dim, &slow_err);
            behind++;
        }
        assert_int_equal(fast_rc, slow_rc);
        if (fast_rc == KM_OK)
            assert_memory_equal(fast, slow, dim * sizeof(float));
        else
            assert_string_equal(fast_err.msg, slow_err.msg);
        taken += fast_rc == KM_OK;
    }
    print_message("%zu of %d taken, %zu damaged behind the features\n", taken, N, behind);
    assert_true(taken > N / 20 && taken < N / 2 && behind > 0);
}

static void every_truncation_is_refused(void **state)
{
    static const char *const records[] = {
        "0a1a " KEY "1210 120e 0a0c 0000803f 00000040 000000bf",
        "0a1e " KEY "1214 1212 0a08 00004040 00008040 1202 0103 1a02 8400",
        "0a1e " KEY "1214 1a12 0a10 000000000000f03f 0000000000000040",
    };
    static const size_t dims[] = {3, 4, 2};
    struct km_err err;
    float row[4];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        unsigned char bytes[128];
        size_t n = from_hex(records[i], bytes, sizeof(bytes));

        assert_ok(decode(bytes, n, row, dims[i], 0, &err), err);
        for (size_t cut = 0; cut < n; cut++)
            assert_int_equal(decode(bytes, cut, row, dims[i], 0, &err), KM_E_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_all_shapes_are_decoded),
        cmocka_unit_test(bad_records_are_refused_with_their_reason),
        cmocka_unit_test(the_dimension_is_that_of_the_values_or_the_shape),
        cmocka_unit_test(what_is_encoded_is_decoded_again),
        cmocka_unit_test(every_finite_value_is_taken),
        cmocka_unit_test(the_fast_path_agrees_with_protobuf_c_on_damaged_records),
        cmocka_unit_test(every_truncation_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
