/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to dist/launch: the supervisor of every host but the first. It waits for the leader at
 * its door (door.h), starts the one MPI daemon that the leader names, says how its rank is, and
 * ends with the leader's verdict.
 */
#ifndef KM_LAUNCH_WORKER_H
#define KM_LAUNCH_WORKER_H

#include "dist/launch/plan.h"

/** As km_launch_run. */
int km_worker_run(const struct km_launch *plan, struct km_err *err);

#endif
