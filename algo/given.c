/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/given.h"

#include "base/clones.h"
#include "base/mem.h"
#include "base/scale.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An offset of so many spreads is taken off: it would cost scores 4 bits. And a value within 8
 * spreads of it is more than half and less than twice of it, so that the difference has no rounding
 * (Sterbenz 1974). */
#define FAR 16

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The middle distance of the model's rows from the origin, in feature t; far: (k) scratch. */
static double spread_of(const struct km_mat *model, float origin, size_t t, double *far)
{
    for (size_t j = 0; j < model->n; j++)
        far[j] = fabs((double)km_mat_row(model, j)[t] - (double)origin);
    qsort(far, model->n, sizeof(*far), compare);
    return far[model->n / 2];
}

int km_given_init(struct km_given *g, const struct km_mat *model, const float *origin, int exponent,
                  struct km_err *err)
{
    size_t k = model->n, d = model->d;
    double *far = km_alloc(k, sizeof(*far));
    int rc = km_centers_init(&g->centers, k, d, err);

    g->k = k;
    g->d = d;
    g->exponent = exponent;
    g->room = km_scale_room(exponent, d);
    g->moves = exponent != 0;
    g->model = km_alloc(k * d, sizeof(*g->model));
    g->origin = km_alloc(d, sizeof(*g->origin));
    if (rc == KM_OK && (!far || !g->model || !g->origin))
        rc = km_fail(err, KM_E_MEM, "no memory for a model of %zu rows of %zu features", k, d);
    for (size_t t = 0; rc == KM_OK && t < d; t++) {
        int is_far = fabs((double)origin[t]) > FAR * spread_of(model, origin[t], t, far);

        g->origin[t] = is_far ? origin[t] : 0;
        g->moves |= is_far;
        for (size_t j = 0; j < k; j++)
            g->model[j * d + t] = (double)km_mat_row(model, j)[t];
    }
    if (rc == KM_OK)
        km_centers_place_rows(&g->centers, model, g->origin, exponent);
    km_free(far);
    return rc;
}

void km_given_done(struct km_given *g)
{
    km_centers_done(&g->centers);
    km_free(g->model);
    km_free(g->origin);
    *g = (struct km_given){0};
}

/* Whether all of (row - origin) * by are float32; the error of a difference is found as Knuth
 * does. */
KM_FOR_ALL_CPUS static int is_exact(const float *row, const float *origin, size_t d, double by)
{
    int bad = 0;

    for (size_t t = 0; t < d; t++) {
        double x = (double)row[t], o = (double)origin[t], difference = x - o, back = difference - x;
        double error = (x - (difference - back)) + (-o - back), scaled = difference * by;

        bad |= (error != 0) | ((double)(float)scaled != scaled);
    }
    return !bad;
}

int km_given_bring(const struct km_given *g, float *row)
{
    if (!km_scale_fits(row, g->d, g->room))
        return 0;
    if (!g->moves)
        return 1;
    if (!is_exact(row, g->origin, g->d, ldexp(1, g->exponent)))
        return 0;
    km_scale_move(row, g->origin, g->d, g->exponent);
    return 1;
}

double km_given_nearest2(const struct km_given *g, const struct km_kernels *kern, const float *row,
                         uint32_t *label)
{
    double least = (double)INFINITY;

    *label = 0;
    for (size_t j = 0; j < g->k; j++) {
        double dist2 = kern->dist2(row, g->model + j * g->d, g->d);

        if (dist2 < least) {
            least = dist2;
            *label = (uint32_t)j;
        }
    }
    return least;
}

double km_given_unit2(const struct km_given *g)
{
    return ldexp(1, -2 * g->exponent);
}
