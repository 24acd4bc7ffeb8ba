/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AVX-512 VNNI: the nearest center by a screen of 8-bit numbers, which are multiplied four times as
 * fast as float32 (vpdpbusd), and float32 for the few centers that pass it.
 *
 * A row is x = a s + r with s of -127..127 and a remainder r, a center c = b v + q alike, so that
 *
 *   x . c = a b (s . v) + r . c + a s . q,   off from a b (s . v) by at most |r| |c| + |a s| |q|
 *                                            (Cauchy-Schwarz)
 *
 * with s . v an exact integer. That bounds every score (kernels.h) from below and above; a center
 * whose lower bound is above the least upper bound cannot be the nearest. What is left goes through
 * float32, in ascending order, so of equal scores the lowest center still wins.
 *
 * A center that is ruled out has a score above the row's least upper bound, which so is a bound for
 * the second best as well (kernels.h).
 *
 * Rows far from the origin, compared with how far they are from each other, or with a few values
 * far larger than the rest, have wide bounds: km_screen.pays tells, on some of the rows, whether to
 * do without.
 */
#include "algo/kern/avx512.h"
#include "algo/kern/kernels.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#define TILE_ROWS 8  /* 24 accumulators, as in avx512.c */
#define TILE_VECS 3  /* of 16 centers */
#define ROWS      16 /* of a group: a tile of centers is used for two tiles of rows */
/* centers between two looks at the bounds: those of a group are 24 KB, an L1 cache */
#define CHUNK  384
#define CHAIN  ((size_t)1024)     /* features of 16 chains of float32 before they are added up */
#define PAIRS  (2 * ROWS * CHUNK) /* candidates of a group at a time */
#define LEVELS 127.0F
/* Rows and centers without a larger value are all remainder: the product of two steps cannot
 * underflow. */
#define TINY  1e-15F
#define RATIO 128.0F /* of |x| to |r|, about: see row_error */

/* below, the formula (is_worth) is too hopeful: K=32 lost a fifth at d=1000 */
#define MIN_CENTERS  48
#define MIN_FEATURES 9     /* below, rows are narrower than a vector (km_mat_ld) */
#define MAX_FEATURES 16384 /* above, sums of 8-bit products overflow */

/* Multiply-adds of float32 in a cycle without a screen: what is_worth knows of a CPU. */
#define PLAIN_RATE      28.0 /* Emerald Rapids, and any that nobody has measured */
#define PLAIN_RATE_ZEN4 21.0 /* 512 bits in two halves: the rest counts less */

/* A panel of 16 centers: their steps b and errors e, and behind them 4 features of each, group by
 * group. */
struct panel {
    float step[KM_PANEL];
    float error[KM_PANEL];
    uint32_t v[][KM_PANEL]; /* four of v + 128 */
};

/*
 * Whether a row is labelled sooner with the screen, if it leaves `left` centers. Cycles, fitted on
 * Emerald Rapids for rows in cache (docs/kernels.md): plain_rate multiply-adds of float32 in a
 * cycle; with the screen 128 of 8 bits, writing a row in 8 bits, the bounds and the search through
 * them, and what is left. On Zen 4 both are as fast at K=48, d=104.
 */
static int is_worth(size_t k, size_t d, double plain_rate, double left)
{
    double rounded = (double)km_round_up(k, KM_PANEL), width = (double)d;
    double plain = (double)k * width / plain_rate;
    double screened = width * (rounded / 128 + 0.7) + rounded * 0.56 + 40;

    return screened + left * (width / 16 + 8) < plain;
}

static int suits(size_t k, size_t d, double plain_rate)
{
    return k >= MIN_CENTERS && d >= MIN_FEATURES && d <= MAX_FEATURES &&
           is_worth(k, d, plain_rate, 1);
}

/* 8-bit numbers from one row to the next: 64 of them are a vector. */
static size_t stride_of(size_t d)
{
    return km_round_up(d, 64);
}

static size_t panel_floats(size_t d)
{
    return (sizeof(struct panel) + stride_of(d) * KM_PANEL) / sizeof(float);
}

static const struct panel *panel_at(const float *packed, size_t d, size_t p)
{
    return (const void *)(packed + p * panel_floats(d));
}

static struct km_layout layout(size_t k, size_t d, double plain_rate)
{
    size_t n = km_ceil_div(k, KM_PANEL);

