/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A window of a pass over sparse rows on several ranks: the centers stand still, and what the rows
 * add up to is kept aside, with a bit for each cell (center, feature) that a row touched. Ranks
 * exchange the bits, then the sums of the cells that any of them touched, and each rank moves its
 * copy of the centers by them: the same sums, so the same bits.
 */
#ifndef KM_ALGO_SPARSE_WINDOW_H
#define KM_ALGO_SPARSE_WINDOW_H

#include "algo/sparse_centers.h"

struct km_sparse_window {
    /* its `sum` is the cells; after km_sparse_window_pack the list of the packed */
    struct km_sums sums;
    size_t words;   /* of a center's bits */
    uint64_t *mask; /* (k, words) bit t % 64 of word t / 64: cell t was touched */
    size_t *first;  /* (k + 1) where the cells of each center begin in the list, once packed */
    int packed;
    double most_norm2; /* of the rows of this rank so far */
};

/** Room for a window of k centers of d features, empty. */
int km_sparse_window_init(struct km_sparse_window *w, size_t k, size_t d, struct km_err *err);
void km_sparse_window_done(struct km_sparse_window *w); /* zeroed is fine */

/** A block: labels its rows by the centers, and adds them to the window. */
void km_sparse_window_add(struct km_sparse_window *w, struct km_sparse_centers *c,
                          struct km_sparse *s, const struct km_csr *x);

/** Takes the rows of the window times 2^exponent; not packed. */
void km_sparse_window_scale(struct km_sparse_window *w, int exponent);

/**
 * The words of the centers that have a count come to the front of w->mask, and back; packed, they
 * can be combined with those of ranks that have the same counts. Returns how many words that are.
 */
size_t km_sparse_window_pack_mask(struct km_sparse_window *w);
void km_sparse_window_unpack_mask(struct km_sparse_window *w);

/** The cells of all bits come to the front of w->sums.sum, in order of center and feature. Returns
 * how many they are. */
size_t km_sparse_window_pack(struct km_sparse_window *w);

/**
 * The packed window moves the centers, whose weights are first multiplied by `decay`, and is empty
 * again. most_norm2: a bound of |x|^2 of all ranks' rows so far, the same on all ranks.
 */
void km_sparse_window_move(struct km_sparse_window *w, struct km_sparse_centers *c, double decay,
                           double most_norm2, struct km_pool *pool);

#endif
