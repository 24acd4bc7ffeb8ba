/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 (F, BW, DQ, VL): 16 lanes, 32 registers. */
#include "algo/kern/kernels.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#define W             16
#define V             __m512
#define VI            __m512i
#define VD            __m512d
#define VLOAD         _mm512_loadu_ps
#define VSTORE        _mm512_storeu_ps
#define VSET1         _mm512_set1_ps
#define VZERO         _mm512_setzero_ps
#define VFMA          _mm512_fmadd_ps
#define VFNMA         _mm512_fnmadd_ps
#define VADD          _mm512_add_ps
#define VSUB          _mm512_sub_ps
#define VISET1        _mm512_set1_epi32
#define VIADD         _mm512_add_epi32
#define VIOTA()       _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#define VISTORE(p, v) _mm512_storeu_si512((p), (v))
#define VDLOAD        _mm512_loadu_pd
#define VDSTORE       _mm512_storeu_pd
#define VDSET1        _mm512_set1_pd
#define VDZERO        _mm512_setzero_pd
#define VDFMA         _mm512_fmadd_pd
#define VDADD         _mm512_add_pd
#define VDSUB         _mm512_sub_pd
#define VDSUM         _mm512_reduce_add_pd
#define VWIDEN(p)     _mm512_cvtps_pd(_mm256_loadu_ps(p))

/* 24 accumulators, 3 vectors of lanes, 1 broadcast: 28 of 32 registers. */
#define LANE_M 8
#define LANE_L 3
/* 20 accumulators, 4 rows, 1 center. */
#define DOT_C 5

#define VLESS_BLEND(best, index, score, at)                                                        \
    do {                                                                                           \
        __mmask16 less = _mm512_cmp_ps_mask((score), (best), _CMP_LT_OQ);                          \
                                                                                                   \
        (best) = _mm512_min_ps((score), (best));                                                   \
        (index) = _mm512_mask_mov_epi32((index), less, (at));                                      \
    } while (0)

/* The smallest of 16 scores, and its index; of equal scores the lowest index. */
static inline uint32_t argmin(float *score, __m512 best, __m512i index)
{
    float least = _mm512_reduce_min_ps(best);
    __mmask16 equal = _mm512_cmp_ps_mask(best, _mm512_set1_ps(least), _CMP_EQ_OQ);

    *score = least;
    return (uint32_t)_mm512_mask_reduce_min_epi32(equal, index);
}
#define VARGMIN argmin

static inline __m128 reduce4(V a, V b, V c, V d)
{
    V ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    V cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    V abcd = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(abcd), _mm512_extractf32x8_ps(abcd, 1));

    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}
#define REDUCE4 reduce4

/* 16 x 16 values: rows of `from` (ld apart) become columns of `to` (16 values, step apart). */
static inline void transpose16(float *to, size_t step, const float *from, size_t ld)
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
#define BLOCK_T     16
#define TRANSPOSE_T transpose16

/* 16 rows of ld = 2 values: column t is every second of 32 numbers. */
static inline void transpose_pairs(float *to, size_t step, const float *from)
{
    __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    __m512 a = _mm512_loadu_ps(from), b = _mm512_loadu_ps(from + 16);

    _mm512_storeu_ps(to, _mm512_permutex2var_ps(a, even, b));
    _mm512_storeu_ps(to + step, _mm512_permutex2var_ps(a, odd, b));
}

#include "algo/kern/transpose.h"

#include "algo/kern/body.h"

#include "algo/kern/sparse.h"

const struct km_kernels km_kernels_avx512 = {
    .name = "avx512",
    .panels = panel_count,
    .pack = pack,
    .nearest = nearest,
    .add = add,
    .scatter = scatter,
    .norm2 = norm2,
    .dist2 = dist2,
    .min_dist2 = min_dist2,
    .sparse_panel = sparse_panel,
};