    if (!suits(k, d, plain_rate))
        return km_kernels_avx512.layout(k, d);
    return (struct km_layout){n, n * panel_floats(d),
                              (d < CHAIN ? d : CHAIN) / KM_PANEL + d / CHAIN + 8};
}

/* ---- 8-bit numbers ---- */

/* What is known of 4 rows (or centers) in 8 bits. */
struct scaled {
    __m128 step;  /* a; 0 where all of a row is remainder */
    __m128 norm;  /* |a s| */
    __m128 rest;  /* |r| */
    __m128i sum;  /* of s */
    __m128 norm2; /* of the rows, as km_kernels.norms makes it (d >= 16) */
};

/* The largest of the absolute values of each of 4 rows, and their squares in 16 chains
 * (km_kernels.norms). */
static __m128 largest(__m512 *squares, const float *const *row, size_t ld)
{
    __m512 most[4];

    for (size_t i = 0; i < 4; i++)
        most[i] = squares[i] = _mm512_setzero_ps();
    for (size_t t = 0; t < ld; t += 16)
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; i++) {
            __m512 v = _mm512_loadu_ps(row[i] + t);

            most[i] = _mm512_max_ps(most[i], _mm512_abs_ps(v));
            squares[i] = _mm512_add_ps(squares[i], _mm512_mul_ps(v, v));
        }
    return _mm_setr_ps(_mm512_reduce_max_ps(most[0]), _mm512_reduce_max_ps(most[1]),
                       _mm512_reduce_max_ps(most[2]), _mm512_reduce_max_ps(most[3]));
}

/* 64 numbers (16 n, and zeros) of a row; the squares of their remainders, in steps, are added to
 * rest2. */
static inline __attribute__((always_inline)) __m512i scale_64(const float *row, __m512 inverse,
                                                              __m512 *rest2, size_t n)
{
    /* packs work within each 128 bits: this is the order that undoes it */
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i s[4];

#pragma GCC unroll 4
    for (size_t l = 0; l < 4; l++) {
        __m512 y = _mm512_setzero_ps(), r;

        if (l < n)
            y = _mm512_mul_ps(_mm512_loadu_ps(row + 16 * l), inverse);
        s[l] = _mm512_cvtps_epi32(y);
        r = _mm512_sub_ps(y, _mm512_cvtepi32_ps(s[l]));
        *rest2 = _mm512_fmadd_ps(r, r, *rest2);
    }
    return _mm512_permutexvar_epi32(
        order, _mm512_packs_epi16(_mm512_packs_epi32(s[0], s[1]), _mm512_packs_epi32(s[2], s[3])));
}

/* Sums of one row in 8 bits, lane by lane. */
struct lane_sums {
    __m512 rest2;       /* squares of the remainders, in steps */
    __m512i norm2, sum; /* of s^2 and s */
};

static struct lane_sums scale_row(int8_t *s, const float *row, size_t ld, float inverse)
{
    struct lane_sums l = {_mm512_setzero_ps(), _mm512_setzero_si512(), _mm512_setzero_si512()};
    const __m512i ones = _mm512_set1_epi8(1);
    __m512 scale = _mm512_set1_ps(inverse);

    for (size_t t = 0; t < ld; t += 64) {
        __m512i v, size;

        if (ld - t >= 64)
            v = scale_64(row + t, scale, &l.rest2, 4);
        else
            v = scale_64(row + t, scale, &l.rest2, (ld - t) / 16);
        size = _mm512_abs_epi8(v);
        l.norm2 = _mm512_dpbusd_epi32(l.norm2, size, size);
        l.sum = _mm512_dpbusd_epi32(l.sum, ones, v);
        _mm512_storeu_si512(s + t, v);
    }
    return l;
}

/* 4 rows, each to `stride` numbers. Norms are summed up in steps: nothing can overflow. */
static struct scaled scale_rows(int8_t *s, size_t stride, const float *const *row, size_t ld)
{
    float inverse[4];
    __m512 squares[4];
    struct lane_sums l[4];
    struct scaled to;
    __m128 size;
    __mmask8 tiny;

