/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to dist/launch: what the processes of a job say to each other beside MPI, as frames of
 * link.h.
 *
 *   leader's supervisor  <-> worker's supervisor   TCP, launch_port
 *   supervisor           <-> its rank              local socket, KM_SUPERVISOR
 *   leader's supervisor  <-> launch agent          the same local socket
 */
#ifndef KM_LAUNCH_MESSAGE_H
#define KM_LAUNCH_MESSAGE_H

#include "base/err.h"
#include "base/pulse.h"
#include "dist/launch/link.h"

#define KM_PROTOCOL      1
#define KM_HOST_BYTES    256
#define KM_VERSION_BYTES 64

enum km_message {
    KM_MSG_GREET = 1,  /* leader -> worker: km_greeting */
    KM_MSG_WELCOME,    /* worker -> leader: nothing; supervisor -> rank: its network, its command */
    KM_MSG_REFUSE,     /* worker -> leader: text */
    KM_MSG_WAIT,       /* leader -> worker: text, whom the leader waits for */
    KM_MSG_DAEMON,     /* leader -> worker: seconds since the start, the command line */
    KM_MSG_DAEMON_END, /* worker -> leader: status as of waitpid */
    KM_MSG_STATE,      /* both, each second: km_rank_state */
    KM_MSG_FAIL,   /* worker -> leader, rank -> supervisor: code and text; code 0: all went well */
    KM_MSG_STOP,   /* all: somebody wants the job to end early */
    KM_MSG_END,    /* leader -> worker: code and text of the whole job */
    KM_MSG_JOIN,   /* rank -> supervisor: nothing */
    KM_MSG_PULSE,  /* rank -> supervisor, each second: km_pulse */
    KM_MSG_AGENT,  /* agent -> supervisor: host, command line */
    KM_MSG_STATUS, /* supervisor -> agent: exit code */
};

/** What the leader says first. Both sides make it from their own request, so a worker knows what to
 * expect, but for the version that it must be the same as. */
struct km_greeting {
    char version[KM_VERSION_BYTES];
    char leader[KM_HOST_BYTES], worker[KM_HOST_BYTES];
    uint64_t hosts; /* hash of the list */
};

/** A rank, as its supervisor knows it. */
struct km_rank_state {
    int joined; /* it has said that it is there */
    int gone;   /* its connection has ended */
    double age; /* seconds since it was heard last */
    int halted; /* the machine shows its process as stopped */
    struct km_pulse pulse;
};

/** A hash of the names, one behind the other. */
uint64_t km_hosts_hash(const char *const *hosts, size_t n);

/** Sends a greeting. */
void km_put_greeting(struct km_link *l, const struct km_greeting *g);

/** KM_E_INPUT with what does not fit, if the frame is no greeting like `expected`. */
int km_check_greeting(struct km_frame *f, const struct km_greeting *expected, struct km_err *err);

/** The state of a rank. Get: 0, or -1: garbage. */
void km_put_state(struct km_link *l, const struct km_rank_state *s);
int km_get_state(struct km_frame *f, struct km_rank_state *s); /* 0, or -1: garbage */

/** The pulse of a rank. Get: 0, or -1: garbage. */
void km_put_pulse(struct km_link *l, const struct km_pulse *p);
int km_get_pulse(struct km_frame *f, struct km_pulse *p);

/** A frame of nothing but a code and a text (KM_MSG_FAIL, KM_MSG_END). */
void km_put_reason(struct km_link *l, int type, const struct km_err *reason);
int km_get_reason(struct km_frame *f, struct km_err *reason);

/** A frame of nothing but a text or a number, or of nothing. */
void km_put_text(struct km_link *l, int type, const char *text);
void km_put_number(struct km_link *l, int type, uint32_t v);
void km_put_nothing(struct km_link *l, int type);

#endif
