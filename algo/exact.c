/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/exact.h"

#include "base/clones.h"
#include "base/size.h"
#include <math.h>

#define GROUP 16 /* rows whose scores are computed together */

/* The error of n operations of that unit roundoff (Higham 2002, lemma 3.1); none for far too
 * many. */
static double gamma_of(double n, double unit)
{
    return n * unit < 0.5 ? n * unit / (1 - n * unit) : (double)INFINITY;
}

static float above(double v)
{
    return nextafterf((float)v, INFINITY);
}

struct km_exact km_exact_of(const struct km_kernels *kern, const struct km_centers *c)
{
    const double unit = 0x1p-24, slop = 1 + 0x1p-16;
    double d = (double)c->d, r0, most = 0;
    struct km_exact e = {.kern = kern, .c = c};

    e.gamma_nearest = gamma_of((double)kern->layout(c->k, c->d).chain + 10, unit);
    e.gamma = gamma_of((double)KM_SCORE_CHAIN(c->d) + 10, unit);
    e.widen = above(e.gamma > e.gamma_nearest ? e.gamma / e.gamma_nearest : 1);
    e.gamma64 = gamma_of(d + 24, 0x1p-53);
    e.tiny = (d + 24) * 0x1p-148;
    e.norm_error = gamma_of(d < 16 ? d + 8 : d / 16 + 24, unit);
    for (size_t j = 0; j < c->k; j++)
        most = (double)c->half[j] > most ? (double)c->half[j] : most;
    e.reach = sqrt(2 * (most + e.tiny)) * (1 + 8 * unit);
    r0 = sqrt(2 * e.tiny);
    e.flat = above(2 * slop *
                   (e.gamma_nearest * e.reach * (e.reach / 2 + r0) + e.tiny * (1 + r0 + e.reach) +
                    e.gamma64 * (e.reach * e.reach + 2 * r0 * r0)));
    e.by_norm = above(2 * slop * (1 + 2 * e.norm_error) * (e.gamma_nearest * e.reach + e.tiny));
    e.share = above((2 * e.gamma + 2 * e.gamma64 + e.tiny) * slop);
    e.by_norm2 = above(4 * slop * (1 + 4 * e.norm_error) * e.gamma64);
    return e;
}

static inline double most_norm2(const struct km_exact *e, float norm2)
{
    return ((double)norm2 + e->tiny) * (1 + 2 * e->norm_error);
}

double km_exact_norm2(const struct km_exact *e, float norm2)
{
    return most_norm2(e, norm2);
}

static inline double error_of(const struct km_exact *e, double gamma, double norm2, float half)
{
    double center2 = (2 * (double)half + e->tiny) * (1 + 0x1p-20);
    double both = sqrt(norm2 * center2);

    return gamma * (center2 / 2 + both) + e->gamma64 * (norm2 + center2) +
           e->tiny * (3 + norm2 + center2);
}

/* |x| |c| is no more than (|x|^2 + |c|^2) / 2. */
double km_exact_rest(const struct km_exact *e, double norm2)
{
    return ((e->gamma / 2 + e->gamma64 + e->tiny) * norm2 + 3 * e->tiny) * (1 + 0x1p-16);
}

/* By how much the two best scores of a row must differ. */
static inline float apart_of(const struct km_exact *e, float norm2)
{
    return e->flat + (e->by_norm * sqrtf(norm2) + e->by_norm2 * norm2);
}

/* The best score may be another center's: then its own is even nearer. Two scores are off by no
 * more than apart_of. */
float km_exact_most_dist2(const struct km_exact *e, float norm2, float score)
{
    double size2 = km_exact_norm2(e, norm2);

    return above((size2 + 2 * (double)score + (double)apart_of(e, norm2)) * (1 + 0x1p-16));
}

double km_exact_least_dist2(const struct km_exact *e, float norm2, float score, float half)
{
    double error = km_exact_rest(e, km_exact_norm2(e, norm2)) + (double)e->share * (double)half;
    double least2 = (double)norm2 * (1 - 2 * e->norm_error) - e->tiny;

    return (least2 + 2 * ((double)score - error)) * (1 - 0x1p-20);
}

/* Flags rows whose two best scores do not decide; returns how many. */
KM_FOR_ALL_CPUS static uint32_t find_unsure(uint32_t *unsure, const struct km_exact *e,
                                            const float *score, const float *second,
                                            const float *norm2, size_t n)
{
    const struct km_exact bounds = *e;
    uint32_t found = 0;

    for (size_t i = 0; i < n; i++) {
        unsure[i] = second[i] - score[i] > apart_of(&bounds, norm2[i]) ? 0U : 1U;
        found += unsure[i];
    }
    return found;
}

