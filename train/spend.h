/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pass was spared, or the user wants to spend: steps of Lloyd and looks on the rows in
 * memory, then iterations over all rows, which are read again.
 */
#ifndef KM_TRAIN_SPEND_H
#define KM_TRAIN_SPEND_H

#include "train/job.h"

/** What is to be done; the same on all hosts. */
struct km_spend {
    /*
     * At most so much, in iterations of k centers over all rows: refine_passes; where that is auto,
     * what an extra_center_factor of auto below 10 has spared and 3 more (at factor 1: 24), 3 at
     * factor 10 where k is above 15, none where the factor was said. None with refine_rows = 0, or
     * where rows that are not in memory cannot be read again.
     */
    double most;
    int whole;  /* all rows are in memory */
    int again;  /* else: they can be read again */
    int search; /* steps and looks on the rows in memory */
    /* in place of the refinement, whose own share would pay for so few rows that it only costs */
    int alone;
    size_t refined; /* rows in memory that the refinement has used */
    double flop;    /* operations for the refinement of this host, as all refine at the same time */
};

/** `refined` is left to the caller. Behind the pass, when all hosts have the same sample. */
int km_spend_plan(struct km_spend *s, const struct km_job *job, struct km_err *err);

/** Improves *best (relative to the frame), the same on all hosts. */
int km_spend(const struct km_spend *s, struct km_job *job, struct km_centers *best,
             struct km_err *err);

#endif
