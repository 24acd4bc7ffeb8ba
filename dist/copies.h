/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of the program that do not know of each other: a launcher whose MPI is not ours, or none
 * (plain srun), starts N of them, and each would be rank 0 of 1 and write the same model.
 */
#ifndef KM_DIST_COPIES_H
#define KM_DIST_COPIES_H

#include "base/err.h"

/**
 * The name of a variable by which a launcher says that it started several tasks; NULL if none does.
 * get: getenv, or a test's. What Open MPI's mpirun says of this program counts before what a
 * launcher around it said of mpirun and its daemons, which inherit it.
 */
const char *km_copies_said(char *(*get)(const char *name));

/** For a process that is alone, KM_OK; KM_E_INPUT with how to start it if a launcher started
 * several. */
int km_copies_check(char *(*get)(const char *name), struct km_err *err);

#endif
