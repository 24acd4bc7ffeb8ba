/* SPDX-License-Identifier: Apache-2.0 */
/* The specification: what each kernel means, in plain C and float64. Shares no code with the
 * others. */
#include "algo/kern/kernels.h"

#include <math.h>

static struct km_layout no_panels(size_t k, size_t d)
{
    (void)k;
    return (struct km_layout){.chain = d};
}

/* The sum of squares of d differences (or values), in the order that every level has. */
static double total_of(const double c[16])
{
    double a[8], b[4];

    for (int l = 0; l < 8; l++)
        a[l] = c[l] + c[l + 8];
    for (int l = 0; l < 4; l++)
        b[l] = a[l] + a[l + 4];
    return (b[0] + b[2]) + (b[1] + b[3]);
}

static double dist2(const float *row, const double *center, size_t d)
{
    double c[16] = {0};

    for (size_t t = 0; t < d; t++)
        c[d < 16 ? 0 : t % 16] += ((double)row[t] - center[t]) * ((double)row[t] - center[t]);
    return total_of(c);
}

static void norms(float *norm2, const struct km_mat *x)
{
    for (size_t i = 0; i < x->n; i++) {
        const float *row = km_mat_row(x, i);
        float c[16] = {0}, a[8];

        for (size_t t = 0; t < x->d; t++)
            c[x->d < 16 ? 0 : t % 16] += row[t] * row[t];
        for (int l = 0; l < 8; l++)
            a[l] = c[l] + c[l + 8];
        norm2[i] = ((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7]));
    }
}

static void nearest(uint32_t *label, float *score, float *second, float *norm2,
                    const struct km_mat *x, const struct km_centers *c, const float *packed,
                    float *scratch)
{
    (void)packed;
    (void)scratch;
    norms(norm2, x);
    for (size_t i = 0; i < x->n; i++) {
        const float *row = km_mat_row(x, i);
        double best = HUGE_VAL, half = 0, dot = 0;

        label[i] = 0;
        for (size_t j = 0; j < c->k; j++) {
            double found = dist2(row, c->exact + j * c->d, c->d);

            if (found < best) {
                best = found;
                label[i] = (uint32_t)j;
            }
        }
        for (size_t t = 0; t < c->d; t++) {
            double center = c->exact[label[i] * c->d + t];

            half += 0.5 * center * center;
            dot += (double)row[t] * center;
        }
        score[i] = (float)(half - dot);
        second[i] = INFINITY;
    }
}

static void scores(float *score, const float *const *row, size_t n, const struct km_centers *c,
                   size_t from, size_t centers)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < centers; j++) {
            const float *center = km_mat_row(&c->c, from + j);
            double dot = 0;

            for (size_t t = 0; t < c->d; t++)
                dot += (double)row[i][t] * (double)center[t];
            score[i * centers + j] = (float)((double)c->half[from + j] - dot);
        }
}

static void pairs(float *score, const float *const *row, const uint32_t *center, size_t n,
                  const struct km_centers *c)
{
    for (size_t i = 0; i < n; i++)
        scores(score + i, row + i, 1, c, center[i], 1);
}

static void add(double *sum, const float *const *row, const double *weight, size_t n, size_t d)
{
    for (size_t i = 0; i < n; i++)
        for (size_t t = 0; t < d; t++)
            sum[t] += weight ? weight[i] * (double)row[i][t] : (double)row[i][t];
}

static void scatter(struct km_sums *sums, const struct km_mat *x, const uint32_t *label)
{
    for (size_t i = 0; i < x->n; i++) {
        const float *row = km_mat_row(x, i);

        sums->count[label[i]] += 1;
        add(sums->sum + label[i] * x->d, &row, NULL, 1, x->d);
    }
}

static double norm2(const struct km_mat *x)
{
    double total = 0;

    for (size_t i = 0; i < x->n; i++) {
        const float *row = km_mat_row(x, i);
        double c[16] = {0};

        for (size_t t = 0; t < x->d; t++)
            c[x->d < 16 ? 0 : t % 16] += (double)row[t] * (double)row[t];
        total += total_of(c);
    }
    return total;
}

static void min_dist2(float *nearest2, const struct km_mat *x, const float *point)
{
    for (size_t i = 0; i < x->n; i++) {
        const float *row = km_mat_row(x, i);
        double c[16] = {0};
        float found;

        for (size_t t = 0; t < x->d; t++) {
            double diff = (double)row[t] - (double)point[t];

            c[x->d < 16 ? 0 : t % 16] += diff * diff;
        }
        found = (float)total_of(c);
        if (found < nearest2[i])
            nearest2[i] = found;
    }
}

static void sparse_panel(uint32_t *label, float *score, float *second, const struct km_csr *x,
                         const struct km_lanes *c, size_t p)
{
    const float *lanes = km_lanes_panel(c, p);
    size_t width = km_lanes_width(c->k, p);

    for (size_t i = 0; i < x->n; i++) {
        double best = (double)score[i];

        for (size_t l = 0; l < width && p * KM_LANES + l < c->k; l++) {
            size_t j = p * KM_LANES + l;
            double dot = 0, s;

            for (size_t e = x->at[i]; e < x->at[i] + x->len[i]; e++)
                dot += (double)x->val[e] * (double)lanes[x->col[e] * width + l];
            s = (double)c->half[j] + (double)c->scale[j] * dot;
            if (s >= best && (float)s < second[i])
                second[i] = (float)s;
            if (s < best) {
                second[i] = (float)best < second[i] ? (float)best : second[i];
                best = s;
                label[i] = (uint32_t)j;
                score[i] = (float)s;
            }
        }
    }
}

const struct km_kernels km_kernels_generic = {
    .name = "generic",
    .layout = no_panels,
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
