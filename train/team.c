/* SPDX-License-Identifier: Apache-2.0 */
#include "train/team.h"

struct km_team km_team_of(struct km_comm *comm, const char *host)
{
    return (struct km_team){comm, km_comm_rank(comm), km_comm_size(comm), host};
}

int km_team_agree(const struct km_team *team, int rc, struct km_err *err)
{
    return km_comm_agree(team->comm, rc, team->host, err);
}
