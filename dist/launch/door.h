/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to dist/launch: a worker's launch_port, at which the leader is let in, and nobody who
 * comes from an address that the leader's name does not lead to. Strangers cost little: some
 * places, each for some seconds, and a line now and then.
 */
#ifndef KM_LAUNCH_DOOR_H
#define KM_LAUNCH_DOOR_H

#include "dist/launch/link.h"
#include "dist/launch/net.h"
#include "dist/launch/plan.h"
#include "dist/launch/poll.h"

#define KM_GUESTS 16 /* that may wait for the leader's address, or greet */

/** Somebody who has connected. */
struct km_guest {
    struct km_link link;
    struct km_address from;
    double since;
    int known; /* comes from the leader's address */
};

struct km_door {
    const struct km_launch *plan;
    int fd; /* listening */
    struct km_guest guest[KM_GUESTS];
    struct km_lookup *found; /* the leader's addresses */
    int looking;
    size_t refused; /* connections, not logged yet */
    double next_log;
    char refused_last[KM_ADDRESS_TEXT], refused_why[200];
};

/** Init and close leave it closed; open listens, and fails where the port is taken. */
void km_door_init(struct km_door *d, const struct km_launch *plan);
int km_door_open(struct km_door *d, struct km_err *err);
void km_door_close(struct km_door *d);

/** Adds what is to be waited for. */
void km_door_watch(const struct km_door *d, struct km_poll *poll);

/**
 * Serves all that have connected; lookups: a pipe for look-ups, both ends. 1 when the leader has
 * greeted as it should, and is `leader` from now on.
 */
int km_door_serve(struct km_door *d, const int lookups[2], double now, struct km_link *leader);

#endif
