/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/leader.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "dist/launch/crashed.h"
#include "dist/launch/judge.h"
#include "dist/launch/mpirun.h"
#include "dist/launch/peer.h"
#include "dist/launch/progress.h"
#include "dist/launch/signals.h"
#include "dist/launch/supervisor.h"

#include <string.h>

#define NAMES_BYTES 1024

/* A worker: what is known of it, the way to it, and the launch agent that waits for its daemon's
 * end. */
struct worker {
    struct leader *leader;
    struct km_host *host;
    struct km_peer peer;
    struct km_caller *agent;
};

struct leader {
    struct km_supervisor s;
    struct km_case c;
    struct km_host *host;
    struct worker *worker; /* worker[0] is only ourselves: its look-up */
    double next_beat;
    int met_all, stop_told;
    struct km_err verdict;
};

/* The next worker behind number i that is connected; 0: there is none. */
static size_t next_met(const struct leader *l, size_t i)
{
    while (++i < l->s.plan->n_hosts)
        if (l->worker[i].peer.phase == KM_MET)
            return i;
    return 0;
}

/* What the handler of a crash knows. */
static struct leader *crashing;

/* In that handler: to the others it is the verdict. */
static void tell_crash(const char *text)
{
    km_signals_kill();
    for (size_t i = 0; (i = next_met(crashing, i)) != 0;)
        km_crashed_tell(crashing->worker[i].peer.link.fd, KM_MSG_END, text);
}

static int open_leader(struct leader *l, const struct km_launch *plan, struct km_err *err)
{
    int rc = km_supervisor_open(&l->s, plan, "mpirun", err);

    if (rc)
        return rc;
    l->host = km_alloc(plan->n_hosts, sizeof(*l->host));
    l->worker = km_alloc(plan->n_hosts, sizeof(*l->worker));
    if (!l->host || !l->worker)
        return km_fail(err, KM_E_MEM, "no memory for %zu hosts", plan->n_hosts);
    l->c = (struct km_case){
        .plan = plan, .host = l->host, .words = l->s.child.first, .death = l->s.child.death};
    for (size_t i = 0; i < plan->n_hosts; i++) {
        l->host[i].name = plan->hosts[i];
        l->worker[i] = (struct worker){.leader = l, .host = &l->host[i]};
        km_peer_open(&l->worker[i].peer, plan, i);
    }
    l->host[0].met = 1;
    l->worker[0].peer.phase = KM_LOST; /* nobody connects to itself */
    crashing = l;
    km_crash_hook(tell_crash);
    return KM_OK;
}

static void close_leader(struct leader *l)
{
    km_crash_hook(NULL);
    for (size_t i = 0; l->worker && i < l->s.plan->n_hosts; i++)
        km_peer_close(&l->worker[i].peer);
    km_free(l->worker);
    km_free(l->host);
    km_supervisor_close(&l->s);
}

static const struct km_address *own_address(const struct leader *l)
{
    return km_net_of_name(l->worker[0].peer.found);
}

static void end_agent(struct km_caller *a, uint32_t code)
{
    km_put_number(&a->link, KM_MSG_STATUS, code);
    km_link_flush(&a->link);
}

static void take_end(struct worker *w, const struct km_err *end, double now)
{
    if (w->host->ended_at > 0)
        return;
    w->host->end = *end;
    w->host->ended_at = now;
    if (end->code)
        km_plan_blame(w->leader->s.plan, w->host->name, &w->host->end);
}

static int take_daemon_end(struct worker *w, struct km_frame *f, double now)
{
    w->host->daemon_status = (int)km_frame_u32(f);
    w->host->daemon_at = now;
    if (w->agent)
        end_agent(w->agent, w->host->daemon_status ? 1 : 0);
    w->agent = NULL;
    return km_frame_done(f);
}

/* A message of a worker that we have met. 0, or -1: garbage. */
static int take_message(struct worker *w, struct km_frame *f, double now)
{
    struct km_host *h = w->host;
    struct km_err end;

    switch (f->type) {
    case KM_MSG_STATE:
        if (km_get_state(f, &h->rank))
            return -1;
        if (h->rank.gone && h->gone_at == 0)
            h->gone_at = now;
        return 0;
    case KM_MSG_FAIL:
        if (km_get_reason(f, &end))
            return -1;
        take_end(w, &end, now);
        return 0;
    case KM_MSG_DAEMON_END:
        return take_daemon_end(w, f, now);
    case KM_MSG_STOP:
        if (!w->leader->s.stop)
            km_log(KM_INFO, "%s was asked to stop", h->name);
        w->leader->s.stop = 1;
        return 0;
    default:
        return -1;
    }
}

