/* SPDX-License-Identifier: Apache-2.0 */
#include "io/row.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define ABS_BITS 0x7fffffff

float km_row_limit(size_t dim)
{
    /* 2 % of the sum are left for its roundings. */
    return (float)(0.99 * sqrt((double)FLT_MAX / 4 / (double)(dim ? dim : 1)));
}

static int32_t abs_bits(const float *v)
{
    int32_t bits;

    memcpy(&bits, v, sizeof(bits));
    return bits & ABS_BITS;
}

size_t km_row_bad(const float *row, size_t dim)
{
    return km_row_bad_of(row, dim, dim);
}

size_t km_row_bad_of(const float *row, size_t n, size_t dim)
{
    float limit = km_row_limit(dim);
    int32_t most = abs_bits(&limit);
    int32_t bad = 0;
    size_t i;

    /* Without the sign floats compare like integers, and NaN and infinity are above all others: one
     * comparison finds all three faults, and the loop without an exit is vectorised. */
    for (i = 0; i < n; i++)
        bad |= abs_bits(row + i) > most;
    if (!bad)
        return n;
    for (i = 0; abs_bits(row + i) <= most; i++)
        ;
    return i;
}

int km_row_fail(struct km_err *err, size_t i, size_t dim, double v)
{
    if (isnan(v))
        return km_fail(err, KM_E_INPUT,
                       "value %zu is NaN; expected a finite number: remove or replace it", i + 1);
    if (isinf(v))
        return km_fail(err, KM_E_INPUT,
                       "value %zu is infinite; expected a finite number: remove or replace it",
                       i + 1);
    return km_fail(
        err, KM_E_INPUT,
        "value %zu is %g, expected at most %g in size (squared distances of %zu features "
        "would overflow float32); scale the data",
        i + 1, v, (double)km_row_limit(dim), dim);
}
