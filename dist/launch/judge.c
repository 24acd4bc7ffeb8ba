/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outline. One death is seen many times: as a signal, a closed socket, the exit code of mpirun,
 * errors of the ranks that waited. The judge finds the cause among its consequences; it has no
 * clock and no socket.
 *
 *   1. What is certain is told at once: a rank that said why it failed, a supervisor that ended, a
 *      limit that has passed (judge_host).
 *   2. Any other sign (suspicion) starts a wait, in which a better reason may come.
 *   3. Then the cause is, in this order: a daemon that was killed, the rank that mpirun names, a
 *      rank that is gone, a daemon that ended, a rank that failed because of others, mpirun
 *      (conclude).
 *   4. With success all ranks have said so, and mpirun has ended or lingers (all_well).
 */
#include "dist/launch/judge.h"

#include "dist/launch/child.h"
#include "dist/launch/limits.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define MOST_NAMED 10 /* of hosts that are missing */

static double daemon_killed(const struct km_host *h)
{
    return h->daemon_at > 0 && WIFSIGNALED(h->daemon_status) ? h->daemon_at : 0;
}

static double rank_gone(const struct km_host *h)
{
    return h->gone_at > 0 && h->ended_at == 0 ? h->gone_at : 0;
}

static double rank_failed(const struct km_host *h)
{
    return h->ended_at > 0 && h->end.code ? h->ended_at : 0;
}

/* The earlier of two times, of which either may not have come (0). */
static double earlier(double a, double b)
{
    return a > 0 && (b == 0 || a < b) ? a : b;
}

/* Time of a sign that something went wrong on a host, which may be a consequence only. */
static double suspicion(const struct km_host *h)
{
    return earlier(h->daemon_at, earlier(rank_gone(h), rank_failed(h)));
}

int km_judge_link(const struct km_host *h, double now, struct km_err *verdict)
{
    if (h->lost_at > 0) {
        km_fail(verdict, KM_E_SYS, "%s: the supervisor ended", h->name);
        return 1;
    }
    if (now <= h->heard + KM_SILENT_SECONDS)
        return 0;
    km_fail(verdict, KM_E_SYS, "%s: not heard from for %d s; the host or its network is gone",
            h->name, KM_SILENT_SECONDS);
    return 1;
}

/* What is certain at once. */
static int judge_host(const struct km_case *c, struct km_host *h, double now,
                      struct km_err *verdict)
{
    if (h->ended_at > 0 && h->end.code && h->end.code != KM_E_PEER) {
        *verdict = h->end;
        return 1;
    }
    if (h->met && h != c->host && km_judge_link(h, now, verdict))
        return 1;
    if (c->launched > 0 && !h->rank.joined && now > c->launched + KM_JOIN_SECONDS) {
        km_fail(verdict, KM_E_SYS, "%s: its training process did not start within %d s%s%s",
                h->name, KM_JOIN_SECONDS, c->words[0] ? ": " : "", c->words);
        return 1;
    }
    if (c->stopped > 0 && h->ended_at == 0 && !h->rank.pulse.waiting &&
        now > c->stopped + KM_STOP_SECONDS) {
        km_fail(verdict, KM_E_SYS, "%s: did not stop within %d s", h->name, KM_STOP_SECONDS);
        return 1;
    }
    return 0;
}

/* Whether mpirun's exit code says that a rank was killed; then by which signal. */
static int signal_of_mpirun(const struct km_host *leader)
{
    int code;

    if (leader->daemon_at == 0 || !WIFEXITED(leader->daemon_status))
        return 0;
    code = WEXITSTATUS(leader->daemon_status);
    return code > 128 && code < 128 + 65 ? code - 128 : 0;
}

/*
 * The host of the rank that mpirun names, and the signal that it died by; 0: it called abort, as
 * MPI does in a rank that misses another one. NULL: none is named. mpirun kills the other ranks at
 * once, so the leader may see its own connection end before the worker's word on the first death
 * has come. The sentences are those of Open MPI 4.1 and 5; ranks are numbered as the hosts are.
 */
static struct km_host *named_by_mpirun(const struct km_case *c, int *number)
{
    const char *at = strstr(c->death, "process rank ");
    unsigned rank;
    int n;

    *number = 0;
    if (!at)
        return NULL;
    n = sscanf(at, "process rank %u with PID %*d on node %*s exited on signal %d", &rank, number);
    if (n < 1 || rank >= c->plan->n_hosts || (n < 2 && !strstr(at, "calling \"abort\"")))
        return NULL;
    return &c->host[rank];
}

