/* SPDX-License-Identifier: Apache-2.0 */
/* Where the pass starts: the frame of the data and the first K centers. */
#ifndef KM_TRAIN_START_H
#define KM_TRAIN_START_H

#include "train/job.h"

/**
 * Chooses both from the first block of each rank's first mini-batch, the same for all ranks; from
 * now on rows are relative to the frame, *first included. NULL: this rank has no rows; KM_E_INPUT
 * on each rank if none has any.
 */
int km_start(struct km_job *job, struct km_batch *first, struct km_err *err);

#endif
