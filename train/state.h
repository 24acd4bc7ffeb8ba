/* SPDX-License-Identifier: Apache-2.0 */
/* What a job has learned of the rows so far: this, and nothing else, is what a checkpoint will
 * hold. */
#ifndef KM_TRAIN_STATE_H
#define KM_TRAIN_STATE_H

#include "algo/learner.h"
#include "train/frame.h"

struct km_state {
    struct km_row_frame frame;
    struct km_learner *learner; /* the centers of the pass, relative to the frame */
    struct km_sample sample;    /* of the rows of the first epoch */
    struct km_sample held;      /* others of them, that only measure (train/held.h) */
    uint64_t rows;              /* of the channel, on all hosts */
    uint64_t seen_rows;         /* of this host over all epochs, as the following two */
    uint64_t seen_batches;
    uint64_t seen_values;    /* of sparse rows those that are stored */
    uint64_t all_seen_rows;  /* of all hosts over all epochs */
    uint64_t window_batches; /* mini-batches of the windows so far, the same on all hosts */
    int stopped;             /* a pass over the rows ended early, as somebody asked to */
};

/** Frees all of it. */
void km_state_done(struct km_state *s); /* zeroed is fine */

/** Brings a block and what has been learned to the lower exponent of the two. */
void km_state_meet(struct km_state *s, struct km_batch *b);

/** Brings all ranks to the lowest exponent of all. */
int km_state_agree(struct km_state *s, const struct km_team *team, struct km_err *err);

#endif
