/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vector kernels, once for all widths. Included by avx2.c and avx512.c after they have defined
 *
 *   W                 lanes of a float vector
 *   V..., VI..., VD...  operations on floats, int32 and W / 2 doubles (loads and stores unaligned)
 *   VWIDEN(p)         W / 2 floats at p as doubles
 *   VDFOLD(c)         16 chains as 4: a0 + a4, a1 + a5, a2 + a6, a3 + a7 (kernels.h)
 *   VLESS_BLEND(best, second, index, score, at)  where score < best: best = score, index = at;
 *                     second: the smallest of the others
 *   VARGMIN(&score, &other, best, second, index)  the same over the lanes
 *   REDUCE4(a, b, c, d)  the lane sums of four vectors, as a vector of 4 floats
 *   LANE_M, LANE_L    a register tile of forms B and C: broadcast rows (or centers), vectors of
 *                     lanes
 *   DOT_C             a register tile of form A: centers
 *   transpose         transpose.h
 *
 * Three forms of the nearest center, chosen by K and d alone (form_of):
 *
 *   A  K < 16, d >= 64: vectors run along d; 4 rows x DOT_C centers in registers, lane sums at the
 *      end. No packing at all: this form lives at the speed of memory.
 *   B  d > 128: centers lie in lanes, packed in panels of 16; rows are broadcast. What is left of K
 *      below a panel goes through A when it is at most half a panel.
 *   C  the rest: rows lie in lanes, transposed once for a tile of LANE_L * W rows; centers are
 *      broadcast. No packing of centers, no padding of K, no horizontal step.
 */

/* How far ahead of its use memory is asked for, in floats. Panels and rows stream from the L2 or L3
 * cache in strands too short for the hardware to foresee. Measured on Zen 5 (K=256, d=4096 and
 * K=100, d=784): 82 -> 92 % of the peak in the assignment; half and double do the same within
 * noise. */
#define PANEL_AHEAD (32 * KM_PANEL)

enum form { FORM_A, FORM_B, FORM_C };

static enum form form_of(size_t k, size_t d)
{
    if (d >= 64 && k < KM_PANEL)
        return FORM_A;
    return d > 128 ? FORM_B : FORM_C;
}

/* Centers of form B that go through panels; the others, at the end, through form A. */
static size_t panel_centers(size_t k)
{
    size_t rest = k % KM_PANEL;

    return rest == 0 || rest > KM_PANEL / 2 ? km_round_up(k, KM_PANEL) : k - rest;
}

/* Floats of a panel of centers that lie ld apart. */
static size_t panel_floats(size_t ld)
{
    return KM_PANEL * ld;
}

/* ---- norms ---- */

/* Fewer than 16 features, which are one chain: n rows out of `rows` columns of transpose. */
static void column_norms(float *norm2, const float *column, size_t rows, size_t n, size_t d)
{
    float sum[LANE_L * W];

    for (size_t l = 0; l < rows; l += W) {
        V s = VZERO();

        for (size_t t = 0; t < d; t++) {
            V v = VLOAD(column + t * rows + l);

            s = VADD(s, VMUL(v, v));
        }
        VSTORE(sum + l, s);
    }
    memcpy(norm2, sum, n * sizeof(*sum));
}

static void narrow_norms(float *norm2, const struct km_mat *x)
{
    const size_t rows = LANE_L * W;
    float column[16 * LANE_L * W];

    for (size_t i = 0; i < x->n; i += rows) {
        size_t n = km_min(x->n - i, rows);

        transpose(column, rows, km_mat_row(x, i), x->ld, n, x->d, x->n - i);
        column_norms(norm2 + i, column, rows, n, x->d);
    }
}

/* Rows of 16 features or more: four side by side; the last tile repeats its last row. */
static inline __attribute__((always_inline)) void norms_of(float *norm2, const struct km_mat *all,
                                                           size_t from, size_t rows)
{
    const struct km_mat view = {all->v + from * all->ld, rows, all->d, all->ld}, *x = &view;

    norm2 += from;
    for (size_t i = 0; i < x->n; i += 4) {
        size_t n = km_min(x->n - i, 4);
        const float *row[4];
        float sum[4];
        V chain[4][16 / W];

        for (size_t m = 0; m < 4; m++)
            row[m] = km_mat_row(x, i + (m < n ? m : n - 1));
#pragma GCC unroll 4
        for (int m = 0; m < 4; m++)
#pragma GCC unroll 2
            for (int l = 0; l < 16 / W; l++)
                chain[m][l] = VZERO();
        for (size_t t = 0; t < x->ld; t += 16)
#pragma GCC unroll 4
            for (int m = 0; m < 4; m++)
#pragma GCC unroll 2
                for (int l = 0; l < 16 / W; l++) {
                    V v = VLOAD(row[m] + t + l * W);

                    chain[m][l] = VADD(VMUL(v, v), chain[m][l]);
                }
        _mm_storeu_ps(sum, CHAINS4(chain[0], chain[1], chain[2], chain[3]));
        memcpy(norm2 + i, sum, n * sizeof(*sum));
    }
}

