/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of the control groups that this process is in. */
#ifndef KM_BASE_CGROUP_H
#define KM_BASE_CGROUP_H

#include <stdint.h>

struct km_cgroup {
    int cpus;        /* CPU quota, rounded up to whole CPUs; INT_MAX: none */
    uint64_t memory; /* bytes that can still be had; UINT64_MAX: no limit */
};

/**
 * Reads them anew. A limit of any group on the way from ours to the root counts, so the tightest of
 * all is given; those above what a container is shown are not known. Versions 1 and 2, and both at
 * once.
 *
 * @param[in] root  "", or the folder that holds a test's own /proc and /sys
 *
 * What cannot be read is no limit. Cannot fail, allocates nothing.
 */
void km_cgroup_read(struct km_cgroup *g, const char *root);

#endif
