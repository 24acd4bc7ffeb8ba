/* SPDX-License-Identifier: Apache-2.0 */
/* AVX2 with FMA: 8 lanes, 16 registers. */
#include "algo/kern/kernels.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#define W             8
#define V             __m256
#define VI            __m256i
#define VD            __m256d
#define VLOAD         _mm256_loadu_ps
#define VSTORE        _mm256_storeu_ps
#define VSET1         _mm256_set1_ps
#define VZERO         _mm256_setzero_ps
#define VFMA          _mm256_fmadd_ps
#define VFNMA         _mm256_fnmadd_ps
#define VADD          _mm256_add_ps
#define VMUL          _mm256_mul_ps
#define VISET1        _mm256_set1_epi32
#define VIADD         _mm256_add_epi32
#define VIOTA()       _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)
#define VISTORE(p, v) _mm256_storeu_si256((__m256i *)(void *)(p), (v))
#define VDLOAD        _mm256_loadu_pd
#define VDSTORE       _mm256_storeu_pd
#define VDSET1        _mm256_set1_pd
#define VDZERO        _mm256_setzero_pd
#define VDMUL         _mm256_mul_pd
#define VDADD         _mm256_add_pd
#define VDSUB         _mm256_sub_pd
#define VWIDEN(p)     _mm256_cvtps_pd(_mm_loadu_ps(p))
#define VDFOLD(c)     _mm256_add_pd(_mm256_add_pd((c)[0], (c)[2]), _mm256_add_pd((c)[1], (c)[3]))

/* 12 accumulators, 2 vectors of lanes, 1 broadcast: 15 of 16 registers. */
#define LANE_M 6
#define LANE_L 2
/* 12 accumulators, 4 rows (in memory operands where need be). */
#define DOT_C 3

#define VLESS_BLEND(best, second, index, score, at)                                                \
    do {                                                                                           \
        __m256 less = _mm256_cmp_ps((score), (best), _CMP_LT_OQ);                                  \
                                                                                                   \
        (second) = _mm256_min_ps((second), _mm256_max_ps((score), (best)));                        \
        (best) = _mm256_min_ps((score), (best));                                                   \
        (index) = _mm256_blendv_epi8((index), (at), _mm256_castps_si256(less));                    \
    } while (0)

static inline __m256 least_of(__m256 v)
{
    v = _mm256_min_ps(v, _mm256_permute2f128_ps(v, v, 1));
    v = _mm256_min_ps(v, _mm256_shuffle_ps(v, v, 0x4e));
    return _mm256_min_ps(v, _mm256_shuffle_ps(v, v, 0xb1));
}

/* The smallest of 8 scores, and its index; of equal scores the lowest index. *other is the smallest
 * of all other scores, and of `second`. */
static inline uint32_t argmin(float *score, float *other, __m256 best, __m256 second, __m256i index)
{
    __m256 least = least_of(best), equal = _mm256_cmp_ps(best, least, _CMP_EQ_OQ), mine;
    __m256i low;

    low = _mm256_blendv_epi8(_mm256_set1_epi32(INT32_MAX), index, _mm256_castps_si256(equal));
    low = _mm256_min_epi32(low, _mm256_permute2x128_si256(low, low, 1));
    low = _mm256_min_epi32(low, _mm256_shuffle_epi32(low, 0x4e));
    low = _mm256_min_epi32(low, _mm256_shuffle_epi32(low, 0xb1));
    mine = _mm256_and_ps(equal, _mm256_castsi256_ps(_mm256_cmpeq_epi32(index, low)));
    best = _mm256_blendv_ps(best, _mm256_set1_ps(INFINITY), mine);
    *other = _mm256_cvtss_f32(least_of(_mm256_min_ps(best, second)));
    *score = _mm256_cvtss_f32(least);
    return (uint32_t)_mm256_cvtsi256_si32(low);
}
#define VARGMIN argmin

static inline __m128 reduce4(V a, V b, V c, V d)
{
    V abcd = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));

    return _mm_add_ps(_mm256_castps256_ps128(abcd), _mm256_extractf128_ps(abcd, 1));
}
#define REDUCE4 reduce4

/* The sums of 16 chains of each of four rows, in the order of kernels.h. */
static inline __m128 chains4(const V *a, const V *b, const V *c, const V *d)
{
    return reduce4(_mm256_add_ps(a[0], a[1]), _mm256_add_ps(b[0], b[1]), _mm256_add_ps(c[0], c[1]),
                   _mm256_add_ps(d[0], d[1]));
}
#define CHAINS4 chains4

/* 8 x 8 values: rows of `from` (ld apart) become columns of `to` (8 values, step apart). */
static inline void transpose8(float *to, size_t step, const float *from, size_t ld)
{
    __m256 r[8], s[8];

#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        r[i] = _mm256_loadu_ps(from + (size_t)i * ld);
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        s[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        s[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
        r[i] = _mm256_shuffle_ps(s[i], s[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(s[i], s[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(s[i + 1], s[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(s[i + 1], s[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_ps(to + (size_t)i * step, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
        _mm256_storeu_ps(to + (size_t)(i + 4) * step, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
}
#define BLOCK_T     8
#define TRANSPOSE_T transpose8

/* 8 rows of ld = 2 values: column t is every second of 16 numbers. */
static inline void transpose_pairs(float *to, size_t step, const float *from)
{
    __m256 a = _mm256_loadu_ps(from), b = _mm256_loadu_ps(from + 8);
    __m256d even = _mm256_castps_pd(_mm256_shuffle_ps(a, b, 0x88));
    __m256d odd = _mm256_castps_pd(_mm256_shuffle_ps(a, b, 0xdd));

    _mm256_storeu_ps(to, _mm256_castpd_ps(_mm256_permute4x64_pd(even, 0xd8)));
    _mm256_storeu_ps(to + step, _mm256_castpd_ps(_mm256_permute4x64_pd(odd, 0xd8)));
}

#include "algo/kern/transpose.h"

#include "algo/kern/body.h"

#include "algo/kern/float64.h"

#include "algo/kern/scores.h"

#include "algo/kern/sparse.h"

const struct km_kernels km_kernels_avx2 = {
    .name = "avx2",
    .layout = layout,
    .pack = pack,
    .nearest = nearest,
    .scores = scores,
    .pairs = pairs,
    .add = add,
    .scatter = scatter,
    .norms = norms,
    .norm2 = norm2,
    .dist2 = dist2,
    .min_dist2 = min_dist2,
    .sparse_panel = sparse_panel,
};
