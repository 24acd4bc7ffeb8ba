/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to train: where rows lie while they are clustered. (row - job->origin) * 2^job->exponent: float32 has its
 * digits near 0, and squares of neither tiny nor huge values. The same on all ranks, chosen from first
 * rows; ordinary data keeps the exponent 0. Where a later row does not fit, the exponent falls.
 */
#ifndef KM_TRAIN_FRAME_H
#define KM_TRAIN_FRAME_H

#include "train/job.h"

/** Chooses origin (dense rows) and exponent from all ranks' first blocks, and moves this one there; NULL: this
 * rank has none. job->part: the ranks' rows, before and after. */
int km_frame_choose(struct km_job *job, struct km_batch *first, struct km_err *err);

/** Brings a block and what the job has learned to the lower exponent of the two. */
void km_frame_meet(struct km_job *job, struct km_batch *b);

/** The same for a block where the centers cannot move any more: a failure, if a row does not fit. */
int km_frame_bring(const struct km_job *job, struct km_batch *b, struct km_err *err);

/** Brings all ranks to the lowest exponent of all. */
int km_frame_agree(struct km_job *job, struct km_err *err);

/** Whether this rank has fallen below what all have agreed on. */
static inline int km_frame_fell(const struct km_job *job)
{
    return job->exponent != job->agreed_exponent;
}

/** Squared distances times this are in the data's own units. */
double km_frame_unit2(const struct km_job *job);

#endif
