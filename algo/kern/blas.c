/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any CPU: a tile of dot products by sgemm, then the smallest of each row with vectors. OpenBLAS
 * runs single-threaded inside our own threads (its own pool inside ours costs up to 40 times).
 * km_kernels_pick loads it.
 */
#include "algo/kern/kernels.h"

#include "algo/kern/openblas.h"

#include <math.h>

/* Eight lanes of the compiler's own vectors: one AVX register, two of SSE or NEON. */
#define LANES 8
typedef float vfloat __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));
typedef int32_t vint __attribute__((vector_size(LANES * sizeof(float)), may_alias));
typedef double vdouble __attribute__((vector_size(LANES * sizeof(double)), aligned(8), may_alias));

/* The smaller (or larger) of two, lane by lane. */
static vfloat lower(vfloat a, vfloat b)
{
    vint less = a < b;

    return (vfloat)(((vint)a & less) | ((vint)b & ~less));
}

static vfloat higher(vfloat a, vfloat b)
{
    vint less = a < b;

    return (vfloat)(((vint)b & less) | ((vint)a & ~less));
}

/* Running minimum of one row over panels of centers: best[lane], the center it came from, and the
 * smallest of the others. */
static void take_panel(float *score, float *second, uint32_t *label, const float *dots,
                       const float *half, size_t from, size_t lanes)
{
    vfloat best, next;
    vint index = {0}, at, step;

    for (int l = 0; l < LANES; l++) {
        best[l] = next[l] = INFINITY;
        at[l] = l;
        step[l] = LANES;
    }
    for (size_t j = 0; j < lanes; j += LANES) {
        vfloat s = *(const vfloat *)(half + from + j) - *(const vfloat *)(dots + j);
        vint less = s < best;

        next = lower(next, higher(s, best));
        best = lower(s, best);
        index = (at & less) | (index & ~less);
        at += step;
    }
    for (int l = 0; l < LANES; l++) {
        uint32_t j = (uint32_t)(from + (size_t)index[l]);

        float other = best[l] < *score ? *score : best[l];

        *second = fminf(*second, fminf(other, next[l]));
        if (best[l] < *score) {
            *score = best[l];
            *label = j;
        }
    }
}

static struct km_layout no_panels(size_t k, size_t d)
{
    (void)k;
    return (struct km_layout){.chain = d + 8}; /* who knows how sgemm adds */
}

static void norms(float *norm2, const struct km_mat *x)
{
    for (size_t i = 0; i < x->n; i++) {
        const float *row = km_mat_row(x, i);
        vfloat low = {0}, high = {0};

        if (x->d < 2 * LANES) {
            norm2[i] = 0;
            for (size_t t = 0; t < x->d; t++)
                norm2[i] += row[t] * row[t];
            continue;
        }
        for (size_t t = 0; t < x->ld; t += 2 * LANES) {
            vfloat p = *(const vfloat *)(row + t), q = *(const vfloat *)(row + t + LANES);

            low += p * p;
            high += q * q;
        }
        low += high;
        norm2[i] =
            ((low[0] + low[1]) + (low[2] + low[3])) + ((low[4] + low[5]) + (low[6] + low[7]));
    }
}

static void nearest(uint32_t *label, float *score, float *second, float *norm2,
                    const struct km_mat *x, const struct km_centers *c, const float *packed,
                    float *scratch)
{
    size_t panel = KM_KERN_SCRATCH / (x->n ? x->n : 1) / 16 * 16;

    (void)packed;
    norms(norm2, x);
    for (size_t i = 0; i < x->n; i++) {
        label[i] = 0;
        score[i] = second[i] = INFINITY;
    }
    if (panel > km_round_up(c->k, 16))
        panel = km_round_up(c->k, 16);
    for (size_t from = 0; from < c->k; from += panel) {
        size_t width = km_min(c->k - from, panel);
        size_t lanes = km_round_up(width, LANES);

        km_openblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)x->n, (int)width, (int)x->d,
                          1.0f, x->v, (int)x->ld, km_mat_row(&c->c, from), (int)c->c.ld, 0.0f,
                          scratch, (int)panel);
        /* Lanes behind the last center hold old numbers; half is +inf there, so they never win. */
        for (size_t i = 0; i < x->n; i++) {
            float *dots = scratch + i * panel;

            for (size_t l = width; l < lanes; l++)
                dots[l] = 0;
            take_panel(&score[i], &second[i], &label[i], dots, c->half, from, lanes);
        }
    }
}

/* Two rows and two centers at a time: four sums in the registers of any CPU. The padding is zero,
 * and from d = 16 on a multiple of LANES. */
static void scores(float *score, const float *const *row, size_t n, const struct km_centers *c,
                   size_t from, size_t centers)
{
    for (size_t i = 0; i < n; i += 2)
        for (size_t j = 0; j < centers; j += 2) {
            size_t i2 = i + 1 < n ? i + 1 : i, j2 = j + 1 < centers ? j + 1 : j;
            const float *a = row[i], *b = row[i2];
            const float *p = km_mat_row(&c->c, from + j), *q = km_mat_row(&c->c, from + j2);
            vfloat ap = {0}, aq = {0}, bp = {0}, bq = {0};
            float dot[4] = {0};

            for (size_t t = 0; t < c->c.ld; t += LANES) {
                vfloat va = *(const vfloat *)(a + t), vb = *(const vfloat *)(b + t);
                vfloat vp = *(const vfloat *)(p + t), vq = *(const vfloat *)(q + t);

                ap += va * vp;
                aq += va * vq;
                bp += vb * vp;
                bq += vb * vq;
            }
            for (int l = 0; l < LANES; l++) {
                dot[0] += ap[l];
                dot[1] += aq[l];
                dot[2] += bp[l];
                dot[3] += bq[l];
            }
            score[i * centers + j] = c->half[from + j] - dot[0];
            score[i * centers + j2] = c->half[from + j2] - dot[1];
            score[i2 * centers + j] = c->half[from + j] - dot[2];
            score[i2 * centers + j2] = c->half[from + j2] - dot[3];
        }
}

