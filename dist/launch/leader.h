/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to dist/launch: the supervisor of the first host. It meets the others, starts mpirun,
 * hands mpirun's daemons to them, hears how all are, and decides how the job ended, for all.
 */
#ifndef KM_LAUNCH_LEADER_H
#define KM_LAUNCH_LEADER_H

#include "dist/launch/plan.h"

/** As km_launch_run. */
int km_leader_run(const struct km_launch *plan, struct km_err *err);

#endif
