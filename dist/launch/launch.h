/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Training on several hosts without a remote shell (docs/hosts.md). Every host runs a supervisor. The
 * first host leads: its supervisor waits until the others' are connected and runs mpirun, whose daemons
 * and ranks the supervisors start and watch over. All supervisors end with the same verdict.
 */
#ifndef KM_LAUNCH_LAUNCH_H
#define KM_LAUNCH_LAUNCH_H

#include "base/err.h"
#include <stddef.h>

/** What to launch; everything lives longer than the launch. */
struct km_launch {
    const char *const *hosts; /* sorted bytewise, each once; hosts[0] leads */
    size_t n_hosts;           /* 2 or more */
    size_t self;              /* which of them this is */
    const char *interface; /* the platform's name of the network interface; may be NULL or wrong */
    char *const *args;     /* what a rank is called with, args[0] is "train"; ends with NULL */
    int port;              /* on which workers wait for the leader */
    double timeout;        /* seconds that hosts wait for each other */
    double stall;          /* seconds without progress after which a rank is given up */
};

/**
 * Runs the job as this host's supervisor, to its very end: KM_OK if all went well everywhere, else the
 * one reason that all hosts give, the host to blame first. No process of the job is left on this host.
 * A first SIGTERM or SIGINT ends the training early, on all hosts; a second one ends this process.
 */
int km_launch_run(const struct km_launch *plan, struct km_err *err);

/** The launch agent that mpirun calls, `launch-agent HOST COMMAND...`; the process's exit code. */
int km_agent_main(int argc, char **argv);

#endif
