/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vector kernels, once for all widths. Included by avx2.c and avx512.c after they have defined
 *
 *   W                 lanes of a float vector
 *   V..., VI..., VD...  operations on floats, int32 and W / 2 doubles (loads and stores unaligned)
 *   VWIDEN(p)         W / 2 floats at p as doubles
 *   VLESS_BLEND(best, index, score, at)  where score < best: best = score, index = at
 *   REDUCE4(a, b, c, d)  the lane sums of four vectors, as a vector of 4 floats
 *   LANE_M, LANE_L    a register tile of forms B and C: broadcast rows (or centers), vectors of lanes
 *   DOT_C             a register tile of form A: centers
 *   transpose         transpose.h
 *
 * Three forms of the nearest center, chosen by K and d alone (form_of):
 *
 *   A  K < 16, d >= 64: vectors run along d; 4 rows x DOT_C centers in registers, lane sums at the end.
 *      No packing at all: this form lives at the speed of memory.
 *   B  d > 128: centers lie in lanes, packed in panels of 16; rows are broadcast. What is left of K
 *      below a panel goes through A when it is at most half a panel.
 *   C  the rest: rows lie in lanes, transposed once for a tile of LANE_L * W rows; centers are
 *      broadcast. No packing of centers, no padding of K, no horizontal step.
 */

/* How far ahead of its use memory is asked for, in floats. Panels and rows stream from the L2 or L3
 * cache in strands too short for the hardware to foresee. Measured on Zen 5 (K=256, d=4096 and
 * K=100, d=784): 82 -> 92 % of the peak in the assignment; half and double do the same within noise. */
#define PANEL_AHEAD (32 * KM_PANEL)
#define ADD_AHEAD   64

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

    return rest == 0 || rest > KM_PANEL / 2 ? (k + KM_PANEL - 1) / KM_PANEL * KM_PANEL : k - rest;
}

/* ---- form A ---- */

/* Best score and center of 4 rows. */
struct best4 {
    __m128 score;
    __m128i index;
};

/* 4 rows against n centers from j on; n is a constant after inlining. With `ahead`, the rows behind
 * these four are asked for: the first centers' turn over a tile is when memory is waited for. */
static inline __attribute__((always_inline)) void dot_tile(struct best4 *b, const float *const *row,
                                                           const struct km_centers *c, size_t j,
                                                           const int n, size_t ahead)
{
    V acc[DOT_C][4];
    size_t ld = c->c.ld;
    const float *center = c->c.v + j * ld;

#pragma GCC unroll 8
    for (int m = 0; m < n; m++)
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++)
            acc[m][r] = VZERO();
    for (size_t t = 0; t < ld; t += W) {
        V x[4];

#pragma GCC unroll 4
        for (int r = 0; r < 4; r++) {
            x[r] = VLOAD(row[r] + t);
            _mm_prefetch((const char *)(row[r] + t + ahead), _MM_HINT_T0);
        }
#pragma GCC unroll 8
        for (int m = 0; m < n; m++) {
            V y = VLOAD(center + (size_t)m * ld + t);

#pragma GCC unroll 4
            for (int r = 0; r < 4; r++)
                acc[m][r] = VFMA(x[r], y, acc[m][r]);
        }
    }
#pragma GCC unroll 8
    for (int m = 0; m < n; m++) {
        __m128 dot = REDUCE4(acc[m][0], acc[m][1], acc[m][2], acc[m][3]);
        __m128 score = _mm_sub_ps(_mm_set1_ps(c->half[j + (size_t)m]), dot);
        __m128 less = _mm_cmplt_ps(score, b->score);

        b->score = _mm_min_ps(score, b->score);
        b->index = _mm_blendv_epi8(b->index, _mm_set1_epi32((int)j + m), _mm_castps_si128(less));
    }
}

static void dot_centers(struct best4 *b, const float *const *row, const struct km_centers *c,
                        size_t from, size_t ahead)
{
    size_t left = c->k - from;

    while (left > 0) {
        /* equal shares: 6 as 3 + 3, not 5 + 1 */
        size_t groups = (left + DOT_C - 1) / DOT_C;
        size_t n = (left + groups - 1) / groups;

        switch (n) {
        case 1:
            dot_tile(b, row, c, from, 1, ahead);
            break;
        case 2:
            dot_tile(b, row, c, from, 2, ahead);
            break;
        case 3:
            dot_tile(b, row, c, from, 3, ahead);
            break;
#if DOT_C > 3
        case 4:
            dot_tile(b, row, c, from, 4, ahead);
            break;
        default:
            dot_tile(b, row, c, from, 5, ahead);
            break;
#endif
        }
        from += n;
        left -= n;
    }
}