static void pairs(float *score, const float *const *row, const uint32_t *center, size_t n,
                  const struct km_centers *c)
{
    for (size_t i = 0; i < n; i++) {
        const float *x = row[i], *y = km_mat_row(&c->c, center[i]);
        vfloat chain[2] = {{0}, {0}};
        float dot = 0;

        for (size_t t = 0; t < c->c.ld; t += LANES)
            chain[t / LANES % 2] += *(const vfloat *)(x + t) * *(const vfloat *)(y + t);
        for (int l = 0; l < LANES; l++)
            dot += chain[0][l] + chain[1][l];
        score[i] = c->half[center[i]] - dot;
    }
}

static vdouble widen(const float *p)
{
    return __builtin_convertvector(*(const vfloat *)p, vdouble);
}

/* The sum of 16 chains, in the order that every level has (kernels.h). */
static double chain_sum(vdouble low, vdouble high)
{
    vdouble a = low + high;

    return ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
}

static void add(double *sum, const float *const *row, const double *weight, size_t n, size_t d)
{
    size_t t = 0;

    for (; t + LANES <= d; t += LANES) {
        vdouble total = *(const vdouble *)(sum + t);

        for (size_t i = 0; i < n; i++)
            total += (weight ? weight[i] : 1) * widen(row[i] + t);
        *(vdouble *)(sum + t) = total;
    }
    for (; t < d; t++)
        for (size_t i = 0; i < n; i++)
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
        vdouble low = {0}, high = {0};
        double few = 0;

        for (size_t t = 0; x->d < 2 * LANES && t < x->d; t++)
            few += (double)row[t] * (double)row[t];
        for (size_t t = 0; x->d >= 2 * LANES && t < x->ld; t += 2 * LANES) {
            vdouble p = widen(row + t), q = widen(row + t + LANES);

            low += p * p;
            high += q * q;
        }
        total += x->d < 2 * LANES ? few : chain_sum(low, high);
    }
    return total;
}

static double dist2(const float *row, const double *center, size_t d)
{
    vdouble low = {0}, high = {0};
    double few = 0;
    size_t t = 0;

    for (; d < 2 * LANES && t < d; t++)
        few += ((double)row[t] - center[t]) * ((double)row[t] - center[t]);
    if (d < 2 * LANES)
        return few;
    for (; t + 2 * LANES <= d; t += 2 * LANES) {
        vdouble p = widen(row + t) - *(const vdouble *)(center + t);
        vdouble q = widen(row + t + LANES) - *(const vdouble *)(center + t + LANES);

        low += p * p;
        high += q * q;
    }
    for (; t < d; t++) {
        double diff = (double)row[t] - center[t];

        if (t % 16 < LANES)
            low[t % LANES] += diff * diff;
        else
            high[t % LANES] += diff * diff;
    }
    return chain_sum(low, high);
}

static void min_dist2(float *nearest2, const struct km_mat *x, const float *point)
{
    for (size_t i = 0; i < x->n; i++) {
        const float *row = km_mat_row(x, i);
        vdouble low = {0}, high = {0};
        double total = 0;

        for (size_t t = 0; x->d < 2 * LANES && t < x->d; t++) {
            double diff = (double)row[t] - (double)point[t];

            total += diff * diff;
        }
        for (size_t t = 0; x->d >= 2 * LANES && t < x->ld; t += 2 * LANES) {
            vdouble p = widen(row + t) - widen(point + t);
            vdouble q = widen(row + t + LANES) - widen(point + t + LANES);

            low += p * p;
            high += q * q;
        }
        if (x->d >= 2 * LANES)
            total = chain_sum(low, high);
        if ((float)total < nearest2[i])
            nearest2[i] = (float)total;
    }
}

/* Lanes are added up in the row's own scores, LANES at a time. */
static void sparse_panel(uint32_t *label, float *score, float *second, const struct km_csr *x,
                         const struct km_lanes *c, size_t p)
{
    const float *lanes = km_lanes_panel(c, p);
    size_t width = km_lanes_width(c->k, p), first = p * KM_LANES;

    for (size_t i = 0; i < x->n; i++) {
        const uint32_t *col = x->col + x->at[i];
        const float *val = x->val + x->at[i];

        for (size_t l = 0; l < width; l += LANES) {
            vfloat dot = {0}, s;

            for (size_t e = 0; e < x->len[i]; e++)
                dot += val[e] * *(const vfloat *)(lanes + col[e] * width + l);
            s = *(const vfloat *)(c->half + first + l) +
                *(const vfloat *)(c->scale + first + l) * dot;
            for (size_t lane = 0; lane < LANES; lane++)
                if (s[lane] >= score[i]) {
                    second[i] = fminf(second[i], s[lane]);
                } else {
                    second[i] = fminf(second[i], score[i]);
                    score[i] = s[lane];
                    label[i] = (uint32_t)(first + l + lane);
                }
        }
    }
}

const struct km_kernels km_kernels_blas = {
    .name = "blas",
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
