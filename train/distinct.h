/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the model has k clusters, or fewer that differ. */
#ifndef KM_TRAIN_DISTINCT_H
#define KM_TRAIN_DISTINCT_H

#include "algo/sample.h"

/**
 * Warns where rows of the model are equal, as `exact` (the centers before they were rounded) and
 * the sample of the data (of `rows` in all) explain it; `speak`: this host is to say it.
 */
int km_distinct_warn(const struct km_mat *model, const struct km_centers *exact,
                     const struct km_sample *sample, uint64_t rows, int speak, struct km_err *err);

#endif
