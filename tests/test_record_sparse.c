/* SPDX-License-Identifier: Apache-2.0 */
/* Sparse rows from records: the fast path against protobuf-c and against the same row written out.
 */
#include "tests/io_help.h"

#include "base/mem.h"
#include "base/rng.h"
#include "io/record.h"
#include "io/record_slow.h"
#include <math.h>

#define DIM 300

struct bytes {
    unsigned char p[8192];
    size_t n;
};

static void put_varint(struct bytes *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        b->p[b->n++] = (unsigned char)(v | 0x80);
    b->p[b->n++] = (unsigned char)v;
}

static void put_field(struct bytes *b, unsigned char tag, const void *inside, size_t n)
{
    b->p[b->n++] = tag;
    put_varint(b, n);
    memcpy(b->p + b->n, inside, n);
    b->n += n;
}

/* Record{features["values"] = tensor}. */
static struct bytes record_of(const struct bytes *tensor, int is_double)
{
    struct bytes value = {.n = 0}, entry = {.n = 0}, record = {.n = 0};

    put_field(&value, is_double ? 0x1a : 0x12, tensor->p, tensor->n);
    put_field(&entry, 0x0a, "values", 6);
    put_field(&entry, 0x12, value.p, value.n);
    put_field(&record, 0x0a, entry.p, entry.n);
    return record;
}

/* A sparse record as the public writers lay it out; shape 0: none. */
static struct bytes sparse_record(const uint64_t *keys, const double *values, size_t n,
                                  uint64_t shape, int is_double)
{
    struct bytes tensor = {.n = 0}, part = {.n = 0};

    for (size_t i = 0; i < n; i++) {
        float v = (float)values[i];

        memcpy(part.p + part.n, is_double ? (const void *)&values[i] : (const void *)&v,
               is_double ? 8 : 4);
        part.n += is_double ? 8 : 4;
    }
    if (n)
        put_field(&tensor, 0x0a, part.p, part.n);
    part.n = 0;
    for (size_t i = 0; i < n; i++)
        put_varint(&part, keys[i]);
    if (n)
        put_field(&tensor, 0x12, part.p, part.n);
    part.n = 0;
    put_varint(&part, shape);
    if (shape)
        put_field(&tensor, 0x1a, part.p, part.n);
    return record_of(&tensor, is_double);
}

/* What the three ways make of a payload. The payload is copied to the end of a block, so that the
 * sanitizer sees a read behind it. Returns what all of them say. */
static int decode_all(struct km_record_reader *r, const unsigned char *payload, size_t len,
                      struct km_csr *x)
{
    struct km_csr slow;
    struct km_err err = {0}, slow_err = {0}, dense_err = {0};
    float row[DIM], scratch[DIM];
    int rc, slow_rc, dense_rc, sparse = -1, slow_sparse = -1;
    unsigned char *copy = malloc(len ? len : 1);

    assert_non_null(copy);
    memcpy(copy, payload, len);
    assert_ok(km_csr_init(&slow, 1, DIM, DIM, &err), err);
    km_csr_clear(x);
    rc = km_record_decode_sparse(r, copy, len, x, scratch, &sparse, &err);
    slow_rc = km_record_slow_decode_sparse(r, copy, len, &slow, scratch, &slow_sparse, &slow_err);
    dense_rc = km_record_decode(r, copy, len, row, DIM, &dense_err);
    assert_int_equal(rc, slow_rc);
    assert_int_equal(rc, dense_rc);
    if (rc) {
        assert_string_equal(err.msg, slow_err.msg);
        assert_string_equal(err.msg, dense_err.msg);
    } else {
        assert_int_equal(sparse, slow_sparse);
        assert_int_equal(x->n, 1);
        assert_int_equal(x->len[0], slow.len[0]);
        assert_memory_equal(x->col, slow.col, x->len[0] * sizeof(*x->col));
        assert_memory_equal(x->val, slow.val, x->len[0] * sizeof(*x->val));
        for (size_t e = 0; e < x->len[0]; e++) {
            assert_true(x->val[e] != 0 && row[x->col[e]] == x->val[e]);
            row[x->col[e]] = 0;
        }
        for (size_t t = 0; t < DIM; t++)
            assert_true(row[t] == 0);
    }
    km_csr_done(&slow);
    free(copy);
    return rc;
}