static void norms(float *norm2, const struct km_mat *x)
{
    if (x->d < 16)
        narrow_norms(norm2, x);
    else
        norms_of(norm2, x, 0, x->n);
}

/* ---- form A ---- */

/* Best score and center of 4 rows, and the smallest score of the other centers. */
struct best4 {
    __m128 score, second;
    __m128i index;
};

/*
 * Rows that will be needed soon are asked for while these are worked on. Those of the same block
 * come from the L2 cache by themselves; memory is read a whole block ahead, into the L2 cache, half
 * of it here and half while the rows are added (scatter): else memory would stand still during the
 * one or the other.
 */
struct soon {
    const float *row[2];
    int n;
};

/* 4 rows against n centers from j on; n is a constant after inlining. With `squares` also the 16
 * chains of |x|^2, on the way: for vectors of 16 floats. */
static inline __attribute__((always_inline)) void dot_tile(struct best4 *b, const float *const *row,
                                                           const struct km_centers *c, size_t j,
                                                           const int n, const struct soon *soon,
                                                           V *squares)
{
    V acc[DOT_C][4], sum[4];
    size_t ld = c->c.ld;
    const float *center = c->c.v + j * ld;

#pragma GCC unroll 8
    for (int m = 0; m < n; m++)
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++)
            acc[m][r] = VZERO();
#pragma GCC unroll 4
    for (int r = 0; r < 4; r++)
        sum[r] = VZERO();
    for (size_t t = 0; t < ld; t += W) {
        V x[4];

#pragma GCC unroll 4
        for (int r = 0; r < 4; r++)
            x[r] = VLOAD(row[r] + t);
        if (squares)
#pragma GCC unroll 4
            for (int r = 0; r < 4; r++)
                sum[r] = VADD(VMUL(x[r], x[r]), sum[r]);
        for (int r = 0; r < soon->n; r++)
            _mm_prefetch((const char *)(soon->row[r] + t), _MM_HINT_T1);
#pragma GCC unroll 8
        for (int m = 0; m < n; m++) {
            V y = VLOAD(center + (size_t)m * ld + t);

#pragma GCC unroll 4
            for (int r = 0; r < 4; r++)
                acc[m][r] = VFMA(x[r], y, acc[m][r]);
        }
    }
    if (squares)
        memcpy(squares, sum, sizeof(sum));
#pragma GCC unroll 8
    for (int m = 0; m < n; m++) {
        __m128 dot = REDUCE4(acc[m][0], acc[m][1], acc[m][2], acc[m][3]);
        __m128 score = _mm_sub_ps(_mm_set1_ps(c->half[j + (size_t)m]), dot);
        __m128 less = _mm_cmplt_ps(score, b->score);

        b->second = _mm_min_ps(b->second, _mm_max_ps(score, b->score));
        b->score = _mm_min_ps(score, b->score);
        b->index = _mm_blendv_epi8(b->index, _mm_set1_epi32((int)j + m), _mm_castps_si128(less));
    }
}

/* A tile of n centers, of DOT_C at most. */
static inline __attribute__((always_inline)) void dot_some(struct best4 *b, const float *const *row,
                                                           const struct km_centers *c, size_t j,
                                                           size_t n, const struct soon *soon,
                                                           V *squares)
{
    switch (n) {
    case 1:
        dot_tile(b, row, c, j, 1, soon, squares);
        break;
    case 2:
        dot_tile(b, row, c, j, 2, soon, squares);
        break;
    case 3:
        dot_tile(b, row, c, j, 3, soon, squares);
        break;
#if DOT_C > 3
    case 4:
        dot_tile(b, row, c, j, 4, soon, squares);
        break;
    default:
        dot_tile(b, row, c, j, 5, soon, squares);
        break;
#endif
    }
}

/* Functions of their own, or gcc keeps accumulators on the stack. */
static __attribute__((noinline)) void dot_plain(struct best4 *b, const float *const *row,
                                                const struct km_centers *c, size_t j, size_t n,
                                                const struct soon *soon)
{
    dot_some(b, row, c, j, n, soon, NULL);
}

