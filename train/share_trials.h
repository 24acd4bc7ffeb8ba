/* SPDX-License-Identifier: Apache-2.0 */
/* Trials and refinements that the ranks dealt out become what all have. */
#ifndef KM_TRAIN_SHARE_TRIALS_H
#define KM_TRAIN_SHARE_TRIALS_H

#include "algo/refine.h"
#include "train/team.h"

/** Trials of a shrink, on one rank or on several. */
struct km_trials {
    struct km_trial *of; /* (n) those of this rank, then the best of all, where that is another's */
    size_t n;            /* 0 where there are fewer trials than ranks */
    size_t k, d;         /* of each */
    double *loss;        /* (all) of all ranks' trials, trial t of rank t mod ranks */
    size_t all;
};

/** Fills trials->loss from the ranks' trials, and gives every rank the best of all. */
int km_share_trials(const struct km_team *team, struct km_trials *trials, struct km_err *err);

/** Of what each rank has refined, the best: positions of *best and *result become the same on
 * all. */
int km_share_refined(const struct km_team *team, struct km_centers *best,
                     struct km_refine_result *result, struct km_err *err);

#endif