static struct km_record_reader *reader(struct km_csr *x)
{
    struct km_record_reader *r;
    struct km_err err;

    assert_ok(km_record_reader_open(&r, &err), err);
    assert_ok(km_csr_init(x, 1, DIM, DIM, &err), err);
    return r;
}

static void sparse_records_become_their_values(void **state)
{
    static const uint64_t keys[] = {0, 7, 127, 128, 299}, mixed[] = {299, 0, 128, 127, 7};
    static const double values[] = {1, -2.5, 0, 4, 1e-40};
    struct km_csr x;
    struct km_record_reader *r = reader(&x);
    struct bytes b;

    (void)state;
    for (int form = 0; form < 4; form++) {
        b = sparse_record(keys, values, 5, form & 1 ? DIM : 0, form & 2);
        assert_int_equal(decode_all(r, b.p, b.n, &x), KM_OK);
        assert_int_equal(x.len[0], 4); /* the zero is not kept */
        assert_int_equal(x.col[2], 128);
        assert_true(x.val[2] == 4);
        b = sparse_record(mixed, values, 5, form & 1 ? DIM : 0, form & 2);
        assert_int_equal(decode_all(r, b.p, b.n, &x), KM_OK);
        assert_int_equal(x.len[0], 4);
    }
    b = sparse_record(keys, values, 0, DIM, 0);
    assert_int_equal(decode_all(r, b.p, b.n, &x), KM_OK);
    assert_int_equal(x.len[0], 0);
    km_csr_done(&x);
    km_record_reader_close(r);
}

static void bad_sparse_records_are_refused_in_the_same_words(void **state)
{
    static const struct {
        uint64_t keys[3];
        double values[3];
        size_t n;
        uint64_t shape;
    } bad[] = {
        {{1, 300, 5}, {1, 2, 3}, 2, DIM},         /* a key outside */
        {{1, 1ull << 40, 5}, {1, 2, 3}, 2, DIM},  /* far outside */
        {{1, 5, 5}, {1, 2, 3}, 3, DIM},           /* twice */
        {{5, 1, 5}, {1, 0, 3}, 3, DIM},           /* twice, not side by side */
        {{1, 2, 3}, {1, (double)NAN, 3}, 3, DIM}, /* not a number */
        {{9, 2, 3}, {(double)INFINITY, 1, (double)NAN}, 3, DIM},
        {{1, 2, 3}, {1, (double)-INFINITY, 3}, 3, DIM},
        {{1, 2, 3}, {1, 2, 3}, 3, DIM + 1},
        {{1, 2, 3}, {1, 2, 3}, 3, DIM - 1},
        {{0}, {0}, 0, DIM + 1},
        {{0}, {0}, 0, 0},
    };
    struct km_csr x;
    struct km_record_reader *r = reader(&x);

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        for (int is_double = 0; is_double < 2; is_double++) {
            struct bytes b =
                sparse_record(bad[i].keys, bad[i].values, bad[i].n, bad[i].shape, is_double);

            assert_int_equal(decode_all(r, b.p, b.n, &x), KM_E_INPUT);
        }
    km_csr_done(&x);
    km_record_reader_close(r);
}

