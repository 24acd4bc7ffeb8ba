/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scale of rows: float32 loses squares of values below 1e-19 and has none above 1e19, so rows
 * whose values are far from 1 are taken times a power of two, which costs no digit.
 */
#ifndef KM_BASE_SCALE_H
#define KM_BASE_SCALE_H

#include <stddef.h>

/**
 * The largest absolute value in rows of d columns: 0.99 sqrt(FLT_MAX / 4 / d), so that no squared
 * distance between two of them overflows a float32.
 */
float km_scale_limit(size_t d);

/** The largest of n absolute values (finite); 0 for none. */
float km_scale_most(const float *v, size_t n);

/** Whether none of n absolute values (finite) is larger than `most`. */
int km_scale_fits(const float *v, size_t n, float most);

/** The largest exponent e at which values up to `most`, times 2^e, are within the limit; 1000 for
 * 0. */
int km_scale_fit(float most, size_t d);

/** The largest absolute value that is within the limit when it is taken times 2^exponent. */
float km_scale_room(int exponent, size_t d);

/** v[t] = v[t] * 2^exponent. Exact, but for what becomes denormal. */
void km_scale(float *v, size_t n, int exponent);

/** v[t] = (v[t] - origin[t]) * 2^exponent; origin NULL: 0. */
void km_scale_move(float *v, const float *origin, size_t n, int exponent);

/** v[t] -= origin[t]; whether no absolute value is larger than `most` then. */
int km_scale_subtract(float *v, const float *origin, size_t n, float most);

#endif
