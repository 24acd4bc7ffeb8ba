/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to dist/launch: the command line with which mpirun wants the MPI daemon of another host
 * to be started. It comes over the network, so it is taken apart here, without a shell, and only
 * what such a command line has is accepted.
 */
#ifndef KM_LAUNCH_COMMAND_H
#define KM_LAUNCH_COMMAND_H

#include "base/err.h"
#include <stddef.h>

#define KM_COMMAND_BYTES ((size_t)1 << 16) /* of the whole line */
#define KM_COMMAND_ARGS  512

struct km_command {
    char *memory;                    /* the words, one behind the other */
    char *argv[KM_COMMAND_ARGS + 1]; /* ends with NULL; argv[0] is "orted" or "prted" */
    int argc;
};

/**
 * Takes a line apart and checks it: the program must be orted or prted by its base name (its folder
 * is not looked at: the caller starts its own), the arguments settings of the names that a daemon
 * needs to find its mpirun. Settings of other names are left out, as this host's environment
 * decides about them; so are --daemonize, --allow-run-as-root, and assignments to variables in
 * front of the program. Anything else is KM_E_INPUT. km_command_done ends it in every case.
 */
int km_command_parse(struct km_command *c, const char *line, struct km_err *err);
void km_command_done(struct km_command *c);

#endif
