/* SPDX-License-Identifier: Apache-2.0 */
/* Packed integers, against protobuf-c: as they are written, and damaged. */
#include "io/ints.h"

#include "io/record_slow.h"
#include "tests/record_help.h"

#define DIM 60

/* One value, as writers have it, or now and then in more bytes than it needs. */
static void put_value(struct message *m, struct km_rng *g, uint64_t kind)
{
    int64_t v = (int64_t)km_rng_below(g, 1ULL << (1 + km_rng_below(g, 31)));

    if (kind == 0)
        v = (int64_t)km_rng_below(g, 256);
    else if (kind == 1)
        v = km_rng_below(g, 5) ? 0 : (int64_t)km_rng_below(g, 300);
    else if (km_rng_below(g, 2))
        v = -v;
    put_varint(m, (uint64_t)v);
    if (kind == 3 && km_rng_below(g, 8) == 0) {
        m->p[m->n - 1] |= 0x80;
        m->p[m->n++] = (unsigned char)km_rng_below(g, 3);
    }
}

/* Record{features["values"] = Int32Tensor}. */
static struct message record_of_ints(const struct message *values)
{
    struct message tensor = {.n = 0}, text = {.n = 6}, value = {.n = 0}, entry = {.n = 0}, r = {0};

    memcpy(text.p, "values", 6);
    put_field(&tensor, 0x0a, values);
    put_field(&value, 0x3a, &tensor);
    put_field(&entry, 0x0a, &text);
    put_field(&entry, 0x12, &value);
    put_field(&r, 0x0a, &entry);
    return r;
}

static void integers_are_what_protobuf_c_says(void **state)
{
    struct km_record_reader *r;
    struct km_err err, slow_err;
    struct km_rng g;
    size_t fast = 0, good = 0;
    enum { N = 100000 };

    (void)state;
    assert_ok(km_record_reader_open(&r, &err), err);
    km_rng_seed(&g, test_seed(), 4, 0);
    for (int i = 0; i < N; i++) {
        size_t dim = 1 + km_rng_below(&g, DIM);
        uint64_t kind = km_rng_below(&g, 4);
        float row[DIM + 1] = {0}, slow[DIM];
        struct message values = {.n = 0}, record;
        int rc;

        row[dim] = 7;
        for (size_t j = 0; j < dim; j++)
            put_value(&values, &g, kind);
        if (km_rng_below(&g, 3) == 0)
            values.p[km_rng_below(&g, values.n)] ^= (unsigned char)(1U << km_rng_below(&g, 8));
        if (km_rng_below(&g, 8) == 0)
            values.n -= km_rng_below(&g, values.n);
        record = record_of_ints(&values);
        rc = km_record_slow_decode(r, record.p, record.n, slow, dim, &slow_err);
        assert_int_equal(km_record_decode(r, record.p, record.n, row, dim, &err), rc);
        if (rc == KM_OK)
            assert_memory_equal(row, slow, dim * sizeof(*row));
        else
            assert_string_equal(err.msg, slow_err.msg);
        assert_true(row[dim] == 7);
        good += rc == KM_OK;
        fast += rc == KM_OK && km_ints_take(values.p, values.n, row, dim);
    }
    km_record_reader_close(r);
    print_message("%zu of %d good, %zu of them fast\n", good, N, fast);
    assert_true(good > N / 2 && fast > good / 2 && fast < good);
}

static void nothing_else_is_taken(void **state)
{
    static const struct {
        const char *bytes;
        size_t n, dim;
        int taken;
    } cases[] = {
        {"\1\2\3", 3, 3, 1},
        {"\1\2\3", 3, 2, 0},
        {"\1\2\3", 3, 4, 0},
        {"\1\2\x83", 3, 3, 0},                                       /* cut */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 10, 1, 1},        /* -1 */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 11, 1, 0},    /* 11 bytes */
        {"\xff\xff\xff\xff\xff\xff\1", 7, 1, 0},                     /* 7 bytes */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9, 1, 0},           /* cut */
        {"\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\x81", 20, 20, 0},   /* cut */
        {"\1\1\1\1\1\1\1\x81\1\1\1\1\1\1\1\1\1\1\1\1\1", 21, 20, 1}, /* over eight */
        {"", 0, 0, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        float row[32] = {0};
        const unsigned char *p = (const unsigned char *)cases[i].bytes;

        assert_int_equal(km_ints_take(p, cases[i].n, row, cases[i].dim), cases[i].taken);
        if (i == 4)
            assert_true(row[0] == -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_what_protobuf_c_says),
        cmocka_unit_test(nothing_else_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