static int take(void *worker, struct km_frame *f)
{
    struct worker *w = worker;

    w->host->heard = km_now();
    if (w->peer.phase == KM_MET)
        return take_message(w, f, w->host->heard);
    if (km_peer_answer(&w->peer, f))
        return -1;
    w->host->met = w->peer.phase == KM_MET;
    return 0;
}

static void lose(struct km_peer *p)
{
    km_link_close(&p->link);
    p->phase = KM_LOST;
}

static void serve_worker(struct worker *w)
{
    struct km_peer *p = &w->peer;

    if (w->agent && w->agent->asked != 2) /* it left, and its place is free or another's */
        w->agent = NULL;
    if ((p->phase != KM_GREETED && p->phase != KM_MET) || km_link_serve(&p->link, take, w) == 0)
        return;
    if (p->phase == KM_MET) {
        lose(p);
        w->host->lost_at = km_now();
    } else if (p->phase == KM_GREETED) {
        km_peer_part(p, "it closed the connection");
    }
}

static void serve_lookups(struct leader *l, double now)
{
    struct km_lookup *f;

    while ((f = km_lookup_next(l->s.lookups[0])) != NULL)
        km_peer_found(&l->worker[f->id].peer, f, own_address(l));
    if (!l->worker[0].peer.found)
        km_peer_look_up(&l->worker[0].peer, l->s.lookups[1], now);
}

/* A launch agent has called: its command goes to the worker, once. */
static void hand_over(struct leader *l, struct km_caller *a)
{
    struct worker *w;

    a->asked = 2;
    for (size_t i = 0; (i = next_met(l, i)) != 0;) {
        w = &l->worker[i];
        if (strcmp(w->host->name, a->host) != 0 || w->agent)
            continue;
        km_link_begin(&w->peer.link, KM_MSG_DAEMON);
        km_link_put_f64(&w->peer.link, l->c.launched - l->s.started);
        km_link_put_text(&w->peer.link, a->command);
        km_link_end(&w->peer.link);
        km_link_flush(&w->peer.link);
        w->agent = a;
        return;
    }
    l->host[0].ended_at = km_now();
    km_fail(&l->host[0].end, KM_E_BUG,
            "%s: mpirun wants a daemon on %s, which is no other host of the job, or has one",
            l->host[0].name, a->host);
    end_agent(a, 1);
}

static void serve_agents(struct leader *l)
{
    for (size_t i = 0; i < l->s.n_callers; i++)
        if (l->s.caller[i].link.fd >= 0 && l->s.caller[i].asked == 1)
            hand_over(l, &l->s.caller[i]);
}

static int launch(struct leader *l)
{
    l->met_all = 1;
    l->c.launched = km_now();
    km_log(KM_INFO, "all %zu hosts have met after %.0f s", l->s.plan->n_hosts,
           l->c.launched - l->s.started);
    return km_mpirun_start(&l->s, own_address(l), l->worker[1].peer.link.fd, &l->verdict) != KM_OK;
}

/* The first host that is missing, with why, and the others. */
static void did_not_come(struct leader *l)
{
    const struct worker *first = l->worker + 1;
    const char *why;
    char names[NAMES_BYTES];

    while (first->host->met)
        first++;
    km_case_missing(&l->c, first->host, names, sizeof(names));
    why = first->peer.why;
    km_fail(&l->verdict, KM_E_SYS, "%s: did not come within %.0f s%s%s%s%s%s", first->host->name,
            l->s.plan->timeout, why[0] ? " (" : "", why, why[0] ? ")" : "",
            names[0] ? ", nor did " : "", names);
}

static void advance(struct leader *l, double now)
{
    if (!l->worker[0].peer.found && now < l->s.started + KM_OWN_NAME_SECONDS)
        return;
    for (size_t i = 1; i < l->s.plan->n_hosts; i++)
        km_peer_advance(&l->worker[i].peer, l->s.lookups[1], now);
}

/* The time before mpirun: 1 if this is the job's end. */
static int meet(struct leader *l, double now)
{
    char names[NAMES_BYTES], line[KM_WAIT_LINE];

    advance(l, now);
    if (km_case_missing(&l->c, NULL, names, sizeof(names)) == 0)
        return launch(l);
    if (km_supervisor_await(&l->s, names, now, line, &l->verdict))
        return 1;
    for (size_t i = 0; line[0] && (i = next_met(l, i)) != 0;)
        km_put_text(&l->worker[i].peer.link, KM_MSG_WAIT, line);
    if (now < l->s.started + l->s.plan->timeout)
        return 0;
    did_not_come(l);
    return 1;
}

