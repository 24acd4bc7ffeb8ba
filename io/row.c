/* SPDX-License-Identifier: Apache-2.0 */
#include "io/row.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define ABS_BITS 0x7fffffff
#define INF_BITS 0x7f800000

static int32_t abs_bits(const float *v)
{
    int32_t bits;

    memcpy(&bits, v, sizeof(bits));
    return bits & ABS_BITS;
}

size_t km_row_bad(const float *v, size_t n)
{
    int32_t bad = 0;
    size_t i;

    /* Without the sign floats compare like integers, and infinity and NaN are above all others: one
     * comparison finds both, and the loop without an exit is vectorised. */
    for (i = 0; i < n; i++)
        bad |= abs_bits(v + i) >= INF_BITS;
    if (!bad)
        return n;
    for (i = 0; abs_bits(v + i) < INF_BITS; i++)
        ;
    return i;
}

int km_row_fail(struct km_err *err, size_t i, double v)
{
    if (!isfinite(v)) {
        km_fail(err, KM_E_INPUT, "value %zu is %s; expected a finite number: remove or replace it",
                i + 1, isnan(v) ? "NaN" : "infinite");
        err->lacks_value = 1;
        return KM_E_INPUT;
    }
    return km_fail(
        err, KM_E_INPUT,
        "value %zu is %g, more than float32 can hold, expected at most %g in size; scale "
        "the data",
        i + 1, v, (double)FLT_MAX);
}