static __attribute__((noinline)) void dot_square(struct best4 *b, const float *const *row,
                                                 const struct km_centers *c, size_t j, size_t n,
                                                 const struct soon *soon, V *squares)
{
    dot_some(b, row, c, j, n, soon, squares);
}

static void dot_centers(struct best4 *b, const float *const *row, const struct km_centers *c,
                        size_t from, size_t ahead, V *squares)
{
    size_t left = c->k - from;
    int rows = ahead ? 2 : 0; /* still to be asked for */

    while (left > 0) {
        /* equal shares: 6 as 3 + 3, not 5 + 1 */
        size_t groups = km_ceil_div(left, DOT_C);
        size_t n = km_ceil_div(left, groups);
        int share = (rows + (int)groups - 1) / (int)groups;
        struct soon soon = {.n = share};

        for (int r = 0; r < share; r++)
            soon.row[r] = row[--rows] + ahead;
        if (squares)
            dot_square(b, row, c, from, n, &soon, squares);
        else
            dot_plain(b, row, c, from, n, &soon);
        squares = NULL;
        from += n;
        left -= n;
    }
}

/* Form A for all rows, over centers from `from` on; label, score and second hold the best so far.
 * norm2 NULL: not wanted. */
static void nearest_a(uint32_t *label, float *score, float *second, float *norm2,
                      const struct km_mat *x, const struct km_centers *c, size_t from)
{
    for (size_t i = 0; i < x->n; i += 4) {
        const float *row[4];
        uint32_t index[4];
        float best[4], next[4], sums[4];
        V squares[4];
        size_t n = km_min(x->n - i, 4);
        struct best4 b;

        for (size_t r = 0; r < 4; r++) {
            size_t at = i + (r < n ? r : n - 1); /* the last tile repeats its last row */

            row[r] = km_mat_row(x, at);
            best[r] = score[at];
            next[r] = second[at];
            index[r] = label[at];
        }
        b.score = _mm_loadu_ps(best);
        b.second = _mm_loadu_ps(next);
        b.index = _mm_loadu_si128((const __m128i *)(const void *)index);
        if (norm2 && W < 16)
            norms_of(norm2, x, i, n);
        /* behind panels (from > 0) the rows are at hand */
        dot_centers(&b, row, c, from, from ? 0 : x->n * x->ld, norm2 && W == 16 ? squares : NULL);
        if (norm2 && W == 16) {
            _mm_storeu_ps(sums, CHAINS4(squares, squares + 1, squares + 2, squares + 3));
            memcpy(norm2 + i, sums, n * sizeof(*sums));
        }
        _mm_storeu_ps(best, b.score);
        _mm_storeu_ps(next, b.second);
        _mm_storeu_si128((__m128i *)(void *)index, b.index);
        memcpy(score + i, best, n * sizeof(*best));
        memcpy(second + i, next, n * sizeof(*next));
        memcpy(label + i, index, n * sizeof(*index));
    }
}

/* ---- the register tile of B and C ---- */

/*
 * acc[m][l] = sum over t of lanes[l][t * stride ..] * rows[m][t]: L vectors of lanes times M
 * broadcast rows. L and M are constants after inlining, so that acc lives in registers.
 */
static inline __attribute__((always_inline)) void
tile(V acc[LANE_M][LANE_L], const float *lanes, size_t lane_step, size_t stride, const float *rows,
     size_t ld, size_t d, const int m_rows, const int l_vectors, const int ahead)
{
    for (size_t t0 = 0; t0 < d; t0 += 16) {
        size_t end = d - t0 < 16 ? d : t0 + 16;

        if (ahead)
#pragma GCC unroll 16
            for (int m = 0; m < m_rows; m++)
                _mm_prefetch((const char *)(rows + (size_t)(m + LANE_M) * ld + t0), _MM_HINT_T0);
        for (size_t t = t0; t < end; t++) {
            V v[LANE_L];

#pragma GCC unroll 8
            for (int l = 0; l < l_vectors; l++) {
                const float *at = lanes + (size_t)l * lane_step + t * stride;

                v[l] = VLOAD(at);
                if (ahead)
                    _mm_prefetch((const char *)(at + ahead), _MM_HINT_T0);
            }
#pragma GCC unroll 16
            for (int m = 0; m < m_rows; m++) {
                V r = VSET1(rows[(size_t)m * ld + t]);

#pragma GCC unroll 8
                for (int l = 0; l < l_vectors; l++)
                    acc[m][l] = VFNMA(v[l], r, acc[m][l]);
            }
        }
    }
}

