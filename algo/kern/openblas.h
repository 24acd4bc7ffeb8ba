/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenBLAS, loaded when the level that calls it is picked. Linked, it would start a pool of threads
 * before main, which wait for work with sched_yield: on two CPUs a fifth of the CPU time of a small
 * job, and on many CPUs more.
 */
#ifndef KM_ALGO_KERN_OPENBLAS_H
#define KM_ALGO_KERN_OPENBLAS_H

#include "base/err.h"

#include <cblas.h>

/** Loads the library, with no threads of its own; again is fine. One thread at a time, and before
 * others read the environment. KM_E_SYS: it is not there. */
int km_openblas_load(struct km_err *err);

/** cblas_sgemm, once loaded; any thread. */
extern __typeof__(cblas_sgemm) *km_openblas_sgemm;

/** ", ", its version and the CPU that it takes this one for; "" before it is loaded. */
const char *km_openblas_name(void);

#endif
