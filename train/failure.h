/* SPDX-License-Identifier: Apache-2.0 */
/* The last words of a run. */
#ifndef KM_TRAIN_FAILURE_H
#define KM_TRAIN_FAILURE_H

#include "train/problems.h"

/**
 * Reports a failure: the prefixed text as an ERROR line for each problem (problems NULL: there are
 * none), and at most 1,024 characters of valid UTF-8 in the failure file (when path is not empty).
 * Returns the exit code: 1 algorithm, 2 customer, 3 platform. A failure file that cannot be written
 * is logged.
 */
int km_failure_report(const char *path, const struct km_problems *problems,
                      const struct km_err *err);

/** The exit code alone, for a rank whose supervisor reports. */
int km_failure_exit(const struct km_err *err);

#endif
