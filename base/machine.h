/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine, or the container around us, lets this process use. */
#ifndef KM_BASE_MACHINE_H
#define KM_BASE_MACHINE_H

#include <stdint.h>

/** CPUs: the affinity mask (cpuset), cut to the CPU quota of all control groups around us; at least
 * 1. */
int km_cpus(void);

/** Bytes of memory that can still be had: MemAvailable, cut to what the control groups leave. */
uint64_t km_memory_available(void);

/** Most bytes of memory that this process ever held (resident). */
uint64_t km_memory_peak(void);

#endif
