/* SPDX-License-Identifier: Apache-2.0 */
/* The samples of all ranks become one. */
#ifndef KM_TRAIN_SHARE_SAMPLE_H
#define KM_TRAIN_SHARE_SAMPLE_H

#include "algo/sample.h"
#include "train/team.h"

/** One sample of the rows of all ranks, in rank order, with that room, in place of each rank's own
 * (algo/sample.h). */
int km_share_sample(const struct km_team *team, struct km_sample *sample,
                    const struct km_room *room, struct km_err *err);

#endif