static void keys_and_values_must_be_as_many(void **state)
{
    static const float values[] = {1, 2};
    static const unsigned char keys[] = {1, 2, 3}, cut[] = {1, 0x82}, shape[] = {0xac, 2, 1};
    static const struct {
        const void *keys;
        size_t n_keys, values, shape;
        int rc;
    } cases[] = {
        {keys, 2, 2, 2, KM_OK},      {keys, 1, 2, 2, KM_E_INPUT}, {keys, 3, 2, 2, KM_E_INPUT},
        {keys, 2, 0, 2, KM_E_INPUT}, {keys, 0, 2, 2, KM_E_INPUT}, {cut, 2, 2, 2, KM_E_INPUT},
        {keys, 2, 2, 3, KM_E_INPUT}, {keys, 2, 2, 1, KM_E_INPUT},
    };
    struct km_csr x;
    struct km_record_reader *r = reader(&x);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct bytes tensor = {.n = 0}, b;

        if (cases[i].values)
            put_field(&tensor, 0x0a, values, cases[i].values * sizeof(*values));
        if (cases[i].n_keys)
            put_field(&tensor, 0x12, cases[i].keys, cases[i].n_keys);
        put_field(&tensor, 0x1a, shape, cases[i].shape);
        b = record_of(&tensor, 0);
        assert_int_equal(decode_all(r, b.p, b.n, &x), cases[i].rc);
    }
    km_csr_done(&x);
    km_record_reader_close(r);
}

static void dense_records_become_their_values_that_are_not_zero(void **state)
{
    struct km_csr x;
    struct km_record_reader *r = reader(&x);
    unsigned char out[DIM * 4 + 100];
    float row[DIM] = {0};
    size_t n;

    (void)state;
    row[0] = 1;
    row[299] = -3;
    assert_true(km_record_size_max(DIM) <= sizeof(out));
    n = km_record_encode(out, row, DIM, NULL);
    assert_int_equal(decode_all(r, out, n, &x), KM_OK);
    assert_int_equal(x.len[0], 2);
    row[4] = (float)NAN;
    n = km_record_encode(out, row, DIM, NULL);
    assert_int_equal(decode_all(r, out, n, &x), KM_E_INPUT);
    km_csr_done(&x);
    km_record_reader_close(r);
}

static struct bytes random_record(struct km_rng *rng)
{
    uint64_t keys[40];
    double values[40];
    size_t n = km_rng_below(rng, 40);

    for (size_t i = 0; i < n; i++) {
        keys[i] = i * 7 + km_rng_below(rng, 7);
        values[i] = km_rng_unit(rng) - 0.5;
    }
    return sparse_record(keys, values, n, DIM, (int)km_rng_below(rng, 2));
}

static void every_truncation_is_judged_alike(void **state)
{
    struct km_csr x;
    struct km_record_reader *r = reader(&x);
    struct km_rng rng;

    (void)state;
    km_rng_seed(&rng, test_seed(), 't', 0);
    for (int round = 0; round < 20; round++) {
        struct bytes b = random_record(&rng);

        assert_int_equal(decode_all(r, b.p, b.n, &x), KM_OK);
        for (size_t n = 0; n < b.n; n++)
            assert_int_equal(decode_all(r, b.p, n, &x), KM_E_INPUT);
    }
    km_csr_done(&x);
    km_record_reader_close(r);
}

static void every_mutation_is_judged_alike(void **state)
{
    struct km_csr x;
    struct km_record_reader *r = reader(&x);
    struct km_rng rng;
    size_t good = 0, bad = 0;

    (void)state;
    km_rng_seed(&rng, test_seed(), 't', 1);
    for (int round = 0; round < 60000; round++) {
        struct bytes b = random_record(&rng);

        for (size_t hits = 1 + km_rng_below(&rng, 3); hits > 0; hits--)
            b.p[km_rng_below(&rng, b.n)] = (unsigned char)km_rng_next(&rng);
        if (decode_all(r, b.p, b.n, &x))
            bad++;
        else
            good++;
    }
    assert_true(good > 1000 && bad > 1000);
    km_csr_done(&x);
    km_record_reader_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sparse_records_become_their_values),
        cmocka_unit_test(bad_sparse_records_are_refused_in_the_same_words),
        cmocka_unit_test(keys_and_values_must_be_as_many),
        cmocka_unit_test(dense_records_become_their_values_that_are_not_zero),
        cmocka_unit_test(every_truncation_is_judged_alike),
        cmocka_unit_test(every_mutation_is_judged_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
