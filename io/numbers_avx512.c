/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With the instructions that pick bytes (VBMI, VBMI2) the fields of a block of 64 bytes are known
 * as vectors: byte i of `begin` and `end` is where field i begins and ends. The digits of 16 or 8
 * fields are moved to their places at once, right-aligned, without the decimal mark and behind
 * zeros, and neighbours are added up: digits, pairs of them, fours, and eights.
 */
#include "base/number.h"
#include "base/size.h"
#include "io/numbers.h"

#include <immintrin.h>
#include <stdint.h>

#define BLOCK 64
#define FIELD 16 /* digits that are summed up, at most */

/* The fields of a block, each as a byte or bit; what stands behind them means nothing. */
struct fields {
    const char *p;
    size_t n;
    uint64_t ends;      /* bit i: one ends at p[i] */
    __m512i digit;      /* the bytes of the block, less '0' */
    __m512i begin, end; /* behind the sign */
    __m512i mark;       /* where the decimal mark is; -1: there is none */
    __m512i behind;     /* how many digits are behind it */
    uint64_t negative;
    uint64_t bad; /* not to be taken here */
    int narrow;   /* none has a mark or more than 4 digits */
};

static inline __m512i bytes(int v)
{
    return _mm512_set1_epi8((char)v);
}

static inline __m512i iota(void)
{
    return _mm512_set_epi64(0x3f3e3d3c3b3a3938, 0x3736353433323130, 0x2f2e2d2c2b2a2928,
                            0x2726252423222120, 0x1f1e1d1c1b1a1918, 0x1716151413121110,
                            0x0f0e0d0c0b0a0908, 0x0706050403020100);
}

/* Of the marks and ends in their order, the ends that follow a mark are of a field that has one;
 * two marks in a row are of none. */
static inline void find_marks(struct fields *f, uint64_t marks)
{
    uint64_t is_mark = _pext_u64(marks, marks | f->ends);
    uint64_t has = _pext_u64(is_mark << 1, _pext_u64(f->ends, marks | f->ends));

    f->mark = _mm512_mask_expand_epi8(bytes(-1), has, _mm512_maskz_compress_epi8(marks, iota()));
    f->behind = _mm512_maskz_sub_epi8(has, _mm512_sub_epi8(f->end, f->mark), bytes(1));
    f->bad = is_mark & is_mark << 1 ? UINT64_MAX : 0;
    f->bad |= _mm512_cmpge_epu8_mask(f->behind, bytes(FIELD)); /* there is no such power */
}

/* Of a line of `left` bytes, which has a field at p, those that end in the next 64; how many. */
static inline size_t find_fields(struct fields *f, const char *p, size_t left,
                                 const struct km_dialect *d)
{
    uint64_t there = left < BLOCK ? (1ULL << left) - 1 : UINT64_MAX, begins, marks, all;
    __m512i x = _mm512_maskz_loadu_epi8(there, p), digits;

    f->p = p;
    f->ends = _mm512_mask_cmpeq_epi8_mask(there, x, bytes(d->separator));
    f->ends |= left < BLOCK ? 1ULL << left : 0; /* the line's end ends its last field */
    f->n = (size_t)__builtin_popcountll(f->ends);
    if (f->n == 0)
        return 0;
    begins = f->ends << 1 | 1;
    all = UINT64_MAX >> (BLOCK - f->n);
    marks = _mm512_cmpeq_epi8_mask(x, bytes(d->point)) & UINT64_MAX >> __builtin_clzll(f->ends);
    f->negative = _pext_u64(_mm512_mask_cmpeq_epi8_mask(begins, x, bytes('-')), begins);
    f->digit = _mm512_sub_epi8(x, bytes('0'));
    f->end = _mm512_maskz_compress_epi8(f->ends, iota());
    f->begin = _mm512_maskz_compress_epi8(begins, iota());
    f->begin = _mm512_mask_add_epi8(f->begin, f->negative, f->begin, bytes(1));
    find_marks(f, marks);
    digits = _mm512_sub_epi8(f->end, f->begin);
    f->narrow = !marks && !(_mm512_cmpgt_epu8_mask(digits, bytes(4)) & all);
    digits =
        _mm512_mask_sub_epi8(digits, _mm512_cmpge_epi8_mask(f->mark, bytes(0)), digits, bytes(1));
    f->bad |= _mm512_cmpge_epu8_mask(_mm512_sub_epi8(digits, bytes(1)), bytes(FIELD));
    return f->n;
}

