/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every time of the launch, in seconds or milliseconds (whole numbers, so that both compilers can
 * compare them). How they must relate stands below each group and is asserted there, so a value
 * that breaks another one does not compile. docs/hosts.md has the same table for an operator. What
 * a request sets is launch_timeout and stall_timeout (train/params.c); the waiting of MPI itself is
 * in dist/comm.h.
 */
#ifndef KM_LAUNCH_LIMITS_H
#define KM_LAUNCH_LIMITS_H

#include <assert.h>

/* A supervisor's loop. */
#define KM_TICK_MS      100 /* longest sleep */
#define KM_BEAT_SECONDS 1   /* between two signs of life: of ranks, of supervisors */

static_assert(10 * KM_TICK_MS <= 1000 * KM_BEAT_SECONDS,
              "a sign of life is late by a tenth at most");

/* Before all have met. */
#define KM_WAIT_LOG_SECONDS    10 /* between two lines about whom we wait for */
#define KM_RETRY_SECONDS       1  /* between two tries to reach a worker */
#define KM_REFUSED_SECONDS     5  /* the same after it refused us */
#define KM_CONNECT_SECONDS     5  /* for a connection and the answer to the greeting */
#define KM_GUEST_SECONDS       5  /* for who has connected to a worker, to be known and to greet */
#define KM_CALLER_SECONDS      5  /* for somebody on the local socket, to say who it is */
#define KM_OWN_NAME_SECONDS    3  /* for the leader's own name to be looked up */
#define KM_LOOKUP_SECONDS      1  /* an answer that old is good enough to refuse by */
#define KM_REFUSED_LOG_SECONDS 10 /* between two lines about those that were refused */

static_assert(KM_CONNECT_SECONDS <= KM_GUEST_SECONDS,
              "a worker does not drop the leader before the leader gives the try up");
static_assert(KM_LOOKUP_SECONDS <= KM_RETRY_SECONDS, "each try is judged by a look-up of its own");
static_assert(KM_OWN_NAME_SECONDS < KM_WAIT_LOG_SECONDS,
              "the first line names whom we truly wait for");

/* While the job runs. */
#define KM_SILENT_SECONDS 15  /* a host that nothing was heard from for so long is gone */
#define KM_HALTED_SECONDS 2   /* a rank that is silent for so long may be stopped */
#define KM_JOIN_SECONDS   120 /* from mpirun's start until all ranks have called */
#define KM_SEAT_SECONDS   10  /* for the supervisor to answer its rank, and to take its last word */
#define KM_GRACE_SECONDS  3   /* behind stall_timeout, before the wait of all for all is a fault */

static_assert(KM_HALTED_SECONDS >= 2 * KM_BEAT_SECONDS, "one late sign of life is no halt");
static_assert(KM_SILENT_SECONDS >= 10 * KM_BEAT_SECONDS, "an outage of some beats ends no job");
static_assert(KM_HALTED_SECONDS < KM_GRACE_SECONDS, "who is stopped is named before all are");
static_assert(KM_SEAT_SECONDS < KM_JOIN_SECONDS, "a rank without an answer has its own text");

/* Who is slow. */
#define KM_STRETCH_SECONDS      10 /* over which rates are taken */
#define KM_MOST_STRETCH_SECONDS 60 /* the same where a window of rows takes longer */
#define KM_SLOW_LOG_SECONDS     60 /* between two warnings */

static_assert(KM_STRETCH_SECONDS >= 10 * KM_BEAT_SECONDS, "rates are of many pulses");
static_assert(KM_MOST_STRETCH_SECONDS <= KM_SLOW_LOG_SECONDS, "a warning is about its own minute");

/*
 * The end. One death is seen many times: MPI ends all ranks when one dies. So the first sign is not
 * believed at once: the true one, and mpirun's exit code, follow within a second.
 */
#define KM_SETTLE_SECONDS      1    /* from the first sign to the verdict, if mpirun has ended */
#define KM_MOST_SETTLE_SECONDS 6    /* the same if it has not */
#define KM_LINGER_SECONDS      5    /* for mpirun, after all ranks have said that they are done */
#define KM_LATE_SECONDS        5    /* for hosts that come after the end, to be told */
#define KM_STOPPED_SECONDS     2    /* the same after a stop, of which mostly all know */
#define KM_LAST_WORD_MS        1500 /* for the verdict to be taken, and for the daemon to end */
#define KM_CRASH_SECONDS       1    /* for a reader of the last words of a crash */
#define KM_KILLED_SECONDS      2    /* for killed processes to be gone */

static_assert(KM_SETTLE_SECONDS < KM_MOST_SETTLE_SECONDS, "mpirun's word shortens the wait");
static_assert(KM_MOST_SETTLE_SECONDS < KM_SEAT_SECONDS,
              "a rank that misses another one stays until the leader has found out which");
static_assert(KM_MOST_SETTLE_SECONDS < KM_SILENT_SECONDS, "a death is told as one, not as silence");
static_assert(KM_RETRY_SECONDS < KM_STOPPED_SECONDS && KM_REFUSED_SECONDS <= KM_LATE_SECONDS,
              "who comes late is tried once more");

/* An early end. */
#define KM_STOP_SECONDS     90  /* from the wish to the end of the ranks */
#define KM_PLATFORM_SECONDS 120 /* from the wish until the platform kills all */

static_assert(1000 * (KM_STOP_SECONDS + KM_MOST_SETTLE_SECONDS + KM_LATE_SECONDS +
                      KM_KILLED_SECONDS) +
                      KM_LAST_WORD_MS <
                  1000 * KM_PLATFORM_SECONDS,
              "the failure is written before the platform kills");

#endif