    size = largest(squares, row, ld);
    to.norm2 = km_avx512_chains4(squares[0], squares[1], squares[2], squares[3]);
    tiny = _mm_cmp_ps_mask(size, _mm_set1_ps(TINY), _CMP_LE_OQ);
    to.step = _mm_maskz_div_ps((__mmask8)~tiny, size, _mm_set1_ps(LEVELS));
    _mm_storeu_ps(inverse, _mm_maskz_div_ps((__mmask8)~tiny, _mm_set1_ps(LEVELS), size));
    for (size_t i = 0; i < 4; i++)
        l[i] = scale_row(s + i * stride, row[i], ld, inverse[i]);
    to.rest = _mm_sqrt_ps(km_avx512_reduce4(l[0].rest2, l[1].rest2, l[2].rest2, l[3].rest2));
    to.norm = _mm_sqrt_ps(
        km_avx512_reduce4(_mm512_cvtepi32_ps(l[0].norm2), _mm512_cvtepi32_ps(l[1].norm2),
                          _mm512_cvtepi32_ps(l[2].norm2), _mm512_cvtepi32_ps(l[3].norm2)));
    to.sum = _mm_cvtps_epi32(/* exact: below 2^24 */
                             km_avx512_reduce4(
                                 _mm512_cvtepi32_ps(l[0].sum), _mm512_cvtepi32_ps(l[1].sum),
                                 _mm512_cvtepi32_ps(l[2].sum), _mm512_cvtepi32_ps(l[3].sum)));
    to.norm = _mm_mul_ps(to.norm, to.step);
    to.rest = _mm_mask_mul_ps(_mm_mul_ps(to.rest, to.step), tiny, size,
                              _mm_set1_ps(sqrtf((float)ld))); /* no more than this */
    return to;
}

/*
 * The bound on the error is |r| |c| + |a s| |q| <= g e with g = max(|r|, |a s| / RATIO) of the row
 * and e = |c| + RATIO |q| of the center: one product in place of two; it is no wider where RATIO is
 * right, and at most twice as wide elsewhere. A little is added for rounding: of norms here, of
 * scores in float32.
 */
static __m128 row_error(const struct scaled *x, float most_norm)
{
    __m128 wide = _mm_max_ps(x->rest, _mm_mul_ps(x->norm, _mm_set1_ps(1 / RATIO)));
    __m128 size = _mm_add_ps(_mm_add_ps(x->norm, x->rest), _mm_set1_ps(most_norm));

    return _mm_fmadd_ps(wide, _mm_set1_ps(1.001F), _mm_mul_ps(size, _mm_set1_ps(0x1p-20F)));
}

static __m128 center_error(const struct scaled *c)
{
    __m128 e = _mm_fmadd_ps(c->rest, _mm_set1_ps(1 + RATIO), c->norm);

    return _mm_mul_ps(e, _mm_set1_ps(1.001F));
}

/* ---- packing ---- */

static void pack(float *packed, const struct km_centers *c, size_t p, double plain_rate)
{
    size_t first = p * KM_PANEL, stride = stride_of(c->d);
    struct panel *to = (struct panel *)(uintptr_t)panel_at(packed, c->d, p);
    int8_t s[4 * (MAX_FEATURES + 64)];

    if (!suits(c->k, c->d, plain_rate)) {
        km_kernels_avx512.pack(packed, c, p);
        return;
    }
    for (size_t l = 0; l < KM_PANEL; l += 4) {
        const float *row[4];
        struct scaled about;

        for (size_t i = 0; i < 4;
             i++) /* behind the last center the last again: half is +inf there */
            row[i] = km_mat_row(&c->c, first + l + i < c->k ? first + l + i : c->k - 1);
        about = scale_rows(s, stride, row, c->c.ld);
        _mm_storeu_ps(to->step + l, about.step);
        _mm_storeu_ps(to->error + l, center_error(&about));
        for (size_t t = 0; t < stride; t += 4)
            for (size_t i = 0; i < 4; i++) {
                uint32_t four;

                memcpy(&four, s + i * stride + t, sizeof(four));
                to->v[t / 4][l + i] = four ^ 0x80808080; /* + 128 */
            }
    }
}

/* ---- the screen ---- */

/* Some rows and what is known of their nearest centers so far. */
struct group {
    const float *row[ROWS];
    size_t n;
    int8_t *s; /* (ROWS, stride) */
    size_t stride;
    float step[ROWS], error[ROWS];
    int32_t start[ROWS];              /* of the sums: v is stored as v + 128 */
    float *low;                       /* (ROWS, CHUNK) lower bounds */
    __m512 high[ROWS];                /* the least of every 16th upper bound */
    __m512 limit;                     /* the least of all, of each row */
    uint32_t *pair_row, *pair_center; /* (PAIRS + 16) candidates: of a row, centers ascend, */
    float *pair_low;                  /* and their lower bounds, if there are more chunks */
    size_t pairs;
    size_t compared;   /* candidates that went through float32 */
    uint32_t *label;   /* (n) the nearest of those, */
    float *score;      /* its score, */
    float *second;     /* and a bound below the score of every other */
    float norm2[ROWS]; /* see km_kernels.norms */
    const char *ahead; /* the next rows: asked for while these are screened */
};

