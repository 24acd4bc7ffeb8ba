/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor of every other host. It waits for the leader's connection, and from no other address
 * than the leader's; starts the one MPI daemon that the leader names; says how its rank is; and ends
 * with the leader's verdict.
 */
#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "dist/launch/command.h"
#include "dist/launch/crashed.h"
#include "dist/launch/supervisor.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MOST_GUESTS     16  /* connections that may wait for the leader's address, or greet */
#define GUEST_SECONDS   5.0 /* for one of them */
#define GREETING_BYTES  1024
#define COMMAND_BYTES   (KM_COMMAND_BYTES + 64)
#define LOOKUP_SECONDS  1.0  /* an answer that old is good enough to refuse by */
#define REFUSED_SECONDS 10.0 /* between two lines about those that were refused */
#define ACCEPTS         64   /* connections looked at in one go */

/* Somebody who has connected. */
struct guest {
    struct km_link link;
    struct km_address from;
    double since;
    int known; /* comes from the leader's address */
    int at;
};

struct worker {
    struct km_supervisor s;
    int listen_fd, at_listen, at_leader;
    struct guest guest[MOST_GUESTS];
    struct km_lookup *found; /* the leader's addresses */
    int looking;
    struct km_link leader; /* fd -1 until we have met */
    double heard, next_beat, next_log, refused_log;
    size_t refused;
    char refused_last[KM_ADDRESS_TEXT], refused_why[200];
    int started; /* the daemon was */
    int told_end, told_gone, told_daemon, told_stop;
};

/* What the handler of a crash knows. */
static struct worker *crashing;

/* In that handler: the leader judges by it. */
static void tell_crash(const char *text)
{
    km_supervisor_kill();
    km_crashed_tell(crashing->leader.fd, KM_MSG_FAIL, text);
}

static int open_worker(struct worker *w, const struct km_launch *plan, struct km_err *err)
{
    int rc;

    w->leader.fd = w->listen_fd = -1;
    for (size_t i = 0; i < MOST_GUESTS; i++)
        w->guest[i].link.fd = -1;
    rc = km_supervisor_open(&w->s, plan, err);
    w->next_log = w->s.started + KM_WAIT_LOG;
    w->s.child.name = "MPI daemon";
    crashing = w;
    km_crash_hook(tell_crash);
    return rc ? rc : km_net_listen(&w->listen_fd, plan->port, err);
}

static void close_listening(struct worker *w)
{
    for (size_t i = 0; i < MOST_GUESTS; i++)
        km_link_close(&w->guest[i].link);
    if (w->listen_fd >= 0)
        close(w->listen_fd);
    w->listen_fd = -1;
}

static void log_refused(struct worker *w, double now)
{
    if (w->refused == 0 || now < w->refused_log)
        return;
    km_log(KM_WARNING, "launch port: refused %zu connection%s, the last from %s: %s", w->refused,
           w->refused == 1 ? "" : "s", w->refused_last, w->refused_why);
    w->refused = 0;
    w->refused_log = now + REFUSED_SECONDS;
}

static void refuse(struct worker *w, const struct km_address *from, const char *why)
{
    w->refused++;
    km_address_text(w->refused_last, from);
    snprintf(w->refused_why, sizeof(w->refused_why), "%.190s", why);
}

static void dismiss(struct worker *w, struct guest *g, const char *why)
{
    refuse(w, &g->from, why);
    km_link_close(&g->link);
}

static int is_leader(const struct worker *w, const struct km_address *from)
{
    for (size_t i = 0; w->found && i < w->found->n; i++)
        if (km_address_same(&w->found->address[i], from))
            return 1;
    return 0;
}

/* A place for one more; the oldest whose address is not the leader's leaves, if need be. */
static struct guest *find_place(struct worker *w)
{
    struct guest *oldest = NULL;

    for (size_t i = 0; i < MOST_GUESTS; i++) {
        struct guest *g = &w->guest[i];

        if (g->link.fd < 0)
            return g;
        if (!oldest || (!g->known && (oldest->known || g->since < oldest->since)))
            oldest = g;
    }
    dismiss(w, oldest, "too many at once");
    return oldest;
}

