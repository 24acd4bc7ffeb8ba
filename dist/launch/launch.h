/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Training on several hosts without a remote shell (docs/hosts.md). Every host runs a supervisor.
 * The first host leads: its supervisor waits until the others' are connected and runs mpirun, whose
 * daemons and ranks the supervisors start and watch over. All supervisors end with the same
 * verdict.
 */
#ifndef KM_LAUNCH_LAUNCH_H
#define KM_LAUNCH_LAUNCH_H

#include "dist/launch/plan.h"

/**
 * Runs the job as this host's supervisor, to its very end: KM_OK if all went well everywhere, else
 * the one reason that all hosts give, the host to blame first. No process of the job is left on
 * this host. A first SIGTERM or SIGINT ends the training early, on all hosts; a second one ends
 * this process.
 */
int km_launch_run(const struct km_launch *plan, struct km_err *err);

#endif
