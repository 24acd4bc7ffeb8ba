/* SPDX-License-Identifier: Apache-2.0 */
/* What the AVX-512 levels share. */
#ifndef KM_ALGO_KERN_AVX512_H
#define KM_ALGO_KERN_AVX512_H

#include <immintrin.h>
#include <stddef.h>

/** The lane sums of four vectors. */
static inline __m128 km_avx512_reduce4(__m512 a, __m512 b, __m512 c, __m512 d)
{
    __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    __m512 abcd = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(abcd), _mm512_extractf32x8_ps(abcd, 1));

    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

static inline __m256 km_avx512_halves(__m512 v)
{
    return _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
}

/** The same in the order of kernels.h. */
static inline __m128 km_avx512_chains4(__m512 a, __m512 b, __m512 c, __m512 d)
{
    __m256 abcd = _mm256_hadd_ps(_mm256_hadd_ps(km_avx512_halves(a), km_avx512_halves(b)),
                                 _mm256_hadd_ps(km_avx512_halves(c), km_avx512_halves(d)));

    return _mm_add_ps(_mm256_castps256_ps128(abcd), _mm256_extractf128_ps(abcd, 1));
}

/** 16 x 16 values: rows of `from` (ld apart) become columns of `to` (16 values, step apart). */
static inline void km_avx512_transpose16(float *to, size_t step, const float *from, size_t ld)
{
    __m512 r[16], s[16];

#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        r[i] = _mm512_loadu_ps(from + (size_t)i * ld);
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        s[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        s[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_shuffle_ps(s[i], s[i + 2], 0x44);
        r[i + 1] = _mm512_shuffle_ps(s[i], s[i + 2], 0xee);
        r[i + 2] = _mm512_shuffle_ps(s[i + 1], s[i + 3], 0x44);
        r[i + 3] = _mm512_shuffle_ps(s[i + 1], s[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        s[i] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
        s[i + 4] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
        s[i + 8] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
        s[i + 12] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        _mm512_storeu_ps(to + (size_t)i * step, _mm512_shuffle_f32x4(s[i], s[i + 8], 0x88));
        _mm512_storeu_ps(to + (size_t)(i + 8) * step, _mm512_shuffle_f32x4(s[i], s[i + 8], 0xdd));
        _mm512_storeu_ps(to + (size_t)(i + 4) * step,
                         _mm512_shuffle_f32x4(s[i + 4], s[i + 12], 0x88));
        _mm512_storeu_ps(to + (size_t)(i + 12) * step,
                         _mm512_shuffle_f32x4(s[i + 4], s[i + 12], 0xdd));
    }
}

#endif
