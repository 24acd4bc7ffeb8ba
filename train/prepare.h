/* SPDX-License-Identifier: Apache-2.0 */
/* Before the pass: the channels are opened, their first rows looked at, and the plan made. */
#ifndef KM_TRAIN_PREPARE_H
#define KM_TRAIN_PREPARE_H

#include "train/job.h"

/** Everything up to the first row of the pass. job: zeroed, but for request, m and team. The same
 * on all ranks. */
int km_prepare(struct km_job *job, struct km_err *err);

/** Closes the channels and frees all that the job has, also after a failure. */
void km_job_done(struct km_job *job);

#endif
