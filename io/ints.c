/* SPDX-License-Identifier: Apache-2.0 */
/* Eight bytes at a time, the first the lowest: mostly each is a value below 128. */
#include "io/ints.h"

#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define MORE    0x8080808080808080 /* bits that say that a byte is not the last of its value */
#define LONGEST 10

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lowest");

static uint64_t load(const unsigned char *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof(x));
    return x;
}

/* The number in the bytes of x up to the lowest bit of `last`; of ten bytes all but five are the
 * sign. */
static inline float value_of(uint64_t x, uint64_t last)
{
    x &= last ^ (last - 1);
    return (float)(int32_t)((x & 0x7f) | (x >> 1 & 0x3f80) | (x >> 2 & 0x1fc000) |
                            (x >> 3 & 0xfe00000) | (x >> 4 & 0xf0000000));
}

/* The value that begins at p, behind which LONGEST bytes can be read; its size, or 0. */
static size_t take_value(const unsigned char *p, float *value)
{
    uint64_t x = load(p), last = ~x & MORE;
    size_t size = last ? (size_t)__builtin_ctzll(last) / 8 + 1 : LONGEST;

    *value = value_of(x, last);
    return size <= 5 || (!last && p[8] & 0x80 && !(p[9] & 0x80)) ? size : 0;
}

/* Each byte as a float. */
static inline void store_small(uint64_t x, float *row)
{
#if defined(__SSE2__)
    const __m128i zero = _mm_setzero_si128();
    __m128i pairs = _mm_unpacklo_epi8(_mm_cvtsi64_si128((int64_t)x), zero);

    _mm_storeu_ps(row, _mm_cvtepi32_ps(_mm_unpacklo_epi16(pairs, zero)));
    _mm_storeu_ps(row + 4, _mm_cvtepi32_ps(_mm_unpackhi_epi16(pairs, zero)));
#else
    for (size_t j = 0; j < sizeof(x); j++, x >>= 8)
        row[j] = (float)(x & 0xff);
#endif
}

/* Takes the small values in the eight bytes x at p and the one behind them, which may go on behind
 * x; how many, and *at moves on. 0: that one is none. */
static inline size_t take_mixed(const unsigned char *p, uint64_t x, float *row, size_t *at)
{
    unsigned small = (unsigned)__builtin_ctzll(x & MORE) & ~7U, bits;
    uint64_t rest = x >> small, last = ~rest & MORE;
    size_t size;

    bits = small + (last ? (unsigned)__builtin_ctzll(last) + 1 : 64);
    if (last && bits <= 64 && bits - small <= 40) {
        row[small / 8] = value_of(rest, last);
        *at += bits / 8;
        return small / 8 + 1;
    }
    size = take_value(p + small / 8, row + small / 8);
    *at += small / 8 + size;
    return size > 0 ? small / 8 + 1 : 0;
}

/* As many values as are sure not to reach beyond the bytes or the row; the bytes they have. */
static size_t take_most(const unsigned char *p, size_t n, float *row, size_t dim, size_t *taken)
{
    size_t at = 0, i = 0, got = 8;

    while (n - at >= 8 + LONGEST && dim - i > 8 && got > 0) {
        uint64_t x = load(p + at);

        store_small(x, row + i);
        if (x & MORE)
            got = take_mixed(p + at, x, row + i, &at);
        else
            at += got = 8;
        i += got;
    }
    *taken = i;
    return at;
}

int km_ints_take(const unsigned char *p, size_t n, float *row, size_t dim)
{
    size_t i, at = take_most(p, n, row, dim, &i);

    for (; at < n && i < dim; i++) {
        unsigned char rest[LONGEST];
        size_t left = n - at < LONGEST ? n - at : LONGEST, size;

        memset(rest, 0, sizeof(rest));
        memcpy(rest, p + at, left);
        size = take_value(rest, row + i);
        if (size == 0 || size > left)
            return 0;
        at += size;
    }
    return at == n && i == dim;
}
