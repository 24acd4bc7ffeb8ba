/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entries in float64, once for all widths (included like body.h, with the same words): sums of
 * rows, norms, and distances by differences.
 */

/* Vectors of doubles of a sum that stay in registers. */
#define ADD_COLUMNS 8

/* Columns t .. t + C * W / 2 - 1 of a sum stay in C registers while the rows go by. A weighted
 * value is rounded before it is added: never fused, as not every CPU can (kernels.h). */
static inline __attribute__((always_inline)) void add_columns(double *sum, const float *const *row,
                                                              const double *weight, size_t n,
                                                              size_t t, const size_t columns)
{
    VD total[ADD_COLUMNS];

#pragma GCC unroll 8
    for (size_t l = 0; l < columns; l++)
        total[l] = VDLOAD(sum + t + l * (W / 2));
    for (size_t i = 0; i < n; i++) {
        VD w = VDSET1(weight ? weight[i] : 1);

        if (columns == ADD_COLUMNS)
#pragma GCC unroll 8
            for (size_t l = 0; l < columns * (W / 2); l += 16)
                _mm_prefetch((const char *)(row[i] + t + columns * (W / 2) + l), _MM_HINT_T0);
#pragma GCC unroll 8
        for (size_t l = 0; l < columns; l++) {
            VD v = VWIDEN(row[i] + t + l * (W / 2));

            total[l] = VDADD(weight ? VDMUL(w, v) : v, total[l]);
        }
    }
#pragma GCC unroll 8
    for (size_t l = 0; l < columns; l++)
        VDSTORE(sum + t + l * (W / 2), total[l]);
}

static inline __attribute__((always_inline)) void add_rows(double *sum, const float *const *row,
                                                           const double *weight, size_t n, size_t d)
{
    size_t t = 0;

    for (; t + ADD_COLUMNS * (W / 2) <= d; t += ADD_COLUMNS * (W / 2))
        add_columns(sum, row, weight, n, t, ADD_COLUMNS);
    for (; t + W / 2 <= d; t += W / 2)
        add_columns(sum, row, weight, n, t, 1);
    for (; t < d; t++)
        for (size_t i = 0; i < n; i++)
            sum[t] += weight ? weight[i] * (double)row[i][t] : (double)row[i][t];
}

static void add(double *sum, const float *const *row, const double *weight, size_t n, size_t d)
{
    if (weight)
        add_rows(sum, row, weight, n, d);
    else
        add_rows(sum, row, NULL, n, d);
}

/* One row to one sum. d is a constant after inlining for the narrowest rows, where the loop itself
 * would cost as much as the additions. */
static inline __attribute__((always_inline)) void
scatter_rows(struct km_sums *sums, const struct km_mat *x, const uint32_t *label, const size_t d)
{
    double *sum = sums->sum, *count = sums->count;
    const float *row = x->v;
    size_t ahead = d >= 64 ? x->n * x->ld : 0;

    for (size_t i = 0, n = x->n, ld = x->ld; i < n; i++, row += ld) {
        double *to = sum + label[i] * d;
        size_t t = 0;

        count[label[i]] += 1;
        for (; t + 2 * W <= d; t += 2 * W) {
            /* two of four rows of the next block; form A asks for the others */
            for (size_t l = 0; ahead && (i & 2) && l < 2 * W; l += 16)
                _mm_prefetch((const char *)(row + ahead + t + l), _MM_HINT_T1);
#pragma GCC unroll 4
            for (size_t l = 0; l < 4; l++) {
                VD v = VWIDEN(row + t + l * (W / 2));

                VDSTORE(to + t + l * (W / 2), VDADD(v, VDLOAD(to + t + l * (W / 2))));
            }
        }
        for (; t + W / 2 <= d; t += W / 2)
            VDSTORE(to + t, VDADD(VWIDEN(row + t), VDLOAD(to + t)));
        for (; t + 2 <= d; t += 2) {
            __m128d v =
                _mm_cvtps_pd(_mm_castpd_ps(_mm_load_sd((const double *)(const void *)(row + t))));

            _mm_storeu_pd(to + t, _mm_add_pd(v, _mm_loadu_pd(to + t)));
        }
        for (; t < d; t++)
            to[t] += (double)row[t];
    }
}

