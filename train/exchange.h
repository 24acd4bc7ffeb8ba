/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ranks tell each other between two windows of the pass. A window is some mini-batches
 * during which the centers stand still; then the sums of all ranks move them.
 */
#ifndef KM_TRAIN_EXCHANGE_H
#define KM_TRAIN_EXCHANGE_H

#include "train/state.h"

/**
 * Mini-batches of the longest window: so many that an exchange of K centers takes a thirtieth of
 * the time of the window (formula and guesses of rates: docs/algorithm.md); at least 1. One rank:
 * 1. shape->values are what a row takes of time.
 */
size_t km_window_most(size_t from_k, const struct km_shape *shape, size_t mini_batch, int ranks);

/** Mini-batches of the next window when a rank has seen so many: a sixteenth of them, 1 to most. */
size_t km_window(uint64_t seen, size_t most);

/** What holds for all ranks after an exchange. */
struct km_turn {
    int more; /* some rank has more rows */
    int stop; /* some rank was asked to stop */
};

/** What the exchanges of the pass took. */
struct km_traffic {
    uint64_t exchanges;  /* that succeeded */
    uint64_t sent_bytes; /* in these, by this host */
};

/**
 * The end of a window, which went as rc says: a failure of any rank becomes one of all. Then what
 * the learner's window adds up to is that of all ranks. `more`: this rank has more rows. One rank:
 * nothing to do.
 */
int km_exchange(struct km_state *state, const struct km_team *team, int rc, int more,
                struct km_turn *turn, struct km_traffic *traffic, struct km_err *err);

#endif