static void accept_guests(struct worker *w, double now)
{
    for (int i = 0; i < ACCEPTS; i++) {
        struct km_address from;
        int fd = km_net_accept(w->listen_fd, &from), known;
        struct guest *g;

        if (fd < 0)
            return;
        known = is_leader(w, &from);
        if (!known && w->found && now < w->found->asked + LOOKUP_SECONDS) {
            refuse(w, &from, "not the leader's address");
            close(fd);
            continue;
        }
        g = find_place(w);
        km_link_open(&g->link, fd, GREETING_BYTES);
        g->from = from;
        g->since = now;
        g->known = known;
        g->at = -1;
    }
}

/* The leader has greeted: the door is closed, its connection is the one. */
static void welcome(struct worker *w, struct guest *g, double now)
{
    w->leader = g->link;
    g->link = (struct km_link){.fd = -1};
    w->leader.most = COMMAND_BYTES;
    km_put_nothing(&w->leader, KM_MSG_WELCOME);
    w->heard = now;
    close_listening(w);
    km_log(KM_INFO, "%s has come", w->s.plan->hosts[0]);
}

static void serve_guest(struct worker *w, struct guest *g, double now)
{
    const struct km_launch *plan = w->s.plan;
    struct km_greeting expected = {.version = KM_VERSION,
                                   .hosts = km_hosts_hash(plan->hosts, plan->n_hosts)};
    struct km_frame f;
    struct km_err why;
    int over, got;

    if (!g->known)
        return;
    over = km_link_fill(&g->link);
    got = km_link_next(&g->link, &f);
    if (got == 0 && !over)
        return;
    if (got <= 0) {
        dismiss(w, g, got ? "no greeting of a kmeans" : "it left without a greeting");
        return;
    }
    snprintf(expected.leader, sizeof(expected.leader), "%s", plan->hosts[0]);
    snprintf(expected.worker, sizeof(expected.worker), "%s", plan->hosts[plan->self]);
    if (km_check_greeting(&f, &expected, &why) == KM_OK) {
        welcome(w, g, now);
        return;
    }
    km_put_text(&g->link, KM_MSG_REFUSE, why.msg);
    km_link_flush(&g->link);
    dismiss(w, g, why.msg);
}

/* The leader's addresses are looked up for everybody who comes from another one. */
static void serve_lookups(struct worker *w, double now)
{
    int wanted = 0;
    struct km_lookup *f;

    while ((f = km_lookup_next(w->s.lookups[0])) != NULL) {
        km_free(w->found);
        w->found = f;
        w->looking = 0;
    }
    for (size_t i = 0; i < MOST_GUESTS; i++) {
        struct guest *g = &w->guest[i];

        if (g->link.fd < 0 || g->known)
            continue;
        g->known = is_leader(w, &g->from);
        if (!g->known && w->found && w->found->asked > g->since - LOOKUP_SECONDS && w->found->n)
            dismiss(w, g, "not the leader's address");
        else if (!g->known)
            wanted = 1;
    }
    if (!w->looking && (wanted || !w->found) &&
        (!w->found || now > w->found->asked + LOOKUP_SECONDS))
        w->looking = km_lookup_start(w->s.lookups[1], 0, w->s.plan->hosts[0]) == 0;
}

