/* SPDX-License-Identifier: Apache-2.0 */
/* Teams of the tests that run alone. (Several real ranks: run_ranks.) */
#ifndef KM_TESTS_TEAM_HELP_H
#define KM_TESTS_TEAM_HELP_H

#include "tests/test.h"

#include "train/team.h"

/** One rank; the test closes its communicator. */
static inline struct km_team alone(void)
{
    struct km_comm *comm;
    struct km_err err;

    assert_ok(km_comm_open(&comm, &err), err);
    return km_team_of(comm, "algo-1");
}

/** The same, told that it is that rank of two. The wire has one end: sums are what this rank has,
 * and of the other one there is nothing but what the test puts there. */
static inline struct km_team one_of_two(int rank)
{
    struct km_team team = alone();

    team.rank = rank;
    team.ranks = 2;
    return team;
}

#endif
