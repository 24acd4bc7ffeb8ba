/* SPDX-License-Identifier: Apache-2.0 */
/* Iterations of Lloyd over all rows of the train channel, which are read again for each. */
#ifndef KM_TRAIN_ITERATE_H
#define KM_TRAIN_ITERATE_H

#include "train/job.h"

/**
 * How many at most: as many as the pass was spared by an extra_center_factor of auto below 10, each the work of k centers (at
 * factor 1: 25); 2 at factor 10 where k is above 15; none without a refinement, or where the factor was said.
 */
size_t km_iterate_most(const struct km_job *job);

/**
 * Up to `most` iterations, on all hosts: *c (relative to the origin) becomes the means of the rows nearest to each
 * center; an empty one keeps its place. They end when one gains less than 1e-4 of the msd, or when somebody asks to stop.
 */
int km_iterate(struct km_job *job, struct km_centers *c, size_t most, struct km_err *err);

#endif