/* For each byte a digit of field `which`, from the `place` before the end of it; fours of them
 * added up. *bad: which bytes are no digits. */
static inline __m512i add_fours(const struct fields *f, __m512i which, __m512i place, int marks,
                                uint64_t *bad)
{
    __m512i from = _mm512_add_epi8(_mm512_permutexvar_epi8(which, f->end), place), digit;

    if (marks)
        from = _mm512_mask_sub_epi8(
            from, _mm512_cmple_epi8_mask(from, _mm512_permutexvar_epi8(which, f->mark)), from,
            bytes(1));
    digit = _mm512_maskz_permutexvar_epi8(
        _mm512_cmpge_epi8_mask(from, _mm512_permutexvar_epi8(which, f->begin)), from, f->digit);
    *bad = _mm512_cmpgt_epu8_mask(digit, bytes(9));
    digit = _mm512_maddubs_epi16(digit, _mm512_set1_epi16(1 << 8 | 10));
    return _mm512_madd_epi16(digit, _mm512_set1_epi32(1 << 16 | 100));
}

/* The same for the bits of a mask: the first that is set, or `most`. */
static inline size_t first_of(uint64_t bits, size_t most)
{
    return bits ? km_min((size_t)__builtin_ctzll(bits), most) : most;
}

/* Takes up to 16 fields of up to 4 digits, from number `first` on; how many. */
static inline size_t take_narrow(const struct fields *f, size_t first, float *value, size_t n)
{
    const __m512i quarter =
        _mm512_set_epi32(0x0f0f0f0f, 0x0e0e0e0e, 0x0d0d0d0d, 0x0c0c0c0c, 0x0b0b0b0b, 0x0a0a0a0a,
                         0x09090909, 0x08080808, 0x07070707, 0x06060606, 0x05050505, 0x04040404,
                         0x03030303, 0x02020202, 0x01010101, 0);
    uint64_t bad;
    __m512i sum = add_fours(f, _mm512_add_epi8(quarter, bytes((int)first)),
                            _mm512_set1_epi32((int)0xfffefdfc), 0, &bad);

    n = km_min(n, first_of(bad, BLOCK) / 4);
    sum = _mm512_castps_si512(_mm512_cvtepi32_ps(sum));
    sum = _mm512_mask_xor_epi32(sum, (__mmask16)(f->negative >> first), sum,
                                _mm512_set1_epi32(INT32_MIN));
    _mm512_mask_storeu_epi32(value, (__mmask16)((1U << n) - 1), sum);
    return n;
}

/* all / 10^behind as doubles; *unsure: bit i: number i is too near the middle between two floats
 * (io/numbers_body.h). */
static inline __m512d divide(__m512i all, __m512i behind, __mmask8 *unsure)
{
    const __m512d few = _mm512_set_pd(1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0);
    const __m512d many = _mm512_set_pd(1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8);
    __m512d v = _mm512_mul_pd(_mm512_cvtepi64_pd(all), _mm512_permutex2var_pd(few, behind, many));
    __m512i low = _mm512_and_si512(_mm512_castpd_si512(v), _mm512_set1_epi64(0x1fffffff));

    low = _mm512_sub_epi64(low, _mm512_set1_epi64(0x0ffffffc));
    *unsure = _mm512_cmple_epu64_mask(low, _mm512_set1_epi64(8));
    return v;
}