static inline __m512i four_of(const int8_t *s)
{
    int32_t four;

    memcpy(&four, s, sizeof(four));
    return _mm512_set1_epi32(four);
}

/* acc += v . four, by lanes. Not the intrinsic: gcc 12 copies an accumulator to another register
 * and back for it. */
static inline __attribute__((always_inline)) void dot_add(__m512i *acc, __m512i v, __m512i four)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(*acc) : "v"(v), "v"(four));
}

/* From sums to bounds. */
static inline __attribute__((always_inline)) void bounds(struct group *g, size_t m0, float *low,
                                                         __m512i acc[TILE_ROWS][TILE_VECS],
                                                         const struct panel *const *panel,
                                                         const float *half, const int n)
{
    __m512 high[TILE_ROWS];

#pragma GCC unroll 8
    for (int m = 0; m < TILE_ROWS; m++)
        high[m] = g->high[m0 + (size_t)m];
#pragma GCC unroll 3
    for (int l = 0; l < n; l++) {
        __m512 halves = _mm512_loadu_ps(half + l * KM_PANEL);
        __m512 step = _mm512_loadu_ps(panel[l]->step);
        __m512 error = _mm512_loadu_ps(panel[l]->error);

#pragma GCC unroll 8
        for (int m = 0; m < TILE_ROWS; m++) {
            size_t row = m0 + (size_t)m;
            __m512 both = _mm512_mul_ps(step, _mm512_set1_ps(g->step[row]));
            __m512 score = _mm512_fnmadd_ps(both, _mm512_cvtepi32_ps(acc[m][l]), halves);
            __m512 off = _mm512_mul_ps(error, _mm512_set1_ps(g->error[row]));

            /* of a NaN and a number min takes the second */
            high[m] = _mm512_min_ps(_mm512_add_ps(score, off), high[m]);
            _mm512_storeu_ps(low + m * CHUNK + l * KM_PANEL, _mm512_sub_ps(score, off));
        }
    }
#pragma GCC unroll 8
    for (int m = 0; m < TILE_ROWS; m++)
        g->high[m0 + (size_t)m] = high[m];
}

/* Scores of TILE_ROWS rows from m0 on and of n panels from p on, the first of them `at` in the
 * chunk. */
static inline __attribute__((always_inline)) void tile(struct group *g, size_t m0,
                                                       const float *packed,
                                                       const struct km_centers *c, size_t p,
                                                       size_t at, const int n)
{
    __m512i acc[TILE_ROWS][TILE_VECS];
    const struct panel *panel[TILE_VECS];
    size_t stride = g->stride;
    float *low = g->low + m0 * CHUNK + at;
    const char *ahead = g->ahead;
    const int8_t *s = g->s + m0 * g->stride;

#pragma GCC unroll 3
    for (int l = 0; l < n; l++)
        panel[l] = panel_at(packed, c->d, p + (size_t)l);
#pragma GCC unroll 8
    for (int m = 0; m < TILE_ROWS; m++)
#pragma GCC unroll 3
        for (int l = 0; l < n; l++)
            acc[m][l] = _mm512_set1_epi32(g->start[m0 + (size_t)m]);
    for (size_t t = 0, groups = (c->d + 3) / 4; t < groups; t++) {
        __m512i v[TILE_VECS];

#pragma GCC unroll 3
        for (int l = 0; l < n; l++) {
            v[l] = _mm512_loadu_si512(panel[l]->v[t]);
            _mm_prefetch((const char *)panel[l]->v[t + 16], _MM_HINT_T0);
        }
        _mm_prefetch(ahead + 64 * t, _MM_HINT_T1);
#pragma GCC unroll 8
        for (int m = 0; m < TILE_ROWS; m++) {
            __m512i four = four_of(s + (size_t)m * stride + 4 * t);

#pragma GCC unroll 3
            for (int l = 0; l < n; l++)
                dot_add(&acc[m][l], v[l], four);
        }
    }
    bounds(g, m0, low, acc, panel, c->half + p * KM_PANEL, n);
}

