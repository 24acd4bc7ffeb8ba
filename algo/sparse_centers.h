/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The centers of a pass over sparse rows. A mean changes in every feature with every row; a sum
 * only where the row has a value. So the centers are kept as sums, and nothing here but the start
 * and the end costs as much as centers times features.
 */
#ifndef KM_ALGO_SPARSE_CENTERS_H
#define KM_ALGO_SPARSE_CENTERS_H

#include "algo/sparse.h"
#include "base/rng.h"

/**
 * Center j is sum[j] / ratio[j] and stands for ratio[j] * unit[j] rows; a row that it receives adds
 * its values / unit[j] to sum[j], and 1 / unit[j] to ratio[j]. So forgetting (half_life_time_size)
 * is one multiplication of unit[j]. Where the ratio has grown so large that x . sum could overflow
 * a float32, the center is written anew with ratio 1: never with usual data.
 */
struct km_sparse_centers {
    size_t k, d;
    double *sum;            /* (k, d) */
    double *ratio;          /* (k) */
    double *unit;           /* (k) */
    double *norm2;          /* (k) |sum[j]|^2, kept up to date */
    struct km_lanes lanes;  /* sum as of the end of the last mini-batch, float32 */
    unsigned char *touched; /* (d) features that this mini-batch changed, but not yet the lanes */
    unsigned char *stale;   /* (k) lanes that have to be written whole */
    int pending;            /* earlier blocks of this mini-batch have changed sums, not lanes */
    size_t *values;         /* (k) of the rows that a center received of this block */
    double *count;          /* (k) rows received by km_sparse_centers_take, in all */
    uint32_t *cut;          /* (k + 1) where pieces of work begin: see plan_pieces */
    unsigned char *form;    /* (k / 16) how a line of lanes gets the block's changes */
    double most_norm2;      /* of all rows so far */
};

/** Room for k centers of d features, without rows. */
int km_sparse_centers_init(struct km_sparse_centers *c, size_t k, size_t d, struct km_err *err);
void km_sparse_centers_done(struct km_sparse_centers *c); /* zeroed is fine */

/** Every center becomes a row of x drawn uniformly with replacement, of weight 1; x->n > 0. */
void km_sparse_seed_random(struct km_sparse_centers *c, const struct km_csr *x, struct km_rng *rng);

/** Every center, wherever it was, goes to every (x->n / k)-th row of x, with weight 1. */
void km_sparse_seed_evenly(struct km_sparse_centers *c, const struct km_csr *x);

/** Takes positions, and rows so far, times 2^exponent. */
void km_sparse_centers_scale(struct km_sparse_centers *c, int exponent);

/**
 * k-means++ on the rows of x (km_seed_plusplus; weight NULL: 1 each), each center the best of so
 * many draws (1; more: as km_seed_greedy). c is as km_sparse_centers_init leaves it, `s` for x->n
 * rows.
 */
int km_sparse_seed_plusplus(struct km_sparse_centers *c, const struct km_csr *x,
                            const double *weight, size_t draws, struct km_sparse *s,
                            struct km_rng *rng, struct km_err *err);

/**
 * Labels rows (s->label, s->score, s->norm2) by the centers as they were at the start of the
 * mini-batch. Returns the sum of the squared distances, good to float32 of |x|^2.
 */
double km_sparse_centers_label(struct km_sparse_centers *c, struct km_sparse *s,
                               const struct km_csr *x);

/**
 * A block of a mini-batch, just labelled: adds its rows. Weights are first multiplied by `decay`.
 * `ends` says that the mini-batch ends here, and the next block meets the moved centers
 * (km_centers_move's rule).
 */
void km_sparse_centers_take(struct km_sparse_centers *c, struct km_sparse *s,
                            const struct km_csr *x, double decay, int ends);

/* ---- the parts of that, for centers that move by what several ranks have seen ---- */

/** Weights are multiplied by `decay`. */
void km_sparse_centers_forget(struct km_sparse_centers *c, double decay);

/** Rows up to this |x|^2 can be labelled: lanes that they could overflow with are written anew, the
 * centers stay what they are. */
void km_sparse_centers_make_room(struct km_sparse_centers *c, double most_norm2);

/** There are rows of such an |x|^2: sums that have grown too large for that are written anew. */
void km_sparse_centers_bound(struct km_sparse_centers *c, double most_norm2);

/** A center takes rows; or what they add up to, feature by feature. */
struct km_sparse_taker {
    double *sum;  /* (d) */
    float *lanes; /* of the center, every `width`; NULL: they come up to date later */
    size_t width;
    double rows, each, norm2;
};

/** Begins to add `rows` rows to center j: their values go in with km_sparse_taker_add. */
struct km_sparse_taker km_sparse_centers_taker(struct km_sparse_centers *c, size_t j, double rows);

static inline void km_sparse_taker_add(struct km_sparse_taker *t, size_t col, double value)
{
    double step = value * t->each, before = t->sum[col], after = before + step;

    t->norm2 += step * (before + after);
    t->sum[col] = after;
    if (t->lanes)
        t->lanes[col * t->width] = (float)after;
}

/** Ends it: weight and norm of center j are up to date; its lanes, where the taker had them. */
void km_sparse_centers_taken(struct km_sparse_centers *c, size_t j,
                             const struct km_sparse_taker *t);

/** All have taken: the next rows meet the moved centers. */
void km_sparse_centers_publish(struct km_sparse_centers *c, struct km_pool *pool);

/** Moves the centers and their weights to dense ones, and leaves *c empty. */
int km_sparse_centers_to_dense(struct km_centers *dense, struct km_sparse_centers *c,
                               struct km_err *err);

#endif
