/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/split.h"

#include <string.h>

#define TRIALS     2
#define ITERATIONS 3

/* One trial: the two centers, what rows add up to, and the distances that rows are drawn by. */
struct trial {
    double *y[2], *sum[2]; /* (d) */
    double *dist2;         /* (n) */
};

/* A row in proportion to its weight and distance becomes a center; returns the sum of all those. */
static double draw(const struct km_split *s, const double *dist2, struct km_rng *rng, double *y)
{
    double total = 0, target;
    size_t i = 0;

    for (size_t m = 0; m < s->n; m++)
        total += km_points_weight(s->p, s->row[m]) * dist2[m];
    target = km_rng_unit(rng) * total;
    for (; i + 1 < s->n; i++) {
        target -= km_points_weight(s->p, s->row[i]) * dist2[i];
        if (target < 0)
            break;
    }
    km_points_write(s->p, s->row[i], y, s->d);
    return total;
}

static double dist2_of(const struct km_split *s, size_t m, const struct km_place *y)
{
    return km_points_dist2(s->p, s->kern, s->row[m], y);
}

/* One iteration; returns the loss against the two centers as they were. */
static double iterate(const struct km_split *s, struct trial *t)
{
    double loss = 0, count[2];
    uint32_t half[2][KM_SPLIT_ROWS];
    size_t d = s->d, n[2] = {0, 0};
    struct km_place y[2] = {km_place_of(s->p, t->y[0], d), km_place_of(s->p, t->y[1], d)};

    for (size_t m = 0; m < s->n; m++) {
        double a = dist2_of(s, m, &y[0]), b = dist2_of(s, m, &y[1]);
        int h = b < a;

        loss += km_points_weight(s->p, s->row[m]) * (h ? b : a);
        half[h][n[h]++] = s->row[m];
    }
    for (int h = 0; h < 2; h++) {
        memset(t->sum[h], 0, d * sizeof(double));
        count[h] = km_points_add(s->p, s->kern, t->sum[h], half[h], n[h]);
        for (size_t f = 0; count[h] > 0 && f < d; f++)
            t->y[h][f] = t->sum[h][f] / count[h];
    }
    return loss;
}

/* Returns the gain. */
static double try_one(const struct km_split *s, struct trial *t, struct km_rng *rng)
{
    struct km_place first;
    double before, after = 0;

    for (size_t m = 0; m < s->n; m++)
        t->dist2[m] = s->dist2[s->row[m]];
    before = draw(s, t->dist2, rng, t->y[0]);
    first = km_place_of(s->p, t->y[0], s->d);
    for (size_t m = 0; m < s->n; m++)
        t->dist2[m] = dist2_of(s, m, &first);
    draw(s, t->dist2, rng, t->y[1]);
    for (int i = 0; i < ITERATIONS; i++)
        after = iterate(s, t);
    return before - after;
}

double km_split(struct km_split *s, struct km_rng *rng)
{
    size_t d = s->d;
    double *at = s->memory, gain = 0;
    struct trial t;

    for (int h = 0; h < 2; h++) {
        t.y[h] = at;
        t.sum[h] = at + 2 * d;
        s->best[h] = at + 4 * d;
        at += d;
    }
    t.dist2 = s->memory + 6 * d;
    for (int i = 0; i < TRIALS; i++) {
        double found = try_one(s, &t, rng);

        if (!(found > gain))
            continue;
        gain = found;
        for (int h = 0; h < 2; h++)
            memcpy(s->best[h], t.y[h], d * sizeof(double));
    }
    return gain;
}
