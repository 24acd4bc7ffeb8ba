/* SPDX-License-Identifier: Apache-2.0 */
/* The ranks that train together, one a host. */
#ifndef KM_TRAIN_TEAM_H
#define KM_TRAIN_TEAM_H

#include "dist/comm.h"

struct km_team {
    struct km_comm *comm;
    int rank, ranks;
    const char *host; /* this one's name, for messages */
};

/** Rank and ranks are those of comm. */
struct km_team km_team_of(struct km_comm *comm, const char *host);

/** The end of a stage that went as rc says: a failure of one rank becomes one of all
 * (km_comm_agree). */
int km_team_agree(const struct km_team *team, int rc, struct km_err *err);

#endif
