/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The centers of the pass: K of them, which learn from rows that come once, block after block
 * (mini-batch k-means: Sculley 2010, as the original documents it).
 *
 *     start    centers from the first rows
 *     window   blocks: label, offer to the sample, add
 *     close    what the window's rows add up to; several ranks sum it up: head, then pack
 *     move     the centers move by that, and forget (half_life)
 *     finish   the centers, in float64
 *
 * Dense and sparse rows have an implementation each. Sparse rows of one rank move the centers block
 * by block, and the next mini-batch meets them; all others in km_learner_move. The same bits on any
 * number of threads. Used by one thread.
 */
#ifndef KM_ALGO_LEARNER_H
#define KM_ALGO_LEARNER_H

#include "algo/sample.h"
#include "base/rows.h"

struct km_learner;

/** What a learner is made for. */
struct km_learner_size {
    size_t k;              /* centers of the pass: K */
    struct km_shape shape; /* of the rows */
    size_t block_rows;     /* most rows of a block */
    int ranks;             /* that learn together */
    double half_life;      /* rows after which what a center has learned weighs half; 0: never */
};

/** A learner of that size, which labels with kern on the threads of pool. */
int km_learner_new(struct km_learner **l, const struct km_learner_size *size,
                   const struct km_kernels *kern, struct km_pool *pool, struct km_err *err);
void km_learner_free(struct km_learner *l); /* NULL is fine */

/** Bytes of centers, and of what windows add up. */
double km_learner_bytes(const struct km_learner_size *size);

/**
 * Every center becomes one of the rows (at least one row), of weight 1: by k-means++, or drawn
 * uniformly with replacement. Ranks that give the same rows and numbers have the same centers.
 */
int km_learner_start(struct km_learner *l, const struct km_rows *rows, int plusplus,
                     struct km_rng *rng, struct km_err *err);

/** A block, in three steps: labels its rows by the centers; offers them to the sample; adds them.
 * `ends`: the mini-batch ends with them. */
void km_learner_label(struct km_learner *l, const struct km_rows *rows);
void km_learner_offer(struct km_learner *l, struct km_sample *sample, const struct km_rows *rows);
void km_learner_add(struct km_learner *l, const struct km_rows *rows, int ends);

/**
 * Several ranks: the window has ended. What its rows add up to; the doubles in front of `sum` are
 * to be summed over the ranks. ssd and flags[KM_FLAG_NORM2] are squares, in the scale of the rows.
 */
struct km_sums *km_learner_close(struct km_learner *l);

/** A list that ranks put together: the sum of each value, or the bits that any of them has set. */
struct km_pack {
    double *sum;    /* (n), or NULL */
    uint64_t *bits; /* (n), where sum is NULL */
    size_t n;
};

/**
 * When the counts are those of all ranks: KM_MORE with the next list to put together in place, the
 * same length on all ranks; KM_OK when there is no other. Only centers with a count are in them.
 */
int km_learner_pack(struct km_learner *l, struct km_pack *pack);

/** What moved the centers: rows, and the sum of their squared distances to the centers of their
 * time. */
struct km_moved {
    double rows, ssd;
};

/** The window's rows move the centers. KM_E_BUG where the centers did not receive each row once. */
int km_learner_move(struct km_learner *l, struct km_moved *moved, struct km_err *err);

/** Takes positions, and rows so far, times 2^exponent; not between pack and move. */
void km_learner_scale(struct km_learner *l, int exponent);

/** The centers and their weights, which *centers owns from then on; of the learner only
 * km_learner_free may be called. */
int km_learner_finish(struct km_learner *l, struct km_centers *centers, struct km_err *err);

#endif
