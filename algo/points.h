/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in memory that are clustered: what they are measured and added by, one at a time, in
 * float64. */
#ifndef KM_ALGO_POINTS_H
#define KM_ALGO_POINTS_H

#include "algo/kern/kernels.h"
#include "base/rows.h"
#include <stdint.h>

/** Rows with their weights, and the one number about them that the loss needs. */
struct km_points {
    struct km_rows rows;
    const double *norm2; /* (rows) |x_i|^2, where a bounded step needs them (algo/step.h) */
    double total_weight;
    double total_norm2; /* sum of weight * |x_i|^2 */
};

/** Describes rows (not copied). */
struct km_points km_points_of(const struct km_rows *rows, const struct km_kernels *kern);

/** norm2[i] of rows from..to-1: |x_i|^2, the same at every level. */
void km_points_norms(double *norm2, const struct km_rows *rows, size_t from, size_t to,
                     const struct km_kernels *kern);

/** Number of the rows. */
static inline size_t km_points_n(const struct km_points *p)
{
    return km_rows_n(&p->rows);
}

/** Weight of row i. */
static inline double km_points_weight(const struct km_points *p, size_t i)
{
    return km_rows_weight(&p->rows, i);
}

/** A place that rows are measured from: d values, and the sum of their squares, which only sparse
 * rows need. */
struct km_place {
    const double *at;
    double norm2;
};

/** The place at those d values, for rows like p. */
struct km_place km_place_of(const struct km_points *p, const double *at, size_t d);

/** The squared distance of row i to a place, in float64: the same at every level. */
double km_points_dist2(const struct km_points *p, const struct km_kernels *kern, size_t i,
                       const struct km_place *place);

/** Row i, written out to d values. */
void km_points_write(const struct km_points *p, size_t i, double *row, size_t d);

/** Adds the n rows of those numbers to sum (d), each times its weight, in their order; returns
 * their weight. */
double km_points_add(const struct km_points *p, const struct km_kernels *kern, double *sum,
                     const uint32_t *at, size_t n);

#endif
