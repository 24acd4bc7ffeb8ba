/* SPDX-License-Identifier: Apache-2.0 */
/* Private to dist/launch: the environment of mpirun or of the MPI daemon, as NAME=VALUE texts. */
#ifndef KM_LAUNCH_ENVIRONMENT_H
#define KM_LAUNCH_ENVIRONMENT_H

#include <stddef.h>

struct km_environment {
    char **v; /* ends with NULL */
    size_t n, room;
    int failed; /* there was no memory */
};

/** Adds NAME=VALUE; replaces an earlier one. */
void km_environment_set(struct km_environment *e, const char *name, const char *value);

/** Adds our own environment, without what would disturb (another launch's variables). */
void km_environment_inherit(struct km_environment *e);

/**
 * Our own environment and what mpirun and the daemon have in common: MPI over TCP in `network` ("":
 * in any), files in `folder`, and the supervisor's local socket of the name `local`.
 */
void km_environment_mpi(struct km_environment *e, const char *network, const char *folder,
                        const char *local);

/** Frees the texts; the environment is empty again. */
void km_environment_done(struct km_environment *e);

#endif
