/* SPDX-License-Identifier: Apache-2.0 */
/* The passes over the rows: from start centers to K centers that have seen all of them. */
#ifndef KM_TRAIN_PASS_H
#define KM_TRAIN_PASS_H

#include "train/job.h"

/** All epochs, or as much of them as there is until somebody asks to stop (job->stopped). */
int km_pass(struct km_job *job, struct km_err *err);

/** KM_E_BUG unless the k counts of rows that centers received add up to `rows`. */
int km_pass_check_counts(const double *count, size_t k, double rows, struct km_err *err);

#endif
