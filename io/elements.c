/* SPDX-License-Identifier: Apache-2.0 */
#include "io/elements.h"

#include "io/row.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define SWAP8(b)  (b)
#define SWAP16(b) __builtin_bswap16(b)
#define SWAP32(b) __builtin_bswap32(b)
#define SWAP64(b) __builtin_bswap64(b)

/* Value number i, of a type as wide as `bits`. */
#define GET(type, size, out)                                                                       \
    do {                                                                                           \
        uint##size##_t raw;                                                                        \
        type v;                                                                                    \
        memcpy(&raw, p + i * sizeof(raw), sizeof(raw));                                            \
        if (e->big_endian)                                                                         \
            raw = SWAP##size(raw);                                                                 \
        memcpy(&v, &raw, sizeof(v));                                                               \
        (out) = v;                                                                                 \
    } while (0)

#define ALL(type, size)                                                                            \
    for (size_t i = 0; i < n; i++) {                                                               \
        type value;                                                                                \
        GET(type, size, value);                                                                    \
        row[i] = (float)value;                                                                     \
    }

/* A half: 1 bit sign, 5 exponent, 10 mantissa. */
static float half(unsigned bits)
{
    int exponent = (int)(bits >> 10 & 31), mantissa = (int)(bits & 1023);
    float v = exponent == 31 ? (mantissa ? NAN : INFINITY)
              : exponent     ? ldexpf((float)(mantissa + 1024), exponent - 25)
                             : ldexpf((float)mantissa, -24);

    return bits >> 15 ? -v : v;
}

static void take_floats(const struct km_elements *e, const unsigned char *p, size_t n, float *row)
{
    if (e->bytes == 8) {
        ALL(double, 64)
    } else if (e->bytes == 4) {
        ALL(float, 32)
    } else {
        for (size_t i = 0; i < n; i++) {
            uint16_t bits;

            GET(uint16_t, 16, bits);
            row[i] = half(bits);
        }
    }
}

static void take_signed(const struct km_elements *e, const unsigned char *p, size_t n, float *row)
{
    if (e->bytes == 8)
        ALL(int64_t, 64)
    else if (e->bytes == 4)
        ALL(int32_t, 32)
    else if (e->bytes == 2)
        ALL(int16_t, 16)
    else
        ALL(int8_t, 8)
}

static void take_unsigned(const struct km_elements *e, const unsigned char *p, size_t n, float *row)
{
    if (e->bytes == 8)
        ALL(uint64_t, 64)
    else if (e->bytes == 4)
        ALL(uint32_t, 32)
    else if (e->bytes == 2)
        ALL(uint16_t, 16)
    else
        ALL(uint8_t, 8)
}

int km_elements_take(const struct km_elements *e, const unsigned char *p, size_t n, float *row,
                     struct km_err *err)
{
    double found;
    size_t i;

    if (e->kind == 'i')
        take_signed(e, p, n, row);
    else if (e->kind == 'u')
        take_unsigned(e, p, n, row);
    else
        take_floats(e, p, n, row);
    i = e->kind == 'f' ? km_row_bad(row, n) : n;
    if (i == n)
        return KM_OK;
    found = (double)row[i];
    if (e->bytes == 8)
        GET(double, 64, found);
    return km_row_fail(err, i, found);
}