/* What this host's own rank and mpirun have done. */
static void look_at_ourselves(struct leader *l, double now)
{
    struct km_host *h = &l->host[0];

    h->heard = now;
    h->rank = km_supervisor_state(&l->s);
    if (h->rank.gone && h->gone_at == 0)
        h->gone_at = km_now(); /* after what the others said in this turn: they are farther away */
    if (l->s.rank.ended)
        take_end(&l->worker[0], &l->s.rank.end, now);
    if (l->s.child.ended && h->daemon_at == 0) {
        h->daemon_at = now;
        h->daemon_status = l->s.child.status;
    }
}

static void tell_stop(struct leader *l, double now)
{
    if (!l->s.stop || l->stop_told)
        return;
    l->stop_told = 1;
    l->c.stopped = now;
    km_supervisor_stop(&l->s);
    for (size_t i = 0; (i = next_met(l, i)) != 0;)
        km_put_nothing(&l->worker[i].peer.link, KM_MSG_STOP);
}

/* Once a second: signs of life, and who is stuck or slow. 1 if somebody is given up. */
static int beat(struct leader *l, double now)
{
    struct km_rank_state none = {0};
    char text[600];

    if (!km_due(&l->next_beat, now, KM_BEAT_SECONDS))
        return 0;
    for (size_t i = 0; (i = next_met(l, i)) != 0;)
        km_put_state(&l->worker[i].peer.link, &none);
    if (km_progress_slow(&l->c, now, text, sizeof(text)))
        km_log(KM_WARNING, "%s", text);
    return km_progress_stall(&l->c, now, &l->verdict);
}

/* Waits until something comes, and takes it; the time after it. */
static double hear(struct leader *l)
{
    double now;

    for (size_t i = 1; i < l->s.plan->n_hosts; i++) {
        struct km_peer *p = &l->worker[i].peer;

        km_poll_add(&l->s.poll, p->link.fd, p->phase == KM_CONNECTING || km_link_pending(&p->link));
    }
    km_supervisor_turn(&l->s);
    now = km_now();
    serve_lookups(l, now);
    for (size_t i = 1; i < l->s.plan->n_hosts; i++)
        serve_worker(&l->worker[i]);
    return now;
}

static int step(struct leader *l)
{
    double now = hear(l);
    int over;

    look_at_ourselves(l, now);
    serve_agents(l);
    over = km_judge(&l->c, now, &l->verdict) || (!l->met_all && meet(l, now));
    tell_stop(l, now);
    return over || beat(l, now);
}

static int ignore(void *arg, struct km_frame *f)
{
    (void)arg, (void)f;
    return 0;
}

/* Tells the verdict to all that are there, and waits until they have taken it: they close. */
static void tell_end(struct leader *l)
{
    double until = km_now() + KM_LAST_WORD_MS / 1000.0;

    for (size_t i = 0; (i = next_met(l, i)) != 0;)
        km_put_reason(&l->worker[i].peer.link, KM_MSG_END, &l->verdict);
    while (next_met(l, 0) && km_now() < until) {
        for (size_t i = 0; (i = next_met(l, i)) != 0;) {
            struct km_peer *p = &l->worker[i].peer;

            if (km_link_serve(&p->link, ignore, NULL))
                lose(p);
            else
                km_poll_link(&l->s.poll, &p->link);
        }
        km_poll_wait(&l->s.poll);
    }
}

/* The job is over before all have met: who comes a little later is told, too, and need not wait for
 * us until its limit. */
static void tell_late(struct leader *l)
{
    double now = km_now(), until = now + (l->s.stop ? KM_STOPPED_SECONDS : KM_LATE_SECONDS);
    char names[NAMES_BYTES];

    if (l->met_all || now >= l->s.started + l->s.plan->timeout)
        return;
    while (km_case_missing(&l->c, NULL, names, sizeof(names)) && now < until) {
        advance(l, now);
        now = hear(l);
    }
    tell_end(l);
}

int km_leader_run(const struct km_launch *plan, struct km_err *err)
{
    struct leader l = {0};
    int rc = open_leader(&l, plan, &l.verdict);

    while (rc == KM_OK && !step(&l))
        continue;
    if (l.verdict.code)
        km_plan_blame(plan, plan->hosts[0], &l.verdict);
    if (rc == KM_OK) {
        tell_end(&l);
        tell_late(&l);
    }
    close_leader(&l);
    *err = l.verdict;
    return err->code;
}
