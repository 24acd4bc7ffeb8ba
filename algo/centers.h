/* SPDX-License-Identifier: Apache-2.0 */
/* The centers, and the sums of the rows that were given to them. */
#ifndef KM_ALGO_CENTERS_H
#define KM_ALGO_CENTERS_H

#include "base/err.h"
#include "base/mat.h"
#include "base/pool.h"

/**
 * k centers of d values in three forms that are always in step: `exact` is what the updates work on
 * (a float32 mean of a billion rows would stop moving), `c` and `half` are what kernels read. Only
 * centers.c writes them.
 */
struct km_centers {
    size_t k, d;
    struct km_mat c;    /* (k, ld) float32 */
    double *exact;      /* (k, d) the same in float64 */
    double *weight;     /* (k) rows that each stands for, after decay */
    float *half;        /* (k rounded up to 16) half the squared norm of c; +inf behind k */
    double *exact_half; /* (k) the same in float64: for sparse rows */
};

/** Room for k centers of d features, all 0 and of weight 0. */
int km_centers_init(struct km_centers *c, size_t k, size_t d, struct km_err *err);
void km_centers_done(struct km_centers *c); /* zeroed is fine */

/** Centers from (k, d) positions and (k) weights, which they own from then on, unless it fails. */
int km_centers_adopt(struct km_centers *c, size_t k, size_t d, double *exact, double *weight,
                     struct km_err *err);

/** Puts center j at a row (d values) with a weight. */
void km_centers_set(struct km_centers *c, size_t j, const float *row, double weight);

/** Puts all centers at (k, d) positions, with (k) weights (NULL: they stay). */
void km_centers_place(struct km_centers *c, const double *exact, const double *weight);

/** Puts all centers at (row - origin) * 2^exponent of the k rows; weights stay. */
void km_centers_place_rows(struct km_centers *c, const struct km_mat *rows, const float *origin,
                           int exponent);

/** Moves each on by that share of its way from its place in `at` (k, d), which becomes where it is
 * now. */
void km_centers_go_on(struct km_centers *c, double *at, double share);

/** Copies positions and weights; same k and d. */
void km_centers_copy(struct km_centers *to, const struct km_centers *from);

/** Takes positions times 2^exponent. */
void km_centers_scale(struct km_centers *c, int exponent);

/** What a rank says about itself in an exchange; the sum is the number of ranks that say so. Of
 * KM_FLAG_NORM2 (the largest |x|^2 among its sparse rows) it is a bound for all. */
enum km_flag {
    KM_FLAG_FAILED,
    KM_FLAG_STOP,
    KM_FLAG_MORE,
    KM_FLAG_FELL, /* the exponent of its rows (train/frame.h) */
    KM_FLAG_NORM2,
    KM_FLAGS
};

/**
 * What rows add up to, as ONE block of doubles, so that one exchange carries it between ranks.
 * Counts are sums of weights; with weight 1 they are exact up to 2^53 rows.
 */
struct km_sums {
    size_t k, d;
    size_t len;    /* doubles in the block */
    double *block; /* owns the memory of the following */
    double *rows;  /* [1] rows added */
    /* [1] sum of |x|^2 (km_assign_add), or of squared distances to the nearest center */
    double *ssd;
    double *flags; /* [KM_FLAGS] see km_flag */
    double *count; /* (k) */
    double *sum;   /* (k, d) */
};

/** Room for the sums of k centers of d features, cleared. Done: zeroed is fine. */
int km_sums_init(struct km_sums *s, size_t k, size_t d, struct km_err *err);
void km_sums_done(struct km_sums *s);

/** Back to zero; touches only the rows of centers that received something. */
void km_sums_clear(struct km_sums *s);

/** Takes the rows that were added times 2^exponent. */
void km_sums_scale(struct km_sums *s, int exponent);

/**
 * The mini-batch update (Sculley 2010, as the original documents it): a center of weight w that
 * received n rows moves by p = n / (decay * w + n) towards their mean, and weighs decay * w + n. A
 * center that received nothing keeps its place. decay is 0.5^(rows / half_life), or 1. Leaves the
 * sums cleared. Returns the sum of the squared distances of the rows to the centers before they
 * moved, where s->ssd is the sum of |x|^2: it and n (|c|^2 - 2 c . mean) of each center.
 */
double km_centers_move(struct km_centers *c, struct km_sums *s, double decay, struct km_pool *pool);

/**
 * Lloyd's update: every center becomes the mean of what it received and weighs as much; one that
 * received nothing keeps its place and weighs nothing.
 * Returns the sum over the centers of weight * |mean|^2, so that the loss of the partition is
 * (sum of weight * |row|^2) minus it, without looking at a row again (Koenig-Huygens, in float64).
 */
double km_centers_to_means(struct km_centers *c, const struct km_sums *s);

#endif
