/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to dist/launch: what the supervisors of the leader and of the workers have in common: signals, one
 * child (mpirun or the MPI daemon), the rank on this host, and the local socket on which the rank and
 * the launch agents call.
 */
#ifndef KM_LAUNCH_SUPERVISOR_H
#define KM_LAUNCH_SUPERVISOR_H

#include "dist/launch/child.h"
#include "dist/launch/launch.h"
#include "dist/launch/message.h"
#include "dist/launch/net.h"
#include "dist/launch/poll.h"

#define KM_TICK_SECONDS   0.1  /* longest sleep of the loop */
#define KM_BEAT_SECONDS   1.0  /* between two signs of life */
#define KM_SILENT_SECONDS 15.0 /* a host that nothing was heard from for so long is gone */
#define KM_WAIT_LOG       10.0 /* between two lines about whom we wait for */
#define KM_END_SECONDS    1.5  /* for the last words */

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
    int at; /* in the poll list */
};

struct km_supervisor {
    const struct km_launch *plan;
    double started;
    int wake_fd;  /* readable after a signal */
    int local_fd; /* listening */
    int lookups[2];
    char local[KM_LOCAL_NAME], folder[64], exe[4096];
    char network[KM_NETWORK_TEXT]; /* for MPI, of this host; "" if unknown */
    struct km_poll poll;
    struct km_child child;
    struct km_rank rank;
    struct km_caller *caller;
    size_t n_callers;
    int stop;      /* somebody asked for an early end, here or elsewhere */
    int stop_here; /* by a signal to this process */
    int at_wake, at_local, at_rank, at_child, at_lookups;
};

/** Kills the rank and the child of this process; for signal handlers. */
void km_supervisor_kill(void);

/** Opens pipes for signals and look-ups, a folder and the local socket; close also after a failure. */
int km_supervisor_open(struct km_supervisor *s, const struct km_launch *plan, struct km_err *err);

/** Ends all processes of this host. */
void km_supervisor_close(struct km_supervisor *s);

/** The environment that mpirun and the daemon have in common; s->network is known. */
void km_supervisor_environment(const struct km_supervisor *s, struct km_environment *e);

/** Begins the list of a wait with what all have; waits; looks at what came for these. */
void km_supervisor_watch(struct km_supervisor *s);
void km_supervisor_wait(struct km_supervisor *s);
void km_supervisor_serve(struct km_supervisor *s);

/** What came for a place of the list. */
static inline int km_supervisor_got(const struct km_supervisor *s, int at)
{
    return at >= 0 && s->poll.fd[at].revents;
}

/** Tells the rank, if it is there, to end early. */
void km_supervisor_stop(struct km_supervisor *s);

/** The rank's state of this moment. */
struct km_rank_state km_supervisor_state(struct km_supervisor *s);

/** The first lines of *reason get "HOST: " in front, unless the name of some host is there already. */
void km_supervisor_blame(const struct km_launch *plan, const char *host, struct km_err *reason);

/** "a, b, c and 4 more" of the hosts for which missing[i] is true. */
void km_supervisor_names(const struct km_launch *plan, const char *missing, char *out, size_t size);

/** The whole life of the leader or of a worker: 0, or why the job failed, as every host says it. */
int km_leader_run(const struct km_launch *plan, struct km_err *err);
int km_worker_run(const struct km_launch *plan, struct km_err *err);

#endif
