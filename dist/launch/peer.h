/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to dist/launch: the leader's way to a worker: looks its name up anew for each try,
 * connects, greets, and is met with the worker's welcome.
 */
#ifndef KM_LAUNCH_PEER_H
#define KM_LAUNCH_PEER_H

#include "dist/launch/message.h"
#include "dist/launch/net.h"
#include "dist/launch/plan.h"

enum km_phase { KM_APART, KM_CONNECTING, KM_GREETED, KM_MET, KM_LOST };

struct km_peer {
    const struct km_launch *plan;
    size_t id; /* its place among the hosts */
    enum km_phase phase;
    struct km_link link; /* open from KM_CONNECTING to KM_MET */
    struct km_lookup *found;
    int looking;   /* a look-up is under way */
    size_t try;    /* which address is next */
    double next;   /* when to look up again */
    double since;  /* when the present try began */
    char why[128]; /* what the last try ended with; "": nothing yet */
};

/** Apart, and never tried; close frees what it has. */
void km_peer_open(struct km_peer *p, const struct km_launch *plan, size_t id);
void km_peer_close(struct km_peer *p);

/** Starts a look-up, if it is time and none is under way. */
void km_peer_look_up(struct km_peer *p, int lookups, double now);

/** Takes a look-up over, and begins to connect if the peer is apart; own: the address to come from,
 * or NULL. */
void km_peer_found(struct km_peer *p, struct km_lookup *found, const struct km_address *own);

/** The next step on the way. */
void km_peer_advance(struct km_peer *p, int lookups, double now);

/** The answer to our greeting: 0, or -1: it is none. */
int km_peer_answer(struct km_peer *p, struct km_frame *f);

/** The try has ended, for this reason: another one begins later. */
void km_peer_part(struct km_peer *p, const char *why);

#endif