static void blame_rank(const struct km_host *h, int n, struct km_err *verdict)
{
    int ours = n == SIGSEGV || n == SIGBUS || n == SIGILL || n == SIGFPE || n == SIGABRT;

    if (n)
        km_fail(verdict, ours ? KM_E_BUG : KM_E_SYS,
                "%s: its training process was killed by signal %d (SIG%s%s)", h->name, n,
                sigabbrev_np(n) ? sigabbrev_np(n) : "?", n == SIGKILL ? ": memory?" : "");
    else
        km_fail(verdict, KM_E_SYS,
                "%s: its training process ended without a word, as if killed (memory?)", h->name);
}

static void blame_daemon(const struct km_case *c, const struct km_host *h, struct km_err *verdict)
{
    char text[64];

    km_fail(verdict, KM_E_SYS, "%s: %s ended (%s)", h->name,
            h == c->host ? "mpirun" : "the MPI daemon", km_child_text(text, h->daemon_status));
}

/* The host with the earliest of the times that `at` picks (0: does not count), but one. */
static struct km_host *earliest(const struct km_case *c, double (*at)(const struct km_host *),
                                const struct km_host *but)
{
    struct km_host *first = NULL;

    for (size_t i = 0; i < c->plan->n_hosts; i++) {
        double t = at(&c->host[i]);

        if (t > 0 && &c->host[i] != but && (!first || t < at(first)))
            first = &c->host[i];
    }
    return first;
}

/* Enough time has passed: the cause is the worst sign, and of these the first. */
static int conclude(const struct km_case *c, struct km_err *verdict)
{
    const struct km_host *h = earliest(c, daemon_killed, NULL),
                         *first = earliest(c, suspicion, NULL);
    int number;
    const struct km_host *named = named_by_mpirun(c, &number);

    if (h) {
        blame_daemon(c, h, verdict);
    } else if (named && number) {
        blame_rank(named, number, verdict);
    } else if ((h = earliest(c, rank_gone, named)) != NULL ||
               (h = earliest(c, rank_gone, NULL)) != NULL) {
        blame_rank(h, signal_of_mpirun(c->host), verdict);
    } else if (first != c->host && first->daemon_at > 0) {
        blame_daemon(c, first, verdict);
    } else if ((h = earliest(c, rank_failed, NULL)) != NULL) {
        *verdict = h->end;
    } else {
        char text[64];

        km_fail(verdict, KM_E_SYS, "%s: mpirun ended (%s)%s%s", c->host->name,
                km_child_text(text, c->host->daemon_status), c->words[0] ? ": " : "", c->words);
    }
    return 1;
}

/* Whether all ranks have said that all went well; `last` is when the last one did. */
static int all_well(const struct km_case *c, double *last)
{
    *last = 0;
    for (size_t i = 0; i < c->plan->n_hosts; i++) {
        const struct km_host *h = &c->host[i];

        if (h->ended_at == 0 || h->end.code)
            return 0;
        if (h->ended_at > *last)
            *last = h->ended_at;
    }
    return 1;
}

int km_judge(struct km_case *c, double now, struct km_err *verdict)
{
    const struct km_host *first;
    double last, since;

    if (all_well(c, &last)) {
        verdict->code = KM_OK;
        verdict->msg[0] = 0;
        return c->host->daemon_at > 0 || now > last + KM_LINGER_SECONDS;
    }
    for (size_t i = 0; i < c->plan->n_hosts; i++)
        if (judge_host(c, &c->host[i], now, verdict))
            return 1;
    first = earliest(c, suspicion, NULL);
    if (!first)
        return 0;
    since = now - suspicion(first);
    if (since < KM_SETTLE_SECONDS || (c->host->daemon_at == 0 && since < KM_MOST_SETTLE_SECONDS))
        return 0;
    return conclude(c, verdict);
}

size_t km_case_missing(const struct km_case *c, const struct km_host *but, char *out, size_t size)
{
    size_t used = 0, named = 0, missing = 0;

    out[0] = 0;
    for (size_t i = 0; i < c->plan->n_hosts; i++) {
        const struct km_host *h = &c->host[i];

        if (h->met || h == but)
            continue;
        missing++;
        if (named == MOST_NAMED || used + strlen(h->name) + 32 > size)
            continue;
        used += (size_t)snprintf(out + used, size - used, "%s%s", named ? ", " : "", h->name);
        named++;
    }
    if (missing > named)
        snprintf(out + used, size - used, " and %zu more", missing - named);
    return missing;
}
