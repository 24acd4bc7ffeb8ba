/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to dist/launch: what the leader knows of each host, and what it concludes from that:
 * whether the job has ended, and who is to blame. No clock and no socket in here. Who is stuck or
 * slow: progress.h.
 */
#ifndef KM_LAUNCH_JUDGE_H
#define KM_LAUNCH_JUDGE_H

#include "dist/launch/message.h"
#include "dist/launch/plan.h"

/** Times are of km_now(); 0: it has not happened. */
struct km_host {
    const char *name;
    int met;
    double heard;   /* its supervisor, last */
    double lost_at; /* the connection to its supervisor ended */
    struct km_rank_state rank;
    double gone_at;  /* its rank's connection ended */
    double ended_at; /* its rank, or its supervisor, said how it went: */
    struct km_err end;
    double daemon_at; /* its MPI daemon ended (on the leader: mpirun) */
    int daemon_status;
    uint64_t work; /* for km_progress_stall: as it was */
    double moved;  /* when it last changed, or the rank waited */
    /* for km_progress_slow: when and with what the present stretch began */
    uint64_t rows0;
    double waited0;
};

/** What is known of the whole job. */
struct km_case {
    const struct km_launch *plan;
    struct km_host *host; /* (plan->n_hosts) */
    double launched;      /* mpirun was started; 0: not yet */
    double stopped;       /* somebody asked for an early end */
    const char *words;    /* the first of mpirun */
    const char *death;    /* its sentence on the rank that it saw end first; "": none */
    double moved;         /* when anything last changed on any host */
    double stretch;       /* when the present stretch of km_progress_slow began */
    double warned;
};

/** 1: the job has ended, well (verdict->code KM_OK) or with this reason; 0: it goes on. */
int km_judge(struct km_case *c, double now, struct km_err *verdict);

/** 1 with a verdict if the connection to the host's supervisor was lost, or is silent too long. */
int km_judge_link(const struct km_host *h, double now, struct km_err *verdict);

/** How many hosts, but `but` (may be NULL), have not been met; out: "a, b, c and 4 more". */
size_t km_case_missing(const struct km_case *c, const struct km_host *but, char *out, size_t size);

#endif