/* The time before the leader has come: 1 if this is the job's end. */
static int await_leader(struct worker *w, double now, struct km_err *verdict)
{
    const struct km_launch *plan = w->s.plan;

    serve_lookups(w, now);
    for (size_t i = 0; i < MOST_GUESTS && w->leader.fd < 0; i++) {
        struct guest *g = &w->guest[i];

        if (g->link.fd >= 0)
            serve_guest(w, g, now);
        if (g->link.fd >= 0 && now > g->since + GUEST_SECONDS)
            dismiss(w, g, g->known ? "it said nothing" : "the leader's name leads nowhere");
    }
    if (w->leader.fd < 0 && km_supervisor_got(&w->s, w->at_listen))
        accept_guests(w, now);
    log_refused(w, now);
    if (w->leader.fd >= 0)
        return 0;
    if (w->s.stop) {
        km_fail(verdict, KM_E_SYS,
                "%s: asked to stop while waiting for %s; no row was read, so there "
                "is no model",
                plan->hosts[plan->self], plan->hosts[0]);
        return 1;
    }
    if (now > w->s.started + plan->timeout) {
        km_fail(verdict, KM_E_SYS, "%s: did not come within %.0f s", plan->hosts[0], plan->timeout);
        return 1;
    }
    if (now > w->next_log) {
        km_log(KM_INFO, "waiting for %s (%.0f s of %.0f s)", plan->hosts[0], now - w->s.started,
               plan->timeout);
        w->next_log += KM_WAIT_LOG;
    }
    return 0;
}

static int start_daemon(struct worker *w, const char *line, struct km_err *err)
{
    struct km_environment e = {0};
    struct km_command command;
    struct km_address own;
    char *path = NULL;
    int rc = km_command_parse(&command, line, err);

    if (rc == KM_OK && w->started)
        rc = km_fail(err, KM_E_INPUT, "a second MPI daemon was asked for");
    if (rc == KM_OK && !(path = km_child_find(command.argv[0])))
        rc = km_fail(err, KM_E_SYS, "%s is not in PATH", command.argv[0]);
    if (rc == KM_OK) {
        w->started = 1;
        if (km_net_own(w->leader.fd, &own) || km_net_network(&own, w->s.network))
            w->s.network[0] = 0;
        km_supervisor_environment(&w->s, &e);
        rc = km_child_start(&w->s.child, path, command.argv, &e, err);
    }
    km_environment_done(&e);
    km_command_done(&command);
    km_free(path);
    return rc;
}

static int take_daemon(struct worker *w, struct km_frame *f, struct km_err *err)
{
    char *line = km_alloc(KM_COMMAND_BYTES + 1, 1);
    double after = km_frame_f64(f);
    int rc;

    if (!line)
        return km_fail(err, KM_E_MEM, "no memory for the MPI daemon's command");
    km_frame_text(f, line, KM_COMMAND_BYTES + 1);
    if (km_frame_done(f)) {
        rc = km_fail(err, KM_E_BUG, "the leader's message cannot be understood");
    } else {
        km_log(KM_INFO, "all %zu hosts have met after %.0f s", w->s.plan->n_hosts, after);
        rc = start_daemon(w, line, err);
    }
    km_free(line);
    if (rc) {
        if (rc == KM_E_INPUT)
            err->code = KM_E_SYS; /* not the customer's input */
        km_supervisor_blame(w->s.plan, w->s.plan->hosts[w->s.plan->self], err);
        km_put_reason(&w->leader, KM_MSG_FAIL, err);
        w->told_end = 1;
    }
    return 0;
}

/* A message of the leader; 1: it was the verdict. -1: garbage. */
static int take_message(struct worker *w, struct km_frame *f, struct km_err *verdict)
{
    struct km_rank_state state;
    struct km_err why;
    char text[1200];

    switch (f->type) {
    case KM_MSG_STATE:
        return km_get_state(f, &state);
    case KM_MSG_WAIT:
        km_frame_text(f, text, sizeof(text));
        if (!f->failed)
            km_log(KM_INFO, "%s", text);
        return km_frame_done(f);
    case KM_MSG_DAEMON:
        return take_daemon(w, f, &why);
    case KM_MSG_STOP:
        w->s.stop = 1;
        w->told_stop = 1;
        km_supervisor_stop(&w->s);
        return 0;
    case KM_MSG_END:
        return km_get_reason(f, verdict) ? -1 : 1;
    default:
        return -1;
    }
}