/* Form A for all rows, over centers from `from` on; label and score hold the best so far. */
static void nearest_a(uint32_t *label, float *score, const struct km_mat *x,
                      const struct km_centers *c, size_t from)
{
    for (size_t i = 0; i < x->n; i += 4) {
        const float *row[4];
        uint32_t index[4];
        float best[4];
        size_t n = x->n - i < 4 ? x->n - i : 4;
        struct best4 b;

        for (size_t r = 0; r < 4; r++) {
            size_t at = i + (r < n ? r : n - 1); /* the last tile repeats its last row */

            row[r] = km_mat_row(x, at);
            best[r] = score[at];
            index[r] = label[at];
        }
        b.score = _mm_loadu_ps(best);
        b.index = _mm_loadu_si128((const __m128i *)(const void *)index);
        dot_centers(&b, row, c, from, 4 * x->ld);
        _mm_storeu_ps(best, b.score);
        _mm_storeu_si128((__m128i *)(void *)index, b.index);
        memcpy(score + i, best, n * sizeof(*best));
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

/* Best score and center of each lane, for the rows of one tile. */
struct lanes {
    V best[LANE_M];
    VI index[LANE_M];
};

static inline __attribute__((always_inline)) void
panel_tile(struct lanes *s, const struct km_mat *x, size_t i, const struct km_centers *c,
           const float *packed, size_t j, const int m_rows, const int l_vectors)
{
    V acc[LANE_M][LANE_L];
    /* vectors of one panel lie side by side; AVX2 has two of them */
    size_t step = W == KM_PANEL ? KM_PANEL * c->c.ld : W;
    const float *lanes = packed + j / KM_PANEL * KM_PANEL * c->c.ld + j % KM_PANEL;

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
            VLESS_BLEND(s->best[m], s->index[m], acc[m][l], at);
    }
}

/* All panels for m_rows rows from row i on. */
static inline __attribute__((always_inline)) void panels(uint32_t *label, float *score,
                                                         const struct km_mat *x, size_t i,
                                                         const struct km_centers *c,
                                                         const float *packed, const int m_rows)
{
    struct lanes s;
    size_t end = panel_centers(c->k), j = 0;

#pragma GCC unroll 16
    for (int m = 0; m < m_rows; m++) {
        s.best[m] = VSET1(INFINITY);
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
    for (int m = 0; m < m_rows; m++) {
        float best[W];
        int32_t index[W];
        int at = 0;

        VSTORE(best, s.best[m]);
        VISTORE(index, s.index[m]);
        for (int l = 1; l < W; l++)
            if (best[l] < best[at] || (best[l] == best[at] && index[l] < index[at]))
                at = l;
        score[i + (size_t)m] = best[at];
        label[i + (size_t)m] = (uint32_t)index[at];
    }
}

static void nearest_b(uint32_t *label, float *score, const struct km_mat *x,
                      const struct km_centers *c, const float *packed)
{
    size_t i = 0;

    for (; i + LANE_M <= x->n; i += LANE_M)
        panels(label, score, x, i, c, packed, LANE_M);
    for (; i < x->n; i++)
        panels(label, score, x, i, c, packed, 1);
    if (panel_centers(c->k) < c->k)
        nearest_a(label, score, x, c, panel_centers(c->k));
}

static size_t panel_count(size_t k, size_t d)
{
    return form_of(k, d) == FORM_B ? panel_centers(k) / KM_PANEL : 0;
}

/* Panel p of 16 centers: feature by feature, the 16 values side by side; zeros behind the last center. */
static void pack(float *packed, const struct km_centers *c, size_t p)
{
    size_t n = c->k - p * KM_PANEL < KM_PANEL ? c->k - p * KM_PANEL : KM_PANEL;

    transpose(packed + p * KM_PANEL * c->c.ld, KM_PANEL, km_mat_row(&c->c, p * KM_PANEL), c->c.ld,
              n, c->d, c->k - p * KM_PANEL);
}

/* ---- form C ---- */

static inline __attribute__((always_inline)) void center_tile(V *best, VI *index, const float *xt,
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
            VLESS_BLEND(best[l], index[l], acc[m][l], at);
    }
}

static void nearest_c(uint32_t *label, float *score, const struct km_mat *x,
                      const struct km_centers *c, float *scratch)
{
    const size_t rows = LANE_L * W;

    for (size_t i = 0; i < x->n; i += rows) {
        size_t n = x->n - i < rows ? x->n - i : rows, j = 0;
        V best[LANE_L];
        VI index[LANE_L];
        float s[LANE_L * W];
        int32_t at[LANE_L * W];

        transpose(scratch, rows, km_mat_row(x, i), x->ld, n, x->d, x->n - i);
        for (int l = 0; l < LANE_L; l++) {
            best[l] = VSET1(INFINITY);
            index[l] = VISET1(0);
        }
        for (; j + LANE_M <= c->k; j += LANE_M)
            center_tile(best, index, scratch, c, j, LANE_M);
        for (; j + 2 <= c->k; j += 2)
            center_tile(best, index, scratch, c, j, 2);
        if (j < c->k)
            center_tile(best, index, scratch, c, j, 1);
        if (n == rows) {
            for (int l = 0; l < LANE_L; l++) {
                VSTORE(score + i + l * W, best[l]);
                VISTORE(label + i + l * W, index[l]);
            }
            continue;
        }
        for (int l = 0; l < LANE_L; l++) {
            VSTORE(s + l * W, best[l]);
            VISTORE(at + l * W, index[l]);
        }
        memcpy(score + i, s, n * sizeof(*s));
        memcpy(label + i, at, n * sizeof(*at));
    }
}

static void nearest(uint32_t *label, float *score, const struct km_mat *x,
                    const struct km_centers *c, const float *packed, float *scratch)
{
    switch (form_of(c->k, c->d)) {
    case FORM_A:
        for (size_t i = 0; i < x->n; i++) {
            score[i] = INFINITY;
            label[i] = 0;
        }
        nearest_a(label, score, x, c, 0);
        return;
    case FORM_B:
        nearest_b(label, score, x, c, packed);
        return;
    case FORM_C:
        nearest_c(label, score, x, c, scratch);
        return;
    }
}

/* ---- the other entries ---- */

/* Columns t .. t + 2 W - 1 of a sum stay in four registers while the rows go by. */
static inline __attribute__((always_inline)) void add_columns(double *sum, const float *const *row,
                                                              const double *weight, size_t n,
                                                              size_t t, const int weighted)
{
    VD total[4];

#pragma GCC unroll 4
    for (size_t l = 0; l < 4; l++)
        total[l] = VDLOAD(sum + t + l * (W / 2));
    for (size_t i = 0; i < n; i++) {
        VD w = VDSET1(weighted ? weight[i] : 1);

        _mm_prefetch((const char *)(row[i] + t + ADD_AHEAD), _MM_HINT_T0);
        _mm_prefetch((const char *)(row[i] + t + ADD_AHEAD + 16), _MM_HINT_T0);
#pragma GCC unroll 4
        for (size_t l = 0; l < 4; l++) {
            VD v = VWIDEN(row[i] + t + l * (W / 2));

            total[l] = weighted ? VDFMA(w, v, total[l]) : VDADD(v, total[l]);
        }
    }
#pragma GCC unroll 4
    for (size_t l = 0; l < 4; l++)
        VDSTORE(sum + t + l * (W / 2), total[l]);
}

static void add(double *sum, const float *const *row, const double *weight, size_t n, size_t from,
                size_t to)
{
    size_t t = from;

    for (; t + 2 * W <= to; t += 2 * W) {
        if (weight)
            add_columns(sum, row, weight, n, t, 1);
        else
            add_columns(sum, row, weight, n, t, 0);
    }
    for (; t + W / 2 <= to; t += W / 2) {
        VD total = VDLOAD(sum + t);

        for (size_t i = 0; i < n; i++)
            total = VDFMA(VDSET1(weight ? weight[i] : 1), VWIDEN(row[i] + t), total);
        VDSTORE(sum + t, total);
    }
    for (; t < to; t++)
        for (size_t i = 0; i < n; i++)
            sum[t] += (weight ? weight[i] : 1) * (double)row[i][t];
}

/* d and weighted are constants after inlining for the narrowest rows, where the loop itself would cost as
 * much as the additions. */
static inline __attribute__((always_inline)) void
scatter_rows(double *sum, double *count, const struct km_mat *x, const uint32_t *label,
             const double *weight, const size_t d, const int weighted)
{
    for (size_t i = 0; i < x->n; i++) {
        const float *row = x->v + i * x->ld;
        double *to = sum + label[i] * d;
        double w = weighted ? weight[i] : 1;
        size_t t = 0;

        count[label[i]] += w;
        for (; t + W / 2 <= d; t += W / 2)
            VDSTORE(to + t, VDFMA(VDSET1(w), VWIDEN(row + t), VDLOAD(to + t)));
        for (; t + 2 <= d; t += 2) {
            __m128 pair = _mm_castpd_ps(_mm_load_sd((const double *)(const void *)(row + t)));

            _mm_storeu_pd(to + t,
                          _mm_fmadd_pd(_mm_set1_pd(w), _mm_cvtps_pd(pair), _mm_loadu_pd(to + t)));
        }
        for (; t < d; t++)
            to[t] += w * (double)row[t];
    }
}

static void scatter(double *sum, double *count, const struct km_mat *x, const uint32_t *label,
                    const double *weight)
{
    if (weight)
        scatter_rows(sum, count, x, label, weight, x->d, 1);
    else if (x->d == 1)
        scatter_rows(sum, count, x, label, NULL, 1, 0);
    else if (x->d == 2)
        scatter_rows(sum, count, x, label, NULL, 2, 0);
    else if (x->d == 3)
        scatter_rows(sum, count, x, label, NULL, 3, 0);
    else if (x->d == 4)
        scatter_rows(sum, count, x, label, NULL, 4, 0);
    else if (x->d == 8)
        scatter_rows(sum, count, x, label, NULL, 8, 0);
    else
        scatter_rows(sum, count, x, label, NULL, x->d, 0);
}

static double norm2(const struct km_mat *x)
{
    size_t len = x->n * x->ld, t = 0;
    VD total[4] = {VDZERO(), VDZERO(), VDZERO(), VDZERO()};
    double rest = 0;

    for (; t + 2 * W <= len; t += 2 * W)
#pragma GCC unroll 4
        for (int l = 0; l < 4; l++) {
            VD v = VWIDEN(x->v + t + (size_t)l * (W / 2));

            total[l] = VDFMA(v, v, total[l]);
        }
    for (; t < len; t++)
        rest += (double)x->v[t] * (double)x->v[t];
    return VDSUM(VDADD(VDADD(total[0], total[1]), VDADD(total[2], total[3]))) + rest;
}

static double dist2(const float *row, const double *center, size_t d)
{
    VD a = VDZERO(), b = VDZERO();
    double rest = 0;
    size_t t = 0;

    for (; t + W <= d; t += W) {
        VD p = VDSUB(VWIDEN(row + t), VDLOAD(center + t));
        VD q = VDSUB(VWIDEN(row + t + W / 2), VDLOAD(center + t + W / 2));

        a = VDFMA(p, p, a);
        b = VDFMA(q, q, b);
    }
    for (; t < d; t++)
        rest += ((double)row[t] - center[t]) * ((double)row[t] - center[t]);
    return VDSUM(VDADD(a, b)) + rest;
}

static void min_dist2(float *nearest2, const struct km_mat *x, const float *point)
{
    for (size_t i = 0; i < x->n; i++) {
        const float *row = km_mat_row(x, i);
        V a = VZERO(), b = VZERO();
        float lane[W], total = 0;
        size_t t = 0;

        for (; t + 2 * W <= x->d; t += 2 * W) {
            V p = VSUB(VLOAD(row + t), VLOAD(point + t));
            V q = VSUB(VLOAD(row + t + W), VLOAD(point + t + W));

            a = VFMA(p, p, a);
            b = VFMA(q, q, b);
        }
        for (; t < x->d; t++)
            total += (row[t] - point[t]) * (row[t] - point[t]);
        VSTORE(lane, VADD(a, b));
        for (int l = 0; l < W; l++)
            total += lane[l];
        if (total < nearest2[i])
            nearest2[i] = total;
    }
}
