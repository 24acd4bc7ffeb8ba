/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scores of all centers for rows that lie anywhere, once for all widths (included like body.h,
 * with the same words). Vectors run along d, as in form A: SCORE_M rows x SCORE_C centers in
 * registers.
 */
#define SCORE_M 4
#define SCORE_C DOT_C

/* SCORE_M rows against n centers from j on; n is a constant after inlining. score[m] belongs to row
 * m. */
static inline __attribute__((always_inline)) void score_tile(float *const *score,
                                                             const float *const *row,
                                                             const struct km_centers *c, size_t j,
                                                             const int n)
{
    V acc[SCORE_C][SCORE_M];
    size_t ld = c->c.ld;
    const float *center = km_mat_row(&c->c, j);

#pragma GCC unroll 8
    for (int l = 0; l < n; l++)
#pragma GCC unroll 4
        for (int m = 0; m < SCORE_M; m++)
            acc[l][m] = VZERO();
    for (size_t t = 0; t < ld; t += W) {
        V x[SCORE_M];

#pragma GCC unroll 4
        for (int m = 0; m < SCORE_M; m++)
            x[m] = VLOAD(row[m] + t);
#pragma GCC unroll 8
        for (int l = 0; l < n; l++) {
            V y = VLOAD(center + (size_t)l * ld + t);

#pragma GCC unroll 4
            for (int m = 0; m < SCORE_M; m++)
                acc[l][m] = VFMA(x[m], y, acc[l][m]);
        }
    }
#pragma GCC unroll 8
    for (int l = 0; l < n; l++) {
        float s[SCORE_M];

        _mm_storeu_ps(s, _mm_sub_ps(_mm_set1_ps(c->half[j + (size_t)l]),
                                    REDUCE4(acc[l][0], acc[l][1], acc[l][2], acc[l][3])));
        for (int m = 0; m < SCORE_M; m++)
            score[m][l] = s[m];
    }
}

static void scores(float *score, const float *const *row, size_t n, const struct km_centers *c,
                   size_t from, size_t centers)
{
    for (size_t i = 0; i < n; i += SCORE_M) {
        const float *x[SCORE_M];
        float *to[SCORE_M];

        for (size_t m = 0; m < SCORE_M; m++) { /* the last tile repeats its last row */
            size_t at = i + m < n ? i + m : n - 1;

            x[m] = row[at];
            to[m] = score + at * centers;
        }
        for (size_t j = 0; j < centers;) {
            /* equal shares: 6 as 3 + 3, not 5 + 1 */
            size_t tiles = km_ceil_div(centers - j, SCORE_C);
            size_t width = km_ceil_div(centers - j, tiles);

            switch (width) {
            case 1:
                score_tile(to, x, c, from + j, 1);
                break;
            case 2:
                score_tile(to, x, c, from + j, 2);
                break;
            case 3:
                score_tile(to, x, c, from + j, 3);
                break;
#if SCORE_C > 3
            case 4:
                score_tile(to, x, c, from + j, 4);
                break;
            default:
                score_tile(to, x, c, from + j, 5);
                break;
#endif
            }
            for (size_t m = 0; m < SCORE_M; m++)
                to[m] += width;
            j += width;
        }
    }
}

/* Four pairs side by side; the last tile repeats its last pair. */
static void pairs(float *score, const float *const *row, const uint32_t *center, size_t n,
                  const struct km_centers *c)
{
    for (size_t i = 0; i < n; i += 4) {
        size_t left = n - i < 4 ? n - i : 4;
        const float *x[4], *y[4];
        float half[4], s[4];
        V acc[4];

        for (size_t m = 0; m < 4; m++) {
            size_t at = i + (m < left ? m : left - 1);

            x[m] = row[at];
            y[m] = km_mat_row(&c->c, center[at]);
            half[m] = c->half[center[at]];
            acc[m] = VZERO();
        }
        for (size_t t = 0; t < c->c.ld; t += W)
#pragma GCC unroll 4
            for (int m = 0; m < 4; m++)
                acc[m] = VFMA(VLOAD(x[m] + t), VLOAD(y[m] + t), acc[m]);
        _mm_storeu_ps(s, _mm_sub_ps(_mm_loadu_ps(half), REDUCE4(acc[0], acc[1], acc[2], acc[3])));
        for (size_t m = 0; m < left; m++)
            score[i + m] = s[m];
    }
}
