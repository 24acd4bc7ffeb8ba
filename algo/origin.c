/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/origin.h"

#include "base/select.h"
#include <math.h>
#include <string.h>

#define ROWS 255
#define FAR  6.0

static double clipped_mean(const float *v, size_t n, double median, double most)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += fmin(fmax((double)v[i], median - most), median + most);
    return sum / (double)n;
}

void km_origin(double *origin, const struct km_rows *rows)
{
    const struct km_mat *x = &rows->dense;
    size_t n = x->n < ROWS ? x->n : ROWS;

    if (km_rows_are_sparse(rows)) {
        memset(origin, 0, rows->sparse.d * sizeof(*origin));
        return;
    }
    for (size_t t = 0; t < x->d; t++) {
        float v[ROWS] = {0}, far[ROWS] = {0};
        double median, mad;

        for (size_t i = 0; i < n; i++)
            v[i] = km_mat_row(x, i * x->n / n)[t];
        median = (double)km_select(v, n, n / 2);
        for (size_t i = 0; i < n; i++)
            far[i] = (float)fabs((double)v[i] - median);
        mad = (double)km_select(far, n, n / 2);
        origin[t] = mad > 0 ? clipped_mean(v, n, median, FAR * mad) : median;
    }
}
