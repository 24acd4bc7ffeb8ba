/* SPDX-License-Identifier: Apache-2.0 */
/* After the pass: from K centers to the model. */
#ifndef KM_TRAIN_FINISH_H
#define KM_TRAIN_FINISH_H

#include "train/job.h"

/** Shrinks K centers to k, refines them on the sample, and fills job->result. The learner is done
 * with. */
int km_finish(struct km_job *job, struct km_err *err);

#endif
