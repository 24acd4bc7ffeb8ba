/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "io/elements.h"

#include <float.h>
#include <math.h>

/* The bytes of n values of `size`, the highest first, behind one byte so that none is aligned. */
static const unsigned char *turned(const void *values, size_t n, size_t size)
{
    static unsigned char out[256];
    const unsigned char *p = values;

    assert_true(n * size < sizeof(out));
    for (size_t i = 0; i < n; i++)
        for (size_t b = 0; b < size; b++)
            out[1 + i * size + b] = p[i * size + size - 1 - b];
    return out + 1;
}

/* Both orders of bytes give these values. */
static void check(char kind, int bytes, const void *values, size_t n, const float *want)
{
    struct km_elements e = {kind, bytes, 0};
    struct km_err err;
    float row[16];

    assert_ok(km_elements_take(&e, values, n, row, &err), err);
    assert_memory_equal(row, want, n * sizeof(*want));
    e.big_endian = 1;
    memset(row, 0, sizeof(row));
    assert_ok(km_elements_take(&e, turned(values, n, (size_t)bytes), n, row, &err), err);
    assert_memory_equal(row, want, n * sizeof(*want));
}

static void every_type_becomes_the_nearest_float32(void **state)
{
    const float f4[] = {-1.5f, 0, FLT_MAX, 1e-45f};
    const double f8[] = {-1.5, 1e-60, 0x1.fffffefp127, 0.1};
    const int64_t i8[] = {INT64_MIN, INT64_MAX, 16777217, -3};
    const uint64_t u8[] = {UINT64_MAX, 16777219, 1, 0};
    const int32_t i4[] = {INT32_MIN, INT32_MAX, -7};
    const uint32_t u4[] = {UINT32_MAX, 7};
    const int16_t i2[] = {INT16_MIN, 258};
    const uint16_t u2[] = {UINT16_MAX, 258};
    const int8_t i1[] = {INT8_MIN, 127};
    const uint8_t u1[] = {255, 128};

    (void)state;
    check('f', 4, f4, 4, f4);
    check('f', 8, f8, 4, (const float[]){-1.5f, 0, FLT_MAX, 0.1f});
    check('i', 8, i8, 4, (const float[]){-0x1p63f, 0x1p63f, 16777216, -3});
    check('u', 8, u8, 4, (const float[]){0x1p64f, 16777220, 1, 0});
    check('i', 4, i4, 3, (const float[]){-0x1p31f, 0x1p31f, -7});
    check('u', 4, u4, 2, (const float[]){0x1p32f, 7});
    check('i', 2, i2, 2, (const float[]){-32768, 258});
    check('u', 2, u2, 2, (const float[]){65535, 258});
    check('i', 1, i1, 2, (const float[]){-128, 127});
    check('u', 1, u1, 2, (const float[]){255, 128});
}

static void every_half_is_exact(void **state)
{
    const struct km_elements e = {'f', 2, 0};

    (void)state;
    for (unsigned bits = 0; bits < 65536; bits++) {
        const uint16_t half = (uint16_t)bits;
        unsigned exponent = bits >> 10 & 31;
        double size = exponent ? (1 + (bits & 1023) / 1024.0) * pow(2, (double)exponent - 15)
                               : (bits & 1023) / 1024.0 * pow(2, -14);
        struct km_err err;
        float v;
        int rc = km_elements_take(&e, (const unsigned char *)&half, 1, &v, &err);

        assert_int_equal(rc, exponent == 31 ? KM_E_INPUT : KM_OK);
        if (rc == KM_OK)
            assert_true(v == (float)(bits >> 15 ? -size : size) && !signbit(v) == !(bits >> 15));
    }
}

static void what_is_not_finite_is_told_with_its_number(void **state)
{
    static const struct {
        double v;
        int bytes;
        const char *says;
    } cases[] = {{(double)NAN, 4, "value 2 is NaN"},
                 {(double)NAN, 8, "value 2 is NaN"},
                 {(double)INFINITY, 4, "value 2 is infinite"},
                 {-(double)INFINITY, 8, "value 2 is infinite"},
                 {1e300, 8, "value 2 is 1e+300, more than float32 can hold"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const double f8[3] = {1, cases[i].v, (double)NAN};
        const float f4[3] = {1, (float)cases[i].v, NAN};
        const void *p = cases[i].bytes == 8 ? (const void *)f8 : f4;
        struct km_elements e = {'f', cases[i].bytes, 0};
        struct km_err err;
        float row[3];

        assert_int_equal(km_elements_take(&e, p, 3, row, &err), KM_E_INPUT);
        assert_contains(err.msg, cases[i].says);
        e.big_endian = 1;
        p = turned(p, 3, (size_t)cases[i].bytes);
        assert_int_equal(km_elements_take(&e, p, 3, row, &err), KM_E_INPUT);
        assert_contains(err.msg, cases[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_becomes_the_nearest_float32),
        cmocka_unit_test(every_half_is_exact),
        cmocka_unit_test(what_is_not_finite_is_told_with_its_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
