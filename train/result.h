/* SPDX-License-Identifier: Apache-2.0 */
/* What a job ends with: one of these for each k. */
#ifndef KM_TRAIN_RESULT_H
#define KM_TRAIN_RESULT_H

#include "train/held.h"

struct km_result {
    struct km_mat model; /* (k, d) what is written: not relative to the origin */
    double optimism;     /* the msd of the model on the sample is too low by this factor, or more */
    struct km_held held; /* what is known of the rows that only measure */
};

#endif
