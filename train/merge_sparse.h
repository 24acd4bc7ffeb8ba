/* SPDX-License-Identifier: Apache-2.0 */
/* Private to merge.c. */
#ifndef KM_TRAIN_MERGE_SPARSE_H
#define KM_TRAIN_MERGE_SPARSE_H

#include "train/job.h"

/** km_merge_sample where rows are sparse. */
int km_merge_sparse_sample(struct km_job *job, struct km_err *err);

#endif
