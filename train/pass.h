/* SPDX-License-Identifier: Apache-2.0 */
/* The passes over the rows: from start centers to K centers that have seen all of them. */
#ifndef KM_TRAIN_PASS_H
#define KM_TRAIN_PASS_H

#include "train/job.h"

/** All epochs, or as much of them as there is until somebody asks to stop (job->state.stopped). */
int km_pass(struct km_job *job, struct km_err *err);

#endif