/* What the leader must know at once, and the sign of life. */
static void report(struct worker *w, double now)
{
    struct km_rank_state state = km_supervisor_state(&w->s);
    const struct km_launch *plan = w->s.plan;

    if (w->s.stop && !w->told_stop) {
        w->told_stop = 1;
        km_supervisor_stop(&w->s);
        km_put_nothing(&w->leader, KM_MSG_STOP);
    }
    if (w->s.rank.ended && !w->told_end) {
        w->told_end = 1;
        if (w->s.rank.end.code)
            km_supervisor_blame(plan, plan->hosts[plan->self], &w->s.rank.end);
        km_put_reason(&w->leader, KM_MSG_FAIL, &w->s.rank.end);
    }
    if (w->s.child.ended && !w->told_daemon) {
        w->told_daemon = 1;
        km_put_number(&w->leader, KM_MSG_DAEMON_END, (uint32_t)w->s.child.status);
    }
    if (now < w->next_beat && state.gone == w->told_gone)
        return;
    w->next_beat = now + KM_BEAT_SECONDS;
    w->told_gone = state.gone;
    km_put_state(&w->leader, &state);
}

/* The time with the leader: 1 if this is the job's end. */
static int serve_leader(struct worker *w, double now, struct km_err *verdict)
{
    const char *name = w->s.plan->hosts[0];
    struct km_frame f;
    int over, got;

    over = km_supervisor_got(&w->s, w->at_leader) ? km_link_fill(&w->leader) : 0;
    while ((got = km_link_next(&w->leader, &f)) > 0) {
        int rc = take_message(w, &f, verdict);

        w->heard = now;
        if (rc > 0)
            return 1;
        if (rc < 0) {
            got = -1;
            break;
        }
    }
    report(w, now);
    if (over || got < 0 || km_link_flush(&w->leader)) {
        km_fail(verdict, KM_E_SYS, "%s: the supervisor ended", name);
        return 1;
    }
    if (now > w->heard + KM_SILENT_SECONDS) {
        km_fail(verdict, KM_E_SYS, "%s: not heard from for %.0f s; the host or its network is gone",
                name, KM_SILENT_SECONDS);
        return 1;
    }
    return 0;
}

static int step(struct worker *w, struct km_err *verdict)
{
    double now;

    km_supervisor_watch(&w->s);
    w->at_listen = km_poll_add(&w->s.poll, w->listen_fd, 0);
    w->at_leader = km_poll_add(&w->s.poll, w->leader.fd, km_link_pending(&w->leader));
    for (size_t i = 0; i < MOST_GUESTS; i++) /* who is not known yet is not read from */
        w->guest[i].at = km_poll_add(&w->s.poll, w->guest[i].known ? w->guest[i].link.fd : -1, 0);
    km_supervisor_wait(&w->s);
    km_supervisor_serve(&w->s);
    now = km_now();
    if (w->leader.fd < 0 && await_leader(w, now, verdict))
        return 1;
    return w->leader.fd >= 0 && serve_leader(w, now, verdict);
}

/* All went well: the daemon is about to end, as mpirun has. */
static void let_daemon_end(struct worker *w)
{
    double until = km_now() + KM_END_SECONDS;

    while (w->s.child.pid && !w->s.child.ended && km_now() < until) {
        km_supervisor_watch(&w->s);
        km_supervisor_wait(&w->s);
        km_supervisor_serve(&w->s);
    }
}

int km_worker_run(const struct km_launch *plan, struct km_err *err)
{
    struct worker *w = km_alloc(1, sizeof(*w));
    struct km_err verdict = {0};
    int rc;

    if (!w)
        return km_fail(err, KM_E_MEM, "no memory for a supervisor");
    rc = open_worker(w, plan, &verdict);
    while (rc == KM_OK && !step(w, &verdict))
        continue;
    if (verdict.code)
        km_supervisor_blame(plan, plan->hosts[plan->self], &verdict);
    else
        let_daemon_end(w);
    close_listening(w);
    km_crash_hook(NULL);
    km_link_close(&w->leader);
    km_supervisor_close(&w->s);
    km_free(w->found);
    km_free(w);
    *err = verdict;
    return verdict.code;
}
