/* SPDX-License-Identifier: Apache-2.0 */
/* Before the first row: whether the channels of all ranks go together. */
#ifndef KM_TRAIN_PEERS_H
#define KM_TRAIN_PEERS_H

#include "io/feed.h"
#include "train/request.h"
#include "train/team.h"

/**
 * All ranks have opened a channel as *feed, this one with result rc, and found rows of *d features
 * (0: no rows). Afterwards *d is what all have. A failure of one is one of all; so are different
 * numbers of features or of label columns, a channel without a row on any rank, a channel that is
 * said to be replicated but is not the same everywhere, and a test channel on some ranks only.
 * Called by all ranks; one rank alone gets rc back.
 */
int km_peers_meet(const struct km_team *team, const struct km_channel *channel, int has_test,
                  struct km_feed *const *feed, int rc, size_t *d, struct km_err *err);

#endif
