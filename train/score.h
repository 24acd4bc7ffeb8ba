/* SPDX-License-Identifier: Apache-2.0 */
/* What the model is worth: on the train data and on the test channel. */
#ifndef KM_TRAIN_SCORE_H
#define KM_TRAIN_SCORE_H

#include "train/job.h"

/** Scores the model on the train data (data_msd) and on the test channel, and logs the quality
 * lines. */
int km_score(struct km_job *job, struct km_err *err);

#endif