/* ---- form B ---- */

/* Best score and center of each lane, and the second best score, for the rows of one tile. */
struct lanes {
    V best[LANE_M], second[LANE_M];
    VI index[LANE_M];
};

static inline __attribute__((always_inline)) void
panel_tile(struct lanes *s, const struct km_mat *x, size_t i, const struct km_centers *c,
           const float *packed, size_t j, const int m_rows, const int l_vectors)
{
    V acc[LANE_M][LANE_L];
    /* vectors of one panel lie side by side; AVX2 has two of them */
    size_t step = W == KM_PANEL ? panel_floats(c->c.ld) : W;
    const float *lanes = packed + j / KM_PANEL * panel_floats(c->c.ld) + j % KM_PANEL;

#pragma GCC unroll 8
    for (int l = 0; l < l_vectors; l++) {
        V half = VLOAD(c->half + j + (size_t)l * W);

#pragma GCC unroll 16
        for (int m = 0; m < m_rows; m++)
            acc[m][l] = half;
    }
    tile(acc, lanes, step, KM_PANEL, km_mat_row(x, i), x->ld, c->d, m_rows, l_vectors, PANEL_AHEAD);
#pragma GCC unroll 8
    for (int l = 0; l < l_vectors; l++) {
        VI at = VIADD(VISET1((int)(j + (size_t)l * W)), VIOTA());

#pragma GCC unroll 16
        for (int m = 0; m < m_rows; m++)
            VLESS_BLEND(s->best[m], s->second[m], s->index[m], acc[m][l], at);
    }
}

/* All panels for m_rows rows from row i on. */
static inline __attribute__((always_inline)) void panels(uint32_t *label, float *score,
                                                         float *second, const struct km_mat *x,
                                                         size_t i, const struct km_centers *c,
                                                         const float *packed, const int m_rows)
{
    struct lanes s;
    size_t end = panel_centers(c->k), j = 0;

#pragma GCC unroll 16
    for (int m = 0; m < m_rows; m++) {
        s.best[m] = s.second[m] = VSET1(INFINITY);
        s.index[m] = VISET1(0);
    }
    while (j < end) {
        size_t left = (end - j) / W;

        if (left >= LANE_L && left != LANE_L + 1) {
            panel_tile(&s, x, i, c, packed, j, m_rows, LANE_L);
            j += LANE_L * W;
        } else if (left >= 2) {
            panel_tile(&s, x, i, c, packed, j, m_rows, 2);
            j += 2 * W;
        } else {
            panel_tile(&s, x, i, c, packed, j, m_rows, 1);
            j += W;
        }
    }
    for (int m = 0; m < m_rows; m++)
        label[i + (size_t)m] =
            VARGMIN(score + i + m, second + i + m, s.best[m], s.second[m], s.index[m]);
}

#include "algo/kern/wide.h"

/* Not inlined, as what else would be: one function of all tiles has gcc keep accumulators on the
 * stack. */
static __attribute__((noinline)) void nearest_panels(uint32_t *label, float *score, float *second,
                                                     float *norm2, const struct km_mat *x,
                                                     const struct km_centers *c,
                                                     const float *packed)
{
    size_t i = 0;

    for (; i + LANE_M <= x->n; i += LANE_M) {
        norms_of(norm2, x, i, LANE_M);
        panels(label, score, second, x, i, c, packed, LANE_M);
    }
    norms_of(norm2, x, i, x->n - i);
    for (; i < x->n; i++)
        panels(label, score, second, x, i, c, packed, 1);
}

static void nearest_b(uint32_t *label, float *score, float *second, float *norm2,
                      const struct km_mat *x, const struct km_centers *c, const float *packed,
                      float *scratch)
{
    if (wide(c->k, c->d))
        nearest_wide(label, score, second, norm2, x, c, packed, scratch);
    else
        nearest_panels(label, score, second, norm2, x, c, packed);
    if (panel_centers(c->k) < c->k)
        nearest_a(label, score, second, NULL, x, c, panel_centers(c->k));
}

static struct km_layout layout(size_t k, size_t d)
{
    size_t n = form_of(k, d) == FORM_B ? panel_centers(k) / KM_PANEL : 0;
    size_t chain = d;

    if (form_of(k, d) == FORM_A)
        chain = d / W;
    else if (n && wide(k, d) && d > SLICE_FEATURES)
        chain = SLICE_FEATURES + d / SLICE_FEATURES;
    return (struct km_layout){n, n * panel_floats(km_mat_ld(d)), chain + 8};
}