/*
 * Centers farther from the origin than four times the row cannot be its nearest, where its best one
 * is nearer than that: so a far group does not widen the bounds of rows that are not in it. Takes
 * the flags of such rows away. Without a branch, as with a far group nearly all rows come here.
 */
KM_FOR_ALL_CPUS static void find_nearby(uint32_t *unsure, const struct km_exact *e,
                                        const uint32_t *label, const float *score,
                                        const float *second, const float *norm2, size_t n)
{
    const struct km_exact bounds = *e;
    const float *half = e->c->half;
    const double reach2 = e->reach * e->reach, gamma = e->gamma_nearest;

    for (size_t i = 0; i < n; i++) {
        double size2 = most_norm2(&bounds, norm2[i]), near = 16 * size2;
        double own = error_of(&bounds, gamma, size2, half[label[i]]);
        double other = error_of(&bounds, gamma, size2, (float)(near / 2 * (1 + 0x1p-20)));
        double apart = ((double)second[i] - (double)score[i]) * (1 - 0x1p-20);
        uint32_t sure = (uint32_t)(near < reach2) &
                        (uint32_t)((double)score[i] + own < 3.9 * size2) &
                        (uint32_t)(apart > own + other);

        unsure[i] &= 1 - sure;
    }
}

static uint32_t measure_all(const struct km_exact *e, const float *row)
{
    const struct km_centers *c = e->c;
    double best = HUGE_VAL;
    uint32_t label = 0;

    for (uint32_t j = 0; j < c->k; j++) {
        double found = e->kern->dist2(row, c->exact + j * c->d, c->d);

        label = found < best ? j : label;
        best = found < best ? found : best;
    }
    return label;
}

/* The nearest of those centers that the scores leave. */
static uint32_t measure_some(const struct km_exact *e, const float *row, float norm2,
                             const float *score)
{
    const struct km_centers *c = e->c;
    float share = e->share, limit = INFINITY;
    float rest = above(2 * km_exact_rest(e, km_exact_norm2(e, norm2)));
    double best = HUGE_VAL;
    uint32_t label = 0;

    for (size_t j = 0; j < c->k; j++) {
        float high = score[j] + share * c->half[j];

        limit = high < limit ? high : limit;
    }
    limit += rest;
    for (uint32_t j = 0; j < c->k; j++) {
        double found;

        if (score[j] - share * c->half[j] > limit)
            continue;
        found = e->kern->dist2(row, c->exact + j * c->d, c->d);
        label = found < best ? j : label;
        best = found < best ? found : best;
    }
    return label;
}

uint32_t km_exact_label(const struct km_exact *e, const float *row, float norm2, const float *score)
{
    float best = score[0], second = INFINITY;
    float apart = e->widen * apart_of(e, norm2);
    uint32_t label = 0;

    for (uint32_t j = 1; j < e->c->k; j++) {
        float s = score[j], other = s < best ? best : s;

        second = other < second ? other : second;
        label = s < best ? j : label;
        best = s < best ? s : best;
    }
    return second - best > apart ? label : measure_some(e, row, norm2, score);
}

/* Rows of x that are left, GROUP at a time: through the scores of all centers, where there is room
 * for them. */
static void measure_rows(const struct km_exact *e, uint32_t *label, const uint32_t *left, size_t n,
                         const float *norm2, const struct km_mat *x, float *scratch)
{
    size_t k = e->c->k, most = KM_KERN_SCRATCH / k < GROUP ? KM_KERN_SCRATCH / k : GROUP;
    const float *row[GROUP];

    if (x->d < 16) /* rows narrower than a vector (km_kernels.scores) */
        most = 0;
    for (size_t i = 0; most == 0 && i < n; i++)
        label[left[i]] = measure_all(e, km_mat_row(x, left[i]));
    for (size_t i = 0; most > 0 && i < n; i += most) {
        size_t group = km_min(n - i, most);

        for (size_t r = 0; r < group; r++)
            row[r] = km_mat_row(x, left[i + r]);
        e->kern->scores(scratch, row, group, e->c, 0, k);
        for (size_t r = 0; r < group; r++)
            label[left[i + r]] = measure_some(e, row[r], norm2[left[i + r]], scratch + r * k);
    }
}

size_t km_exact_settle(const struct km_exact *e, uint32_t *label, const float *score,
                       const float *second, const float *norm2, const struct km_mat *x,
                       float *scratch)
{
    uint32_t left[KM_KERN_ROWS];
    size_t n = 0;

    if (find_unsure(left, e, score, second, norm2, x->n) == 0)
        return 0;
    find_nearby(left, e, label, score, second, norm2, x->n);
    for (size_t i = 0; i < x->n; i++)
        if (left[i])
            left[n++] = (uint32_t)i;
    measure_rows(e, label, left, n, norm2, x, scratch);
    return n;
}
