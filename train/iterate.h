/* SPDX-License-Identifier: Apache-2.0 */
/* Iterations of Lloyd over all rows of the train channel, which are read again for each. */
#ifndef KM_TRAIN_ITERATE_H
#define KM_TRAIN_ITERATE_H

#include "train/job.h"

/** What was done: the msd before the first iteration and before the last one, of the rows against
 * the means of their clusters, in the scale of the rows. */
struct km_iterated {
    size_t iterations;
    double before, after;
};

/**
 * Up to `most` iterations, on all hosts: *c (relative to the frame) becomes the means of the rows
 * nearest to each center; an empty one keeps its place. They end when one gains less than 1e-4 of
 * the msd, or when somebody asks to stop (job->state.stopped).
 */
int km_iterate(struct km_job *job, struct km_centers *c, size_t most, struct km_iterated *result,
               struct km_err *err);

#endif
