/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to dist/launch: what the supervisors of the leader and of the workers have in common: one
 * child (mpirun or the MPI daemon), the rank on this host, and the local socket on which the rank
 * and the launch agents call.
 */
#ifndef KM_LAUNCH_SUPERVISOR_H
#define KM_LAUNCH_SUPERVISOR_H

#include "dist/launch/child.h"
#include "dist/launch/message.h"
#include "dist/launch/net.h"
#include "dist/launch/plan.h"
#include "dist/launch/poll.h"

/** The rank of this host. */
struct km_rank {
    struct km_link link;
    pid_t pid;
    double heard;
    struct km_rank_state state;
    int ended; /* it said how it went */
    struct km_err end;
};

/** Somebody on the local socket who is not (yet) the rank. */
struct km_caller {
    struct km_link link;
    double since;
    int asked; /* as an agent: 1 its command waits to be looked at, 2 it waits for the end */
    char host[KM_HOST_BYTES];
    char *command;
};

struct km_supervisor {
    const struct km_launch *plan;
    double started;
    int signals;    /* readable after one */
    int local_fd;   /* listening */
    int lookups[2]; /* a pipe */
    char local[KM_LOCAL_NAME], folder[64], exe[4096];
    char network[KM_NETWORK_TEXT]; /* for MPI, of this host; "" if unknown */
    struct km_poll poll;
    struct km_child child;
    struct km_rank rank;
    struct km_caller *caller;
    size_t n_callers;
    double next_log; /* about whom we wait for */
    int stop;        /* somebody asked for an early end, here or elsewhere */
    int stop_here;   /* by a signal to this process */
};

/** Opens pipes for signals and look-ups, a folder and the local socket; close also after a failure.
 * child: the name of the child, for the log. */
int km_supervisor_open(struct km_supervisor *s, const struct km_launch *plan, const char *child,
                       struct km_err *err);

/** Ends all processes of this host. */
void km_supervisor_close(struct km_supervisor *s);

/** Starts the child, with the environment that mpirun and the daemon have in common and `more`. */
int km_supervisor_start(struct km_supervisor *s, char *const *argv,
                        void (*more)(const struct km_supervisor *s, struct km_environment *e),
                        struct km_err *err);

/** Waits for what all have and for what is in the poll list; then takes what came for all. */
void km_supervisor_turn(struct km_supervisor *s);

#define KM_WAIT_LINE 1200
/**
 * While hosts wait for those of these names: 1 and a verdict if an early end is asked for, else 0;
 * `line` is what was logged about it just now, mostly "".
 */
int km_supervisor_await(struct km_supervisor *s, const char *names, double now,
                        char line[KM_WAIT_LINE], struct km_err *verdict);

/** Tells the rank, if it is there, to end early. */
void km_supervisor_stop(struct km_supervisor *s);

/** The rank's state of this moment. */
struct km_rank_state km_supervisor_state(struct km_supervisor *s);

/** Whether it is time; then the next time is `every` seconds later. */
static inline int km_due(double *next, double now, double every)
{
    if (now < *next)
        return 0;
    *next = *next + every > now ? *next + every : now + every;
    return 1;
}

#endif
