/* SPDX-License-Identifier: Apache-2.0 */
/* Private to dist/launch: mpirun on the leader, once all have met. */
#ifndef KM_LAUNCH_MPIRUN_H
#define KM_LAUNCH_MPIRUN_H

#include "dist/launch/supervisor.h"

/**
 * Starts mpirun as the child of s, with one rank on each host and our own launch agent in place of
 * ssh. own: the leader's own address, or NULL; fd: a connection to a worker. s->network is the
 * network that MPI is to use: of the own address, of the interface that the plan names, or of the
 * connection.
 */
int km_mpirun_start(struct km_supervisor *s, const struct km_address *own, int fd,
                    struct km_err *err);

#endif