/* Panel p of 16 centers: feature by feature, the 16 values side by side; zeros behind the last
 * center. */
static void pack(float *packed, const struct km_centers *c, size_t p)
{
    size_t n = km_min(c->k - p * KM_PANEL, KM_PANEL);

    transpose(packed + p * panel_floats(c->c.ld), KM_PANEL, km_mat_row(&c->c, p * KM_PANEL),
              c->c.ld, n, c->d, c->k - p * KM_PANEL);
}

/* ---- form C ---- */

static inline __attribute__((always_inline)) void center_tile(V *best, V *second, VI *index,
                                                              const float *xt,
                                                              const struct km_centers *c, size_t j,
                                                              const int m_rows)
{
    V acc[LANE_M][LANE_L];

#pragma GCC unroll 16
    for (int m = 0; m < m_rows; m++)
#pragma GCC unroll 8
        for (int l = 0; l < LANE_L; l++)
            acc[m][l] = VSET1(c->half[j + (size_t)m]);
    tile(acc, xt, W, LANE_L * W, km_mat_row(&c->c, j), c->c.ld, c->d, m_rows, LANE_L, 0);
#pragma GCC unroll 16
    for (int m = 0; m < m_rows; m++) {
        VI at = VISET1((int)j + m);

#pragma GCC unroll 8
        for (int l = 0; l < LANE_L; l++)
            VLESS_BLEND(best[l], second[l], index[l], acc[m][l], at);
    }
}

static void nearest_c(uint32_t *label, float *score, float *second, float *norm2,
                      const struct km_mat *x, const struct km_centers *c, float *scratch)
{
    const size_t rows = LANE_L * W;

    for (size_t i = 0; i < x->n; i += rows) {
        size_t n = km_min(x->n - i, rows), j = 0;
        V best[LANE_L], next_best[LANE_L];
        VI index[LANE_L];
        float s[LANE_L * W], s2[LANE_L * W];
        int32_t at[LANE_L * W];

        const float *next = km_mat_row(x, i) + rows * x->ld;
        size_t share = rows * x->ld / c->k + 1; /* floats to ask for, for each center */

        transpose(scratch, rows, km_mat_row(x, i), x->ld, n, x->d, x->n - i);
        if (x->d < 16)
            column_norms(norm2 + i, scratch, rows, n, x->d);
        else
            norms_of(norm2, x, i, n);
        for (int l = 0; l < LANE_L; l++) {
            best[l] = next_best[l] = VSET1(INFINITY);
            index[l] = VISET1(0);
        }
        for (; j + LANE_M <= c->k; j += LANE_M) {
            /* The next rows are asked for a few at a time: all at once, at their transposition, is
             * when memory would be waited for. */
            for (size_t t = j * share; t < (j + LANE_M) * share; t += 16)
                _mm_prefetch((const char *)(next + t), _MM_HINT_T0);
            center_tile(best, next_best, index, scratch, c, j, LANE_M);
        }
        for (; j + 2 <= c->k; j += 2)
            center_tile(best, next_best, index, scratch, c, j, 2);
        if (j < c->k)
            center_tile(best, next_best, index, scratch, c, j, 1);
        if (n == rows) {
            for (int l = 0; l < LANE_L; l++) {
                VSTORE(score + i + l * W, best[l]);
                VSTORE(second + i + l * W, next_best[l]);
                VISTORE(label + i + l * W, index[l]);
            }
            continue;
        }
        for (int l = 0; l < LANE_L; l++) {
            VSTORE(s + l * W, best[l]);
            VSTORE(s2 + l * W, next_best[l]);
            VISTORE(at + l * W, index[l]);
        }
        memcpy(score + i, s, n * sizeof(*s));
        memcpy(second + i, s2, n * sizeof(*s2));
        memcpy(label + i, at, n * sizeof(*at));
    }
}

static void nearest(uint32_t *label, float *score, float *second, float *norm2,
                    const struct km_mat *x, const struct km_centers *c, const float *packed,
                    float *scratch)
{
    switch (form_of(c->k, c->d)) {
    case FORM_A:
        for (size_t i = 0; i < x->n; i++) {
            score[i] = second[i] = INFINITY;
            label[i] = 0;
        }
        nearest_a(label, score, second, norm2, x, c, 0);
        return;
    case FORM_B:
        nearest_b(label, score, second, norm2, x, c, packed, scratch);
        return;
    case FORM_C:
        nearest_c(label, score, second, norm2, x, c, scratch);
        return;
    }
}
