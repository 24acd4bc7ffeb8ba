/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ranks tell each other between two windows of the pass. A window is some mini-batches during
 * which the centers stand still; then the sums of all ranks move them.
 */
#ifndef KM_TRAIN_EXCHANGE_H
#define KM_TRAIN_EXCHANGE_H

#include "train/job.h"

/**
 * Mini-batches of the longest window: so many that an exchange of K centers takes a thirtieth of the
 * time of the window (formula and guesses of rates: docs/algorithm.md); at least 1. One rank: 1.
 * row_values: d, or of sparse rows how many are not 0.
 */
size_t km_window_most(size_t from_k, size_t d, size_t row_values, size_t mini_batch, int ranks);

/** Mini-batches of the next window when a rank has seen so many: a sixteenth of them, 1 to most. */
size_t km_window(uint64_t seen, size_t most);

/** What holds for all ranks after an exchange. */
struct km_turn {
    int more; /* some rank has more rows */
    int stop; /* some rank was asked to stop */
};

/**
 * The end of a window, which went as rc says: a failure of any rank becomes one of all. Then
 * job->sums (sparse: job->window, packed) become the sums of all ranks. `more`: this rank has more rows.
 */
int km_exchange(struct km_job *job, int rc, int more, struct km_turn *turn, struct km_err *err);

#endif
