/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A step of Lloyd that also looks for centers in the wrong place: one whose rows would hardly be
 * farther from their second nearest centers, while another center stands for two clusters. The
 * first is taken away and put where the second is split. Lloyd's own steps never do that, as every
 * center on the way would be worse.
 *
 * Removing r costs R_r = sum over its rows of w (d2 - d1), d1 and d2 the squared distances to the
 * nearest and the second nearest center, less what those centers gain when they become means again:
 * q^2 / (q + n) |mu - c|^2 for q rows of mean mu that come to n rows of mean c; and r would become
 * the mean of its rows, too. Splitting j gains S_j, found by trial: k-means with two centers on
 * some of its rows, or its farthest row alone.
 */
#ifndef KM_ALGO_LOOK_H
#define KM_ALGO_LOOK_H

#include "algo/centers.h"
#include "algo/points.h"

/** What is known of a center. */
struct km_look_center {
    double weight; /* of its rows */
    double shift;  /* what they gain when it becomes their mean: weight * |mean - center|^2 */
    double cost;   /* R: what its removal would add to the loss */
    double gain;   /* S: what splitting it would take away */
    double norm2;  /* of its place, where rows are sparse */
    double loss;   /* of its rows in the partition that is tried, where that had to be measured */
    uint32_t far;  /* its farthest row */
    int alone;     /* that row alone is the better split */
    int frozen;    /* it takes part in a change already */
    uint32_t from; /* the center that is to be moved here; itself: none */
};

/** Memory for looks at up to max_rows rows of d features and k centers. */
struct km_look {
    const struct km_kernels *kern;
    struct km_pool *pool;
    size_t max_rows, k, d;
    uint32_t *near, *next;       /* (max_rows) the nearest center, and the second */
    double *near2, *next2;       /* (max_rows) squared distances to them */
    uint32_t *label;             /* (max_rows) a partition that is tried */
    uint32_t *row, *other;       /* (max_rows) rows in the order of their nearest center; of both */
    size_t *start;               /* (k + 1) those of each center in both */
    struct km_look_center *of;   /* (k) */
    uint32_t *by_cost, *by_gain; /* (k) centers, the cheapest and the dearest first */
    double *lanes;               /* (d, k rounded up to 8) centers by feature: algo/near_all.h */
    struct km_sums sums;         /* of the partition that is tried */
    char *scratch;               /* (threads, scratch_bytes) */
    size_t scratch_bytes;
};

/** Bytes that km_look_init takes for each row. */
#define KM_LOOK_ROW_BYTES 36

/**
 * Whether it has memory for so many centers: of sparse rows 4 M features of all of them together,
 * which are 64 MiB of centers feature by feature, and of sums.
 */
int km_look_fits(size_t k, size_t d, int sparse);

/** sparse: for sparse rows, else for dense ones. */
int km_look_init(struct km_look *l, const struct km_kernels *kern, struct km_pool *pool,
                 size_t max_rows, size_t k, size_t d, int sparse, struct km_err *err);
void km_look_done(struct km_look *l); /* zeroed is fine */

/**
 * One look at the rows of p: c becomes the means of a partition whose loss is no more than that of
 * the rows' nearest centers, with up to `most` centers moved. Returns how many were. `seed` names
 * the random numbers. Same bits on any number of threads.
 */
size_t km_look(struct km_look *l, struct km_centers *c, const struct km_points *p, size_t most,
               uint64_t seed);

/**
 * The same where near, next, near2 and next2 are known, be it among some of the centers only. label
 * is the partition that c are the means of.
 */
size_t km_look_measured(struct km_look *l, struct km_centers *c, const struct km_points *p,
                        size_t most, uint64_t seed);

/**
 * The same with one change that need not make the loss smaller by itself: of the center that is
 * number `number` among the cheapest (from 0) for which there is a place with S > R / 2. Returns 0,
 * and leaves c alone, if there is none. For attempts that iterations follow, and that are undone
 * where these do not bring the loss down either.
 */
int km_look_boldly(struct km_look *l, struct km_centers *c, const struct km_points *p,
                   size_t number, uint64_t seed);

#endif
