/* SPDX-License-Identifier: Apache-2.0 */
/* After the pass: from K centers to the model, and what the model is worth. */
#ifndef KM_TRAIN_FINISH_H
#define KM_TRAIN_FINISH_H

#include "train/job.h"

/** Shrinks K centers to k, refines them on the sample, and fills job->model. */
int km_finish_centers(struct km_job *job, struct km_err *err);

/** Scores the model on the train data (data_msd) and on the test channel, and logs the quality
 * lines. */
int km_finish_scores(struct km_job *job, struct km_err *err);

#endif
