/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows as they are given, scored against a model as it is written. Labels are found near 0 and 1,
 * where float32 has its digits and squares, and a row goes there only if that costs it not one bit;
 * others are measured where they are, in float64.
 */
#ifndef KM_ALGO_GIVEN_H
#define KM_ALGO_GIVEN_H

#include "algo/centers.h"
#include "algo/kern/kernels.h"

struct km_given {
    size_t k, d;
    double *model;             /* (k, d) the model's rows */
    float *origin;             /* (d) rows are labelled as (row - origin) * 2^exponent */
    int exponent, moves;       /* moves: not every row is where it is given */
    float room;                /* the largest value that fits there */
    struct km_centers centers; /* the model there */
};

/**
 * For a model. origin (d): where the training rows were relative to; it is used only for features
 * that lie far from 0, compared with how far the model's rows lie apart: there the difference is
 * exact for nearly all rows. exponent: at which the model's rows are within the limit
 * (base/scale.h).
 */
int km_given_init(struct km_given *g, const struct km_mat *model, const float *origin, int exponent,
                  struct km_err *err);
void km_given_done(struct km_given *g); /* zeroed is fine */

/** Brings a row there, if that is exact; else 0, and the row stays as it is. */
int km_given_bring(const struct km_given *g, float *row);

/** The squared distance of a row, as given, to the nearest row of the model; *label: which that is,
 * of equals the lowest. */
double km_given_nearest2(const struct km_given *g, const struct km_kernels *kern, const float *row,
                         uint32_t *label);

/** Squared distances there, times this, are squared distances of rows as given. */
double km_given_unit2(const struct km_given *g);

#endif
