/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scale.h"

#include "base/clones.h"
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define ABS_BITS 0x7fffffff

float km_scale_limit(size_t d)
{
    /* 2 % of the sum are left for its roundings. */
    return (float)(0.99 * sqrt((double)FLT_MAX / 4 / (double)(d ? d : 1)));
}

static int32_t abs_bits(const float *v)
{
    int32_t bits;

    memcpy(&bits, v, sizeof(bits));
    return bits & ABS_BITS;
}

/* Without the sign floats compare like integers, and loops over integers without an exit are
 * vectorised. */
KM_FOR_ALL_CPUS static int32_t most_bits(const float *v, size_t n)
{
    int32_t most = 0;

    for (size_t i = 0; i < n; i++)
        most = abs_bits(v + i) > most ? abs_bits(v + i) : most;
    return most;
}

KM_FOR_ALL_CPUS static int32_t is_above(const float *v, size_t n, int32_t limit)
{
    int32_t above = 0;

    for (size_t i = 0; i < n; i++)
        above |= abs_bits(v + i) > limit;
    return above;
}

KM_FOR_ALL_CPUS static int32_t subtract(float *v, const float *origin, size_t n, int32_t limit)
{
    int32_t above = 0;

    for (size_t t = 0; t < n; t++) {
        v[t] -= origin[t];
        above |= abs_bits(v + t) > limit;
    }
    return above;
}

float km_scale_most(const float *v, size_t n)
{
    int32_t most = most_bits(v, n);
    float value;

    memcpy(&value, &most, sizeof(value));
    return value;
}

int km_scale_fits(const float *v, size_t n, float most)
{
    return !is_above(v, n, abs_bits(&most));
}

int km_scale_subtract(float *v, const float *origin, size_t n, float most)
{
    return !subtract(v, origin, n, abs_bits(&most));
}

int km_scale_fit(float most, size_t d)
{
    return most > 0 ? ilogb((double)km_scale_limit(d) / (double)most) : 1000;
}

float km_scale_room(int exponent, size_t d)
{
    return (float)fmin(ldexp((double)km_scale_limit(d), -exponent), (double)FLT_MAX);
}

void km_scale(float *v, size_t n, int exponent)
{
    double by = ldexp(1, exponent);

    for (size_t t = 0; t < n; t++)
        v[t] = (float)((double)v[t] * by);
}

void km_scale_move(float *v, const float *origin, size_t n, int exponent)
{
    double by = ldexp(1, exponent);

    if (!origin)
        km_scale(v, exponent ? n : 0, exponent);
    for (size_t t = 0; origin && exponent && t < n; t++)
        v[t] = (float)(((double)v[t] - (double)origin[t]) * by);
    for (size_t t = 0; origin && !exponent && t < n; t++)
        v[t] -= origin[t];
}
