/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/origin.h"

#include <math.h>

#define ROWS 255
#define FAR  6.0

/* The value that would be number `nth` of n in order (Hoare's selection); leaves v in another order. */
static float select_nth(float *v, size_t n, size_t nth)
{
    size_t low = 0, high = n - 1;

    while (low < high) {
        float pivot = v[(low + high) / 2];
        size_t i = low, j = high;

        for (;;) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i >= j)
                break;
            float swap = v[i];

            v[i++] = v[j];
            v[j--] = swap;
        }
        if (nth <= j)
            high = j;
        else
            low = j + 1;
    }
    return v[nth];
}

static double clipped_mean(const float *v, size_t n, double median, double most)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += fmin(fmax((double)v[i], median - most), median + most);
    return sum / (double)n;
}

void km_origin(double *origin, const struct km_mat *x)
{
    size_t n = x->n < ROWS ? x->n : ROWS;

    for (size_t t = 0; t < x->d; t++) {
        float v[ROWS] = {0}, far[ROWS] = {0};
        double median, mad;

        for (size_t i = 0; i < n; i++)
            v[i] = km_mat_row(x, i * x->n / n)[t];
        median = (double)select_nth(v, n, n / 2);
        for (size_t i = 0; i < n; i++)
            far[i] = (float)fabs((double)v[i] - median);
        mad = (double)select_nth(far, n, n / 2);
        origin[t] = mad > 0 ? clipped_mean(v, n, median, FAR * mad) : median;
    }
}
