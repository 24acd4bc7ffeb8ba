/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pass keeps of the rows: a sample that stands for all of them, the far and the rare ones
 * included.
 *
 * A uniform sample of a large stream holds none of ten far rows, and the loss may be theirs alone.
 * So each row draws u, uniform in (0, 1), and is kept if one of
 *
 *     u < keep.any        all rows alike
 *     u < keep.far * d2   d2: its squared distance to its center of the pass, when it came
 *     u < keep.rare * r   r: how much less than the average center of the pass that center stood
 *                         for, when it came
 *
 * is true. (Rows of a center that is still the row that it was made of, and gets few more, count as
 * far as other centers are.) Thresholds start at infinity (everything is kept) and fall when there
 * is no more room. So a row is there with probability p = min(1, max(keep.any, keep.far * d2,
 * keep.rare * r)), and stands for 1 / p rows (Poisson sampling with the estimator of Horvitz and
 * Thompson 1952). Samples of several hosts become one by the lower thresholds.
 */
#ifndef KM_ALGO_SAMPLE_H
#define KM_ALGO_SAMPLE_H

#include "algo/assign.h"
#include "algo/sparse_centers.h"
#include "base/rows.h"

/** What decides about a row. */
struct km_sample_key {
    float u, dist2, rarity;
};

struct km_sample_pick;

struct km_sample_keep {
    float any, far, rare;
};

struct km_sample {
    struct km_rows rows;       /* without their weights: km_sample_weights */
    size_t capacity;           /* rows; 0: keeps nothing */
    struct km_sample_key *key; /* (capacity) of the rows */
    float *order;              /* (capacity) scratch; see km_sample_nest */
    struct km_sample_keep keep;
    uint64_t seen; /* rows offered so far */
    struct km_rng rng;
    float *rarity;  /* (centers) of the block that is offered */
    uint32_t *came; /* (centers) of it: rows, then whether these are few and the first */
    struct km_sample_pick *pick; /* (block rows) of it, those that may be kept */
};

/** Bytes that it takes for each row, beside the row. */
#define KM_SAMPLE_ROW_BYTES (sizeof(struct km_sample_key) + sizeof(float))

/** What a sample is made for. Values: of sparse rows, 0 for dense ones. */
struct km_sample_size {
    size_t rows, values, d;
    size_t block_rows, centers; /* of the pass */
};

/** Memory is used only as rows come. */
int km_sample_init(struct km_sample *s, const struct km_sample_size *size, uint64_t seed,
                   struct km_err *err);
void km_sample_done(struct km_sample *s); /* zeroed is fine */

/** Rows held, dense or sparse. */
size_t km_sample_rows(const struct km_sample *s);

/** Whether every row that was offered is held, in order. */
int km_sample_is_complete(const struct km_sample *s);

/** Offers the rows that `a` has just labelled by c, which have not moved since. Same rows at every
 * level. */
void km_sample_offer(struct km_sample *s, const struct km_mat *x, const struct km_assign *a,
                     const struct km_centers *c);

/** The same for sparse rows (km_sparse_centers_label). */
void km_sample_offer_sparse(struct km_sample *s, const struct km_csr *x, const struct km_sparse *a,
                            const struct km_sparse_centers *c);

/** Takes the rows that were offered times 2^exponent. */
void km_sample_scale(struct km_sample *s, int exponent);

/** Thresholds fall so that no more than `most` rows are held, and hardly fewer. */
void km_sample_shrink(struct km_sample *s, size_t most);

/** Thresholds fall to these, where they are lower. */
void km_sample_lower(struct km_sample *s, struct km_sample_keep keep);

/**
 * Orders the rows so that the first `most` of them, and the first least, 2 least, 4 least ... below
 * that, are such samples again, with lower thresholds: all times one factor. Of a complete sample
 * they are uniform ones.
 */
void km_sample_nest(struct km_sample *s, size_t least, size_t most);

/**
 * weight[i], for the first n rows (all, or a number that km_sample_nest has made a sample): how
 * many each stands for. Returns 0, and writes nothing, where all stand for the same.
 */
int km_sample_weights(const struct km_sample *s, size_t n, double *weight);

#endif
