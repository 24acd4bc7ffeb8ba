/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 (F, BW, DQ, VL): 16 lanes, 32 registers. */
#include "algo/kern/avx512.h"
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
#define VMUL          _mm512_mul_ps
#define VISET1        _mm512_set1_epi32
#define VIADD         _mm512_add_epi32
#define VIOTA()       _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#define VISTORE(p, v) _mm512_storeu_si512((p), (v))
#define VDLOAD        _mm512_loadu_pd
#define VDSTORE       _mm512_storeu_pd
#define VDSET1        _mm512_set1_pd
#define VDZERO        _mm512_setzero_pd
#define VDMUL         _mm512_mul_pd
#define VDADD         _mm512_add_pd
#define VDSUB         _mm512_sub_pd
#define VWIDEN(p)     _mm512_cvtps_pd(_mm256_loadu_ps(p))
#define VDFOLD(c)     fold(_mm512_add_pd((c)[0], (c)[1]))

static inline __m256d fold(__m512d a)
{
    return _mm256_add_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1));
}

/* 24 accumulators, 3 vectors of lanes, 1 broadcast: 28 of 32 registers. */
#define LANE_M 8
#define LANE_L 3
/* 20 accumulators, 4 rows, 1 center. */
#define DOT_C 5

#define VLESS_BLEND(best, second, index, score, at)                                                \
    do {                                                                                           \
        __mmask16 less = _mm512_cmp_ps_mask((score), (best), _CMP_LT_OQ);                          \
                                                                                                   \
        (second) = _mm512_min_ps((second), _mm512_max_ps((score), (best)));                        \
        (best) = _mm512_min_ps((score), (best));                                                   \
        (index) = _mm512_mask_mov_epi32((index), less, (at));                                      \
    } while (0)

/* The smallest of 16 scores, and its index; of equal scores the lowest index. *other is the
 * smallest of all other scores, and of `second`. */
static inline uint32_t argmin(float *score, float *other, __m512 best, __m512 second, __m512i index)
{
    float least = _mm512_reduce_min_ps(best);
    __mmask16 equal = _mm512_cmp_ps_mask(best, _mm512_set1_ps(least), _CMP_EQ_OQ);
    int low = _mm512_mask_reduce_min_epi32(equal, index);
    __mmask16 mine = _mm512_mask_cmpeq_epi32_mask(equal, index, _mm512_set1_epi32(low));

    best = _mm512_mask_mov_ps(best, mine, _mm512_set1_ps(INFINITY));
    *other = _mm512_reduce_min_ps(_mm512_min_ps(best, second));
    *score = least;
    return (uint32_t)low;
}
#define VARGMIN argmin

#define REDUCE4 km_avx512_reduce4

static inline __m128 chains4(const V *a, const V *b, const V *c, const V *d)
{
    return km_avx512_chains4(*a, *b, *c, *d);
}
#define CHAINS4 chains4

#define BLOCK_T     16
#define TRANSPOSE_T km_avx512_transpose16

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

#include "algo/kern/float64.h"

#include "algo/kern/scores.h"

#include "algo/kern/sparse.h"

const struct km_kernels km_kernels_avx512 = {
    .name = "avx512",
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
