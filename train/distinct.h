/* SPDX-License-Identifier: Apache-2.0 */
/* Private to train: a word about centers that are copies of each other. */
#ifndef KM_TRAIN_DISTINCT_H
#define KM_TRAIN_DISTINCT_H

#include "train/job.h"

/**
 * Warns where rows of job->model, made of c, are equal: a valid model, but one of fewer clusters than were asked
 * for. Says why, as far as the sample tells. The same on all ranks.
 */
int km_distinct_warn(const struct km_job *job, const struct km_centers *c, struct km_err *err);

#endif
