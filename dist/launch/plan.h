/* SPDX-License-Identifier: Apache-2.0 */
/* Private to dist/launch, but for who fills it in: what is to be launched. */
#ifndef KM_LAUNCH_PLAN_H
#define KM_LAUNCH_PLAN_H

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

/** The reason gets "HOST: " in front, unless the name of some host is there already. */
void km_plan_blame(const struct km_launch *plan, const char *host, struct km_err *reason);

#endif