static void scatter(struct km_sums *sums, const struct km_mat *x, const uint32_t *label)
{
    if (x->d == 2)
        scatter_rows(sums, x, label, 2);
    else if (x->d == 8)
        scatter_rows(sums, x, label, 8);
    else
        scatter_rows(sums, x, label, x->d);
}

/* 16 chains of float64 in the order of kernels.h: chain t % 16 takes feature t. */
struct chains {
    VD c[32 / W];
};

static inline struct chains no_chains(void)
{
    struct chains s;

    for (int l = 0; l < 32 / W; l++)
        s.c[l] = VDZERO();
    return s;
}

static inline double total_of(const struct chains *s)
{
    __m256d a = VDFOLD(s->c);
    __m128d sum = _mm_add_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));

    return _mm_cvtsd_f64(_mm_add_sd(sum, _mm_unpackhi_pd(sum, sum)));
}

static double norm2(const struct km_mat *x)
{
    double total = 0;

    for (size_t i = 0; i < x->n; i++) {
        const float *row = km_mat_row(x, i);
        struct chains s = no_chains();
        double few = 0;

        for (size_t t = 0; x->d < 16 && t < x->d; t++)
            few += (double)row[t] * (double)row[t];
        for (size_t t = 0; x->d >= 16 && t < x->ld; t += 16)
#pragma GCC unroll 4
            for (int l = 0; l < 32 / W; l++) {
                VD v = VWIDEN(row + t + l * (W / 2));

                s.c[l] = VDADD(s.c[l], VDMUL(v, v));
            }
        total += x->d < 16 ? few : total_of(&s);
    }
    return total;
}

static double dist2(const float *row, const double *center, size_t d)
{
    struct chains s = no_chains();
    double rest[16] = {0}, few = 0;
    size_t t = 0;

    for (; d < 16 && t < d; t++)
        few += ((double)row[t] - center[t]) * ((double)row[t] - center[t]);
    if (d < 16)
        return few;
    for (; t + 16 <= d; t += 16)
#pragma GCC unroll 4
        for (int l = 0; l < 32 / W; l++) {
            VD v = VDSUB(VWIDEN(row + t + l * (W / 2)), VDLOAD(center + t + l * (W / 2)));

            s.c[l] = VDADD(s.c[l], VDMUL(v, v));
        }
    for (; t < d; t++)
        rest[t % 16] = ((double)row[t] - center[t]) * ((double)row[t] - center[t]);
    for (int l = 0; d % 16 && l < 32 / W; l++)
        s.c[l] = VDADD(s.c[l], VDLOAD(rest + l * (W / 2)));
    return total_of(&s);
}

/* Fewer than 16 features, which are one chain: rows lie in lanes. */
static void narrow_min_dist2(float *nearest2, const struct km_mat *x, const float *point)
{
    const size_t rows = LANE_L * W;
    float column[16 * LANE_L * W];
    double dist2[LANE_L * W];

    for (size_t i = 0; i < x->n; i += rows) {
        size_t n = x->n - i < rows ? x->n - i : rows;

        transpose(column, rows, km_mat_row(x, i), x->ld, n, x->d, x->n - i);
        for (size_t l = 0; l < rows; l += W / 2) {
            VD s = VDZERO();

            for (size_t t = 0; t < x->d; t++) {
                VD v = VDSUB(VWIDEN(column + t * rows + l), VDSET1((double)point[t]));

                s = VDADD(s, VDMUL(v, v));
            }
            VDSTORE(dist2 + l, s);
        }
        for (size_t m = 0; m < n; m++)
            nearest2[i + m] = (float)dist2[m] < nearest2[i + m] ? (float)dist2[m] : nearest2[i + m];
    }
}

static void min_dist2(float *nearest2, const struct km_mat *x, const float *point)
{
    if (x->d < 16) {
        narrow_min_dist2(nearest2, x, point);
        return;
    }
    for (size_t i = 0; i < x->n; i++) {
        const float *row = km_mat_row(x, i);
        struct chains s = no_chains();
        float found;

        for (size_t t = 0; t < x->ld; t += 16)
#pragma GCC unroll 4
            for (int l = 0; l < 32 / W; l++) {
                VD v = VDSUB(VWIDEN(row + t + l * (W / 2)), VWIDEN(point + t + l * (W / 2)));

                s.c[l] = VDADD(s.c[l], VDMUL(v, v));
            }
        found = (float)total_of(&s);
        if (found < nearest2[i])
            nearest2[i] = found;
    }
}