/* Functions of their own, or gcc keeps accumulators on the stack. */
#define TILE(n)                                                                                    \
    static                                                                                         \
        __attribute__((noinline)) void tile_##n(struct group *g, size_t m0, const float *packed,   \
                                                const struct km_centers *c, size_t p, size_t at)   \
    {                                                                                              \
        tile(g, m0, packed, c, p, at, n);                                                          \
    }
TILE(1)
TILE(2)
TILE(3)

static __m512i index_from(size_t j)
{
    return _mm512_add_epi32(
        _mm512_set1_epi32((int)j),
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

/* The least upper bound of each row so far, from those of its lanes. */
static __m512 limits(struct group *g)
{
    float columns[ROWS * KM_PANEL];
    __m512 least = g->limit;

    km_avx512_transpose16(columns, ROWS, (const float *)g->high, KM_PANEL);
    for (size_t l = 0; l < KM_PANEL; l++) /* of a NaN and a number min takes the second */
        least = _mm512_min_ps(_mm512_loadu_ps(columns + l * ROWS), least);
    return least;
}

/* Adds the centers of a chunk that the bounds leave to the candidates. NaN (of an overflow) leaves
 * all. `later`: other chunks come before or behind; then most vectors of bounds leave none. */
static inline __attribute__((always_inline)) void collect(struct group *g, size_t k, size_t from,
                                                          size_t width, const int later)
{
    uint32_t *rows = g->pair_row, *centers = g->pair_center;
    float *lows = g->pair_low;
    size_t n = g->pairs;

    g->limit = limits(g);
    for (size_t m = 0; m < g->n; m++) {
        __m512i row = _mm512_set1_epi32((int)m);
        __m512 limit = _mm512_permutexvar_ps(row, g->limit);
        const float *bound = g->low + m * CHUNK;

        for (size_t at = 0; at < width; at += KM_PANEL) {
            __m512 low = _mm512_loadu_ps(bound + at);
            __mmask16 left = _mm512_cmp_ps_mask(low, limit, _CMP_NGT_UQ);

            if (later && !left)
                continue;
            if (k - from - at < KM_PANEL) /* behind the last center: only where bounds overflow */
                left &= (__mmask16)((1U << (k - from - at)) - 1);
            /* in a register first: compressing into memory takes a hundred cycles on Zen 4 */
            _mm512_storeu_si512(centers + n,
                                _mm512_maskz_compress_epi32(left, index_from(from + at)));
            _mm512_storeu_si512(rows + n, row);
            if (later)
                _mm512_storeu_ps(lows + n, _mm512_maskz_compress_ps(left, low));
            n += (size_t)__builtin_popcount(left);
        }
    }
    g->pairs = n;
}

/* Drops the candidates that later centers have ruled out. */
static void filter(struct group *g)
{
    size_t kept = 0;

    for (size_t i = 0; i < g->pairs; i += 16) {
        size_t n = g->pairs - i;
        __m512 low = _mm512_loadu_ps(g->pair_low + i);
        __m512i row = _mm512_loadu_si512(g->pair_row + i);
        __m512i center = _mm512_loadu_si512(g->pair_center + i);
        __mmask16 left = _mm512_cmp_ps_mask(low, _mm512_permutexvar_ps(row, g->limit), _CMP_NGT_UQ);

        left = (__mmask16)(left & (n < 16 ? (1U << n) - 1 : 0xffffU));
        _mm512_storeu_ps(g->pair_low + kept, _mm512_maskz_compress_ps(left, low));
        _mm512_storeu_si512(g->pair_row + kept, _mm512_maskz_compress_epi32(left, row));
        _mm512_storeu_si512(g->pair_center + kept, _mm512_maskz_compress_epi32(left, center));
        kept += (size_t)__builtin_popcount(left);
    }
    g->pairs = kept;
}

/* ---- float32 ---- */

/* Scores of 4 pairs of a row and a center, of which the first n make those of the row better or do
 * not. */
static void compare_4(const struct group *g, const struct km_centers *c, const uint32_t *m,
                      const uint32_t *j, size_t n)
{
    __m512 total[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                       _mm512_setzero_ps()};
    const float *row[4], *center[4];
    float dot[4];

    for (size_t l = 0; l < 4; l++) {
        row[l] = g->row[m[l]];
        center[l] = km_mat_row(&c->c, j[l]);
    }
    for (size_t from = 0; from < c->c.ld; from += CHAIN) {
        __m512 acc[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                         _mm512_setzero_ps()};
        size_t end = c->c.ld - from < CHAIN ? c->c.ld : from + CHAIN;

        for (size_t t = from; t < end; t += 16)
#pragma GCC unroll 4
            for (size_t l = 0; l < 4; l++)
                acc[l] = _mm512_fmadd_ps(_mm512_loadu_ps(row[l] + t),
                                         _mm512_loadu_ps(center[l] + t), acc[l]);
#pragma GCC unroll 4
        for (size_t l = 0; l < 4; l++)
            total[l] = _mm512_add_ps(total[l], acc[l]);
    }
    _mm_storeu_ps(dot, km_avx512_reduce4(total[0], total[1], total[2], total[3]));
    for (size_t l = 0; l < n; l++) {
        float s = c->half[j[l]] - dot[l], best = g->score[m[l]], other = s < best ? best : s;
        int less = s < best;

        g->second[m[l]] = other < g->second[m[l]] ? other : g->second[m[l]];
        g->score[m[l]] = less ? s : g->score[m[l]];
        g->label[m[l]] = less ? j[l] : g->label[m[l]];
    }
}

/* The candidates go through float32. */
static void compare(struct group *g, const struct km_centers *c)
{
    for (size_t l = g->pairs; l % 4; l++) { /* the last pair again, for a whole four */
        g->pair_row[l] = g->pair_row[g->pairs - 1];
        g->pair_center[l] = g->pair_center[g->pairs - 1];
    }
    for (size_t i = 0; i < g->pairs; i += 4)
        compare_4(g, c, g->pair_row + i, g->pair_center + i, g->pairs - i < 4 ? g->pairs - i : 4);
    g->compared += g->pairs;
    g->pairs = 0;
}

/* ---- rows ---- */

static void screen(struct group *g, const struct km_centers *c, const float *packed)
{
    size_t all = km_ceil_div(c->k, KM_PANEL);
    const char *end = (const char *)(g->row[0] + 2 * ROWS * c->c.ld);

    g->ahead = (const char *)(g->row[0] + ROWS * c->c.ld);

    for (size_t first = 0, n; first < all; first += n) {
        n = all - first < CHUNK / KM_PANEL ? all - first : CHUNK / KM_PANEL;
        for (size_t p = 0, l; p < n; p += l) {
            size_t left = n - p;

            l = left >= TILE_VECS && left != TILE_VECS + 1 ? TILE_VECS : left >= 2 ? 2 : 1;
            for (size_t m = 0; m < g->n; m += TILE_ROWS) {
                if (l == TILE_VECS)
                    tile_3(g, m, packed, c, first + p, p * KM_PANEL);
                else if (l == 2)
                    tile_2(g, m, packed, c, first + p, p * KM_PANEL);
                else
                    tile_1(g, m, packed, c, first + p, p * KM_PANEL);
                g->ahead += g->ahead < end ? 64 * ((c->d + 3) / 4) : 0;
            }
        }
        if (all <= CHUNK / KM_PANEL) {
            collect(g, c->k, 0, n * KM_PANEL, 0);
        } else {
            collect(g, c->k, first * KM_PANEL, n * KM_PANEL, 1);
            if (g->pairs > PAIRS - ROWS * CHUNK)
                filter(g);
            if (g->pairs > PAIRS - ROWS * CHUNK)
                compare(g, c);
        }
    }
    if (all > CHUNK / KM_PANEL)
        filter(g);
}

static void label_group(struct group *g, float most_norm, const struct km_centers *c,
                        const float *packed)
{
    float limit[ROWS];

    for (size_t m = 0; m < ROWS; m += 4) {
        struct scaled about = scale_rows(g->s + m * g->stride, g->stride, g->row + m, c->c.ld);

        _mm_storeu_ps(g->step + m, about.step);
        _mm_storeu_ps(g->norm2 + m, about.norm2);
        _mm_storeu_ps(g->error + m, row_error(&about, most_norm));
        _mm_storeu_si128((__m128i *)(void *)(g->start + m),
                         _mm_slli_epi32(_mm_sub_epi32(_mm_setzero_si128(), about.sum), 7));
    }
    g->limit = _mm512_set1_ps(INFINITY);
    for (size_t m = 0; m < ROWS; m++)
        g->high[m] = g->limit;
    for (size_t m = 0; m < g->n; m++) {
        g->label[m] = 0;
        g->score[m] = g->second[m] = INFINITY;
    }
    screen(g, c, packed);
    compare(g, c);
    /* what is left out is above the limit of that time, and limits only fall */
    _mm512_storeu_ps(limit, g->limit);
    for (size_t m = 0; m < g->n; m++)
        g->second[m] = limit[m] < g->second[m] ? limit[m] : g->second[m];
}

static float most_norm(const struct km_centers *c)
{
    float most = 0;

    for (size_t j = 0; j < c->k; j++)
        most = c->half[j] > most ? c->half[j] : most;
    return sqrtf(2 * most);
}

/* The buffers of a group in a worker's scratch memory. */
static struct group group_in(float *scratch, size_t d)
{
    struct group g = {.stride = stride_of(d), .s = (int8_t *)scratch};

    _Static_assert(ROWS * (MAX_FEATURES / 4 + CHUNK) + 3 * (PAIRS + 16) <= KM_KERN_SCRATCH,
                   "a group fits");
    g.low = scratch + ROWS * g.stride / 4;
    g.pair_low = g.low + ROWS * CHUNK;
    g.pair_row = (uint32_t *)(void *)(g.pair_low + PAIRS + 16);
    g.pair_center = g.pair_row + PAIRS + 16;
    return g;
}

static void nearest(uint32_t *label, float *score, float *second, float *norm2,
                    const struct km_mat *x, const struct km_centers *c, const float *packed,
                    float *scratch)
{
    struct group g = group_in(scratch, x->d);
    float most;

    most = most_norm(c);
    for (size_t i = 0; i < x->n; i += ROWS) {
        g.n = x->n - i < ROWS ? x->n - i : ROWS;
        for (size_t m = 0; m < ROWS; m++) /* behind the last row the last again */
            g.row[m] = km_mat_row(x, m < g.n ? i + m : x->n - 1);
        g.label = label + i;
        g.score = score + i;
        g.second = second + i;
        label_group(&g, most, c, packed);
        memcpy(norm2 + i, g.norm2, g.n * sizeof(*norm2));
    }
}

static int pays(const struct km_mat *x, const struct km_centers *c, const float *packed,
                float *scratch, double plain_rate)
{
    struct group g = group_in(scratch, x->d);
    uint32_t label[ROWS];
    float score[ROWS], second[ROWS];

    if (!suits(c->k, c->d, plain_rate) || x->n == 0)
        return 1;
    g.n = ROWS;
    for (size_t m = 0; m < ROWS; m++) /* not evenly: every n-th row might be a center */
        g.row[m] = km_mat_row(x, (m * x->n + m * 7 % ROWS * x->n / ROWS) / ROWS);
    g.label = label;
    g.score = score;
    g.second = second;
    label_group(&g, most_norm(c), c, packed);
    return is_worth(c->k, c->d, plain_rate, (double)g.compared / (double)g.n);
}

/* The entries of a level for CPUs of one rate. */
#define SCREEN(name, plain_rate)                                                                   \
    static struct km_layout layout_##name(size_t k, size_t d)                                      \
    {                                                                                              \
        return layout(k, d, plain_rate);                                                           \
    }                                                                                              \
    static void pack_##name(float *packed, const struct km_centers *c, size_t p)                   \
    {                                                                                              \
        pack(packed, c, p, plain_rate);                                                            \
    }                                                                                              \
    static void nearest_##name(uint32_t *label, float *score, float *second, float *norm2,         \
                               const struct km_mat *x, const struct km_centers *c,                 \
                               const float *packed, float *scratch)                                \
    {                                                                                              \
        if (suits(c->k, c->d, plain_rate))                                                         \
            nearest(label, score, second, norm2, x, c, packed, scratch);                           \
        else                                                                                       \
            km_kernels_avx512.nearest(label, score, second, norm2, x, c, packed, scratch);         \
    }                                                                                              \
    static int pays_##name(const struct km_mat *x, const struct km_centers *c,                     \
                           const float *packed, float *scratch)                                    \
    {                                                                                              \
        return pays(x, c, packed, scratch, plain_rate);                                            \
    }                                                                                              \
    const struct km_screen km_screen_##name = {layout_##name, pack_##name, nearest_##name,         \
                                               pays_##name};
SCREEN(vnni, PLAIN_RATE)
SCREEN(vnni_zen4, PLAIN_RATE_ZEN4)