/* Takes up to 8 fields of up to 16 digits, from number `first` on; how many. */
static inline size_t take_wide(const struct fields *f, size_t first, float *value, size_t n)
{
    const __m512i pair =
        _mm512_set_epi64(0x0606060606060606, 0x0606060606060606, 0x0404040404040404,
                         0x0404040404040404, 0x0202020202020202, 0x0202020202020202, 0, 0);
    const __m512i place = _mm512_broadcast_i32x4(
        _mm_set_epi64x((long long)0xfffefdfcfbfaf9f8, (long long)0xf7f6f5f4f3f2f1f0));
    __m512i which = _mm512_add_epi8(pair, bytes((int)first)), even, odd, behind;
    uint64_t bad_even, bad_odd;
    __mmask8 unsure;
    __m512d v;

    even = add_fours(f, which, place, 1, &bad_even);
    odd = add_fours(f, _mm512_add_epi8(which, bytes(1)), place, 1, &bad_odd);
    even = _mm512_madd_epi16(_mm512_packus_epi32(even, odd), _mm512_set1_epi32(1 << 16 | 10000));
    even = _mm512_add_epi64(_mm512_mul_epu32(even, _mm512_set1_epi64(100000000)),
                            _mm512_srli_epi64(even, 32));
    behind = _mm512_permutexvar_epi8(_mm512_add_epi8(iota(), bytes((int)first)), f->behind);
    v = divide(even, _mm512_cvtepu8_epi64(_mm512_castsi512_si128(behind)), &unsure);
    v = _mm512_castsi512_pd(
        _mm512_mask_xor_epi64(_mm512_castpd_si512(v), (__mmask8)(f->negative >> first),
                              _mm512_castpd_si512(v), _mm512_set1_epi64(INT64_MIN)));
    n = first_of(unsure, n);
    n = km_min(n,
               km_min(first_of(bad_even, BLOCK) / 16 * 2, first_of(bad_odd, BLOCK) / 16 * 2 + 1));
    _mm256_mask_storeu_ps(value, (__mmask8)((1U << n) - 1), _mm512_cvtpd_ps(v));
    return n;
}

/* Takes fields of a block, up to n; how many. */
static inline size_t take_block(const struct fields *f, float *value, size_t n)
{
    size_t step = f->narrow ? 16 : 8, taken = 0, got = step;

    n = first_of(f->bad, km_min(n, f->n));
    for (; taken < n && got == step; taken += got)
        got = f->narrow ? take_narrow(f, taken, value + taken, km_min(n - taken, 16))
                        : take_wide(f, taken, value + taken, km_min(n - taken, 8));
    return taken;
}

/* Behind the end of field i. */
static inline const char *behind_field(const struct fields *f, size_t i)
{
    return f->p + __builtin_ctzll(_pdep_u64(1ULL << i, f->ends)) + 1;
}

/* Takes others from number `first` on, which begins at *p, one by one, as long as they follow each
 * other; how many. */
static inline size_t take_others(const struct fields *f, const char **p, size_t first, char mark,
                                 float *value, size_t n)
{
    size_t taken = 0;

    for (; taken < n && first + taken < f->n; taken++) {
        const char *next = behind_field(f, first + taken);

        if ((taken > 0 && !(f->bad >> (first + taken) & 1)) ||
            km_take_decimal(*p, next - 1, mark, value + taken) != next - 1)
            break;
        *p = next;
    }
    return taken;
}

static size_t take(const char **line, const char *end, const struct km_dialect *d, float *value,
                   size_t n)
{
    const char *p = *line;
    size_t taken = 0, got;

    do {
        struct fields f;

        if (find_fields(&f, p, (size_t)(end - p), d) == 0)
            break;
        got = take_block(&f, value + taken, n - taken);
        p = got > 0 ? behind_field(&f, got - 1) : p;
        got += take_others(&f, &p, got, d->point, value + taken + got, n - taken - got);
        taken += got;
    } while (got > 0 && taken < n && p <= end);
    if (taken > 0)
        *line = p - 1;
    return taken;
}

const struct km_numbers km_numbers_avx512 = {"avx512", take};
