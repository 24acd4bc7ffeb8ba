/* SPDX-License-Identifier: Apache-2.0 */
#include "io/numbers_body.h"

#include <immintrin.h>

static inline uint64_t find(const char *p, char c)
{
    const __m256i all = _mm256_set1_epi8(c);
    __m256i low = _mm256_loadu_si256((const void *)p);
    __m256i high = _mm256_loadu_si256((const void *)(p + 32));

    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, all)) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, all)) << 32;
}

static inline __m128i load(const char *p)
{
    return _mm_loadu_si128((const void *)p);
}

/* Moves the digits to the end of the vector, without the mark and behind zeros; then adds
 * neighbours up: digits, pairs of them, fours, and eights. */
static inline int sum_up(const char *p, unsigned len, char mark, struct digits *d)
{
    static const char move[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                  0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15};
    static const char over_mark[32] = {0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
                                       0,  0,  0,  0,  0,  -1, -1, -1, -1, -1, -1,
                                       -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    __m128i x = load(p);
    unsigned marks = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8(mark)));
    unsigned at = (unsigned)__builtin_ctz(marks | 1U << len), n = len - (at < len);
    uint64_t halves;

    d->behind = n - at;
    x = _mm_sub_epi8(x, _mm_set1_epi8('0'));
    x = _mm_shuffle_epi8(x, _mm_sub_epi8(load(move + n), load(over_mark + d->behind)));
    if (n == 0 || _mm_movemask_epi8(_mm_adds_epu8(x, _mm_set1_epi8(0x7f - 9))))
        return 0;
    x = _mm_maddubs_epi16(x, _mm_set1_epi16(1 << 8 | 10));
    x = _mm_madd_epi16(x, _mm_set1_epi32(1 << 16 | 100));
    x = _mm_packus_epi32(x, x);
    x = _mm_madd_epi16(x, _mm_set1_epi32(1 << 16 | 10000));
    halves = (uint64_t)_mm_cvtsi128_si64(x);
    d->all = (halves & UINT32_MAX) * 100000000 + (halves >> 32);
    return 1;
}

static size_t take(const char **p, const char *end, const struct km_dialect *d, float *value,
                   size_t n)
{
    return take_fields(p, end, d, value, n);
}

const struct km_numbers km_numbers_avx2 = {"avx2", take};
