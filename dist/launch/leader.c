/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor of the first host. It meets the others, starts mpirun, hands mpirun's daemons to
 * them, hears how all are, and decides how the job ended, for all.
 */
#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "dist/launch/crashed.h"
#include "dist/launch/judge.h"
#include "dist/launch/supervisor.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RETRY_SECONDS   1.0  /* between two tries to reach a worker */
#define CONNECT_SECONDS 5.0  /* for a connection and the answer to the greeting */
#define LATE_SECONDS    5.0  /* for hosts that come after the end, to be told */
#define STOPPED_SECONDS 2.0  /* the same after a stop, which mostly all are told by themselves */
#define OWN_SECONDS     3.0  /* for our own name's look-up, before we go on without */
#define MOST_BYTES      4096 /* of a message from a worker */

enum phase { APART, CONNECTING, GREETED, MET };

/* The way to a worker. */
struct peer {
    enum phase phase;
    struct km_link link;
    struct km_lookup *found;
    int looking;        /* a look-up is under way */
    size_t try;         /* which address is next */
    double next, since; /* when to try again; when the present try began */
    char why[128];      /* what the last try ended with */
    struct km_caller *agent;
    int at;
};

struct leader {
    struct km_supervisor s;
    struct km_case c;
    struct km_host *host;
    struct peer *peer; /* peer[0] is only ourselves: its look-up */
    char *missing;     /* (n_hosts + 1) for km_supervisor_names */
    double next_log, next_beat;
    int met_all, stop_told;
};

/* What the handler of a crash knows. */
static struct leader *crashing;

/* In that handler: to the others it is the verdict. */
static void tell_crash(const char *text)
{
    km_supervisor_kill();
    for (size_t i = 1; i < crashing->s.plan->n_hosts; i++)
        if (crashing->peer[i].phase == MET)
            km_crashed_tell(crashing->peer[i].link.fd, KM_MSG_END, text);
}

static int open_leader(struct leader *l, const struct km_launch *plan, struct km_err *err)
{
    int rc = km_supervisor_open(&l->s, plan, err);

    if (rc)
        return rc;
    l->host = km_alloc(plan->n_hosts, sizeof(*l->host));
    l->peer = km_alloc(plan->n_hosts, sizeof(*l->peer));
    l->missing = km_alloc(plan->n_hosts + 1, 1);
    if (!l->host || !l->peer || !l->missing)
        return km_fail(err, KM_E_MEM, "no memory for %zu hosts", plan->n_hosts);
    l->c = (struct km_case){
        .plan = plan, .host = l->host, .words = l->s.child.first, .death = l->s.child.death};
    for (size_t i = 0; i < plan->n_hosts; i++) {
        l->host[i].name = plan->hosts[i];
        l->peer[i].link.fd = -1;
    }
    l->host[0].met = 1;
    l->next_log = l->s.started + KM_WAIT_LOG;
    l->s.child.name = "mpirun";
    crashing = l;
    km_crash_hook(tell_crash);
    return KM_OK;
}

static void close_leader(struct leader *l)
{
    km_crash_hook(NULL);
    for (size_t i = 0; l->peer && i < l->s.plan->n_hosts; i++) {
        km_link_close(&l->peer[i].link);
        km_free(l->peer[i].found);
    }
    km_free(l->peer);
    km_free(l->host);
    km_free(l->missing);
    km_supervisor_close(&l->s);
}

/* Our own address, if our name leads to one of this host; a loopback only if nothing else. */
static const struct km_address *own_address(const struct leader *l)
{
    const struct km_lookup *f = l->peer[0].found;
    const struct km_address *best = NULL;

    for (size_t i = 0; f && i < f->n; i++)
        if (km_net_is_local(&f->address[i]) && (!best || km_address_is_loopback(best)))
            best = &f->address[i];
    return best;
}

static void part(struct peer *p, const char *why)
{
    km_link_close(&p->link);
    p->phase = APART;
    p->next = km_now() + RETRY_SECONDS;
    snprintf(p->why, sizeof(p->why), "%s", why);
}

/* Begins to connect to the next address of a worker. */
static void connect_peer(struct leader *l, struct peer *p)
{
    const struct km_address *to = &p->found->address[p->try++ % p->found->n];
    const struct km_address *own = own_address(l);
    int fd;

    if (own && km_address_is_loopback(own) != km_address_is_loopback(to))
        own = NULL;
    fd = km_net_connect(to, l->s.plan->port, own);
    p->since = km_now();
    if (fd < 0) {
        part(p, "it cannot be reached");
        return;
    }
    km_link_open(&p->link, fd, MOST_BYTES);
    p->phase = CONNECTING;
}

static void greet(struct leader *l, size_t i)
{
    const struct km_launch *plan = l->s.plan;
    struct km_greeting g = {.version = KM_VERSION,
                            .hosts = km_hosts_hash(plan->hosts, plan->n_hosts)};

    snprintf(g.leader, sizeof(g.leader), "%s", plan->hosts[0]);
    snprintf(g.worker, sizeof(g.worker), "%s", plan->hosts[i]);
    km_put_greeting(&l->peer[i].link, &g);
    l->peer[i].phase = GREETED;
}

/* A worker that is not met yet: looks its name up for each try, connects, greets. */
static void advance(struct leader *l, size_t i, double now)
{
    struct peer *p = &l->peer[i];
    int wait_for_own = !l->peer[0].found && now < l->s.started + OWN_SECONDS;

    if (p->phase == APART && now >= p->next && !p->looking && !wait_for_own) {
        p->looking = km_lookup_start(l->s.lookups[1], i, l->s.plan->hosts[i]) == 0;
        p->next = now + RETRY_SECONDS;
    }
    if (p->phase == CONNECTING && km_supervisor_got(&l->s, p->at)) {
        int code = km_net_connected(p->link.fd);

        if (code)
            part(p, strerror(code));
        else if (l->s.poll.fd[p->at].revents & POLLOUT)
            greet(l, i);
    }
    if ((p->phase == CONNECTING || p->phase == GREETED) && now > p->since + CONNECT_SECONDS)
        part(p, "it does not answer");
}

static void serve_lookups(struct leader *l)
{
    struct km_lookup *f;

    while ((f = km_lookup_next(l->s.lookups[0])) != NULL) {
        struct peer *p = &l->peer[f->id];

        p->looking = 0;
        km_free(p->found);
        p->found = f;
        if (f->id == 0)
            continue;
        if (f->n == 0)
            snprintf(p->why, sizeof(p->why), "%s", f->why);
        else if (p->phase == APART)
            connect_peer(l, p);
    }
    if (!l->peer[0].found && !l->peer[0].looking)
        l->peer[0].looking = km_lookup_start(l->s.lookups[1], 0, l->s.plan->hosts[0]) == 0;
}

/* The answer to a greeting. */
static int take_answer(struct leader *l, size_t i, struct km_frame *f)
{
    struct peer *p = &l->peer[i];
    char text[256];

    if (f->type == KM_MSG_WELCOME && km_frame_done(f) == 0) {
        p->phase = MET;
        l->host[i].met = 1;
        return 0;
    }
    if (f->type == KM_MSG_REFUSE) {
        km_frame_text(f, text, sizeof(text));
        km_log(KM_WARNING, "%s refused our connection: this host %s", l->host[i].name, text);
        part(p, "it refused");
        p->next += 4 * RETRY_SECONDS;
        return 0;
    }
    return -1;
}

static void end_agent(struct peer *p, uint32_t code)
{
    if (!p->agent)
        return;
    km_put_number(&p->agent->link, KM_MSG_STATUS, code);
    km_link_flush(&p->agent->link);
    p->agent = NULL;
}

/* A message of a worker that we have met. 0, or -1: garbage. */
static int take_message(struct leader *l, size_t i, struct km_frame *f, double now)
{
    struct km_host *h = &l->host[i];
    int bad = -1;

    if (f->type == KM_MSG_STATE) {
        bad = km_get_state(f, &h->rank);
        if (h->rank.gone && h->gone_at == 0)
            h->gone_at = now;
    } else if (f->type == KM_MSG_FAIL) {
        struct km_err end;

        bad = km_get_reason(f, &end);
        if (h->ended_at == 0 && !bad) {
            h->end = end;
            h->ended_at = now;
            if (end.code)
                km_supervisor_blame(l->s.plan, h->name, &h->end);
        }
    } else if (f->type == KM_MSG_DAEMON_END) {
        h->daemon_status = (int)km_frame_u32(f);
        h->daemon_at = now;
        bad = km_frame_done(f);
        end_agent(&l->peer[i], h->daemon_status ? 1 : 0);
    } else if (f->type == KM_MSG_STOP) {
        if (!l->s.stop)
            km_log(KM_INFO, "%s was asked to stop", h->name);
        l->s.stop = 1;
        bad = 0;
    }
    return bad;
}

static void serve_peer(struct leader *l, size_t i, double now)
{
    struct peer *p = &l->peer[i];
    struct km_frame f;
    int over, got = 0;

    if ((p->phase != GREETED && p->phase != MET))
        return;
    over = km_supervisor_got(&l->s, p->at) ? km_link_fill(&p->link) : 0;
    while (p->link.fd >= 0 && (got = km_link_next(&p->link, &f)) > 0) {
        l->host[i].heard = now;
        if (p->phase == MET ? take_message(l, i, &f, now) : take_answer(l, i, &f)) {
            got = -1;
            break;
        }
    }
    if (p->link.fd < 0 || (!over && got >= 0 && km_link_flush(&p->link) == 0))
        return;
    if (p->phase == MET) {
        km_link_close(&p->link);
        l->host[i].lost_at = now;
    } else {
        part(p, "it closed the connection");
    }
}

/* A launch agent has called: its command goes to the worker, once. */
static void hand_over(struct leader *l, struct km_caller *a)
{
    for (size_t i = 1; i < l->s.plan->n_hosts; i++) {
        struct peer *p = &l->peer[i];

        if (strcmp(l->s.plan->hosts[i], a->host) != 0 || p->agent || p->phase != MET)
            continue;
        km_link_begin(&p->link, KM_MSG_DAEMON);
        km_link_put_f64(&p->link, l->c.launched - l->s.started);
        km_link_put_text(&p->link, a->command);
        km_link_end(&p->link);
        km_link_flush(&p->link);
        p->agent = a;
        a->asked = 2;
        return;
    }
    l->host[0].ended_at = km_now();
    km_fail(&l->host[0].end, KM_E_BUG,
            "%s: mpirun wants a daemon on %s, which is no other host of the job, or has one",
            l->host[0].name, a->host);
    km_put_number(&a->link, KM_MSG_STATUS, 1);
    km_link_flush(&a->link);
    a->asked = 2;
}

static void serve_agents(struct leader *l)
{
    for (size_t i = 0; i < l->s.n_callers; i++)
        if (l->s.caller[i].link.fd >= 0 && l->s.caller[i].asked == 1)
            hand_over(l, &l->s.caller[i]);
    for (size_t i = 1; i < l->s.plan->n_hosts; i++)
        if (l->peer[i].agent && (l->peer[i].agent->link.fd < 0 || l->peer[i].agent->asked != 2))
            l->peer[i].agent = NULL;
}

/* The network that MPI is to use: of our address, of the named interface, or of the connections. */
static void find_network(const struct leader *l, char out[KM_NETWORK_TEXT])
{
    const struct km_address *own = own_address(l);
    struct km_address used, named;
    int has_used = km_net_own(l->peer[1].link.fd, &used) == 0;
    const char *interface = l->s.plan->interface;

    out[0] = 0;
    if (own && has_used && km_address_is_loopback(own) && !km_address_is_loopback(&used))
        own = NULL;
    if (own && km_net_network(own, out) == 0)
        return;
    if (interface && km_net_of_interface(interface, &named) == 0 &&
        km_net_network(&named, out) == 0)
        return;
    if (!has_used || km_net_network(&used, out))
        out[0] = 0;
}

/*
 * "localhost:1,algo-2:1": one rank on each host, in this order. The leader goes by a name that mpirun
 * knows as its own even where the real one leads to no address of this host.
 */
static char *host_list(const struct km_launch *plan)
{
    size_t n = sizeof("localhost:1,"), used = 0;
    char *list;

    for (size_t i = 1; i < plan->n_hosts; i++)
        n += strlen(plan->hosts[i]) + 3;
    list = km_alloc(n, 1);
    for (size_t i = 0; list && i < plan->n_hosts; i++)
        used += (size_t)snprintf(list + used, n - used, "%s%s:1", i ? "," : "",
                                 i ? plan->hosts[i] : "localhost");
    return list;
}

static void agent_environment(const struct leader *l, struct km_environment *e)
{
    char agent[sizeof(l->s.exe) + 16], hosts[32];

    snprintf(agent, sizeof(agent), "%s launch-agent", l->s.exe);
    snprintf(hosts, sizeof(hosts), "%zu", l->s.plan->n_hosts);
    km_environment_set(e, "OMPI_MCA_plm_rsh_agent", agent);
    km_environment_set(e, "OMPI_MCA_plm_rsh_no_tree_spawn", "1");
    km_environment_set(e, "OMPI_MCA_plm_rsh_num_concurrent", hosts);
    km_environment_set(e, "PRTE_MCA_plm_ssh_agent", agent);
    km_environment_set(e, "PRTE_MCA_plm_ssh_no_tree_spawn", "1");
    km_environment_set(e, "PRTE_MCA_plm_ssh_num_concurrent", hosts);
}

static int launch(struct leader *l, struct km_err *err)
{
    char *hosts = host_list(l->s.plan), *mpirun = km_child_find("mpirun");
    char count[32];
    struct km_environment e = {0};
    char *argv[] = {"mpirun", "--host", hosts, "-np",    count,   "--bind-to",
                    "none",   "--wdir", "/",   l->s.exe, "train", NULL};
    int rc;

    snprintf(count, sizeof(count), "%zu", l->s.plan->n_hosts);
    find_network(l, l->s.network);
    km_supervisor_environment(&l->s, &e);
    agent_environment(l, &e);
    l->c.launched = km_now();
    km_log(KM_INFO, "all %zu hosts have met after %.0f s", l->s.plan->n_hosts,
           l->c.launched - l->s.started);
    if (!hosts)
        rc = km_fail(err, KM_E_MEM, "no memory for the names of %zu hosts", l->s.plan->n_hosts);
    else if (!mpirun)
        rc = km_fail(err, KM_E_SYS, "%s: mpirun is not in PATH", l->host[0].name);
    else
        rc = km_child_start(&l->s.child, mpirun, argv, &e, err);
    km_environment_done(&e);
    km_free(hosts);
    km_free(mpirun);
    return rc;
}

/* Fills `missing` and tells how many hosts have not come. */
static size_t count_missing(struct leader *l)
{
    size_t n = 0;

    for (size_t i = 0; i < l->s.plan->n_hosts; i++) {
        l->missing[i] = (char)!l->host[i].met;
        n += !l->host[i].met;
    }
    return n;
}

static void log_waiting(struct leader *l, double now)
{
    char names[1024], text[1200];

    if (now < l->next_log)
        return;
    l->next_log += KM_WAIT_LOG;
    km_supervisor_names(l->s.plan, l->missing, names, sizeof(names));
    snprintf(text, sizeof(text), "waiting for %s (%.0f s of %.0f s)", names, now - l->s.started,
             l->s.plan->timeout);
    km_log(KM_INFO, "%s", text);
    for (size_t i = 1; i < l->s.plan->n_hosts; i++)
        if (l->peer[i].phase == MET)
            km_put_text(&l->peer[i].link, KM_MSG_WAIT, text);
}

/* The time before mpirun: 1 if this is the job's end. */
static int meet(struct leader *l, double now, struct km_err *verdict)
{
    size_t missing, first = 1;
    char names[512];

    for (size_t i = 1; i < l->s.plan->n_hosts; i++)
        advance(l, i, now);
    missing = count_missing(l);
    if (missing == 0) {
        l->met_all = 1;
        return launch(l, verdict) != KM_OK;
    }
    log_waiting(l, now);
    while (!l->missing[first])
        first++;
    if (l->s.stop) {
        km_supervisor_names(l->s.plan, l->missing, names, sizeof(names));
        km_fail(verdict, KM_E_SYS,
                "%s: asked to stop while waiting for %s; no row was read, so there "
                "is no model",
                l->host[0].name, names);
        return 1;
    }
    if (now < l->s.started + l->s.plan->timeout)
        return 0;
    l->missing[first] = 0;
    km_supervisor_names(l->s.plan, l->missing, names, sizeof(names));
    km_fail(verdict, KM_E_SYS, "%s: did not come within %.0f s%s%s%s%s%s", l->host[first].name,
            l->s.plan->timeout, l->peer[first].why[0] ? " (" : "", l->peer[first].why,
            l->peer[first].why[0] ? ")" : "", names[0] ? ", nor did " : "", names);
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
    if (l->s.rank.ended && h->ended_at == 0) {
        h->end = l->s.rank.end;
        h->ended_at = now;
        if (h->end.code)
            km_supervisor_blame(l->s.plan, h->name, &h->end);
    }
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
    for (size_t i = 1; i < l->s.plan->n_hosts; i++)
        if (l->peer[i].phase == MET)
            km_put_nothing(&l->peer[i].link, KM_MSG_STOP);
}

/* Once a second: signs of life, and who is stuck or slow. 1 if somebody is given up. */
static int beat(struct leader *l, double now, struct km_err *verdict)
{
    struct km_rank_state none = {0};
    char text[600];

    if (now < l->next_beat)
        return 0;
    l->next_beat = now + KM_BEAT_SECONDS;
    for (size_t i = 1; i < l->s.plan->n_hosts; i++)
        if (l->peer[i].phase == MET && l->peer[i].link.fd >= 0)
            km_put_state(&l->peer[i].link, &none);
    if (km_judge_slow(&l->c, now, text, sizeof(text)))
        km_log(KM_WARNING, "%s", text);
    return km_judge_stall(&l->c, now, verdict);
}

/* Waits until something comes, and takes it; the time after it. */
static double hear(struct leader *l)
{
    double now;

    km_supervisor_watch(&l->s);
    for (size_t i = 1; i < l->s.plan->n_hosts; i++) {
        struct peer *p = &l->peer[i];

        p->at = km_poll_add(&l->s.poll, p->link.fd,
                            p->phase == CONNECTING || km_link_pending(&p->link));
    }
    km_supervisor_wait(&l->s);
    km_supervisor_serve(&l->s);
    now = km_now();
    if (!l->met_all || km_supervisor_got(&l->s, l->s.at_lookups))
        serve_lookups(l);
    for (size_t i = 1; i < l->s.plan->n_hosts; i++)
        serve_peer(l, i, now);
    return now;
}

static int step(struct leader *l, struct km_err *verdict)
{
    double now = hear(l);
    int over;

    look_at_ourselves(l, now);
    serve_agents(l);
    over = km_judge(&l->c, now, verdict) || (!l->met_all && meet(l, now, verdict));
    tell_stop(l, now);
    return over || beat(l, now, verdict);
}

/* Tells the verdict to all that are there, and waits until they have taken it. */
static void tell_end(struct leader *l, const struct km_err *verdict)
{
    double until = km_now() + KM_END_SECONDS;
    size_t left;

    for (size_t i = 1; i < l->s.plan->n_hosts; i++)
        if (l->peer[i].phase == MET && l->peer[i].link.fd >= 0)
            km_put_reason(&l->peer[i].link, KM_MSG_END, verdict);
    do {
        l->s.poll.n = left = 0;
        for (size_t i = 1; i < l->s.plan->n_hosts; i++) {
            struct peer *p = &l->peer[i];

            if (p->phase != MET || p->link.fd < 0)
                continue;
            if (km_link_flush(&p->link) || km_link_fill(&p->link)) {
                km_link_close(&p->link);
                continue;
            }
            while (km_link_next(&p->link, &(struct km_frame){0}) > 0)
                continue; /* what it still had to say */
            left++;
            km_poll_add(&l->s.poll, p->link.fd, km_link_pending(&p->link));
        }
        if (left)
            km_supervisor_wait(&l->s);
    } while (left && km_now() < until);
}

/* The job is over before all have met: who comes a little later is told, too, and need not wait for us
 * until its limit. */
static void tell_late(struct leader *l, const struct km_err *verdict)
{
    double now = km_now(), until = now + (l->s.stop ? STOPPED_SECONDS : LATE_SECONDS);

    if (l->met_all || now >= l->s.started + l->s.plan->timeout)
        return;
    while (count_missing(l) && now < until) {
        for (size_t i = 1; i < l->s.plan->n_hosts; i++)
            if (!l->host[i].met)
                advance(l, i, now);
        now = hear(l);
    }
    tell_end(l, verdict);
}

int km_leader_run(const struct km_launch *plan, struct km_err *err)
{
    struct leader l = {0};
    struct km_err verdict = {0};
    int rc = open_leader(&l, plan, &verdict);

    while (rc == KM_OK && !step(&l, &verdict))
        continue;
    if (verdict.code)
        km_supervisor_blame(plan, plan->hosts[0], &verdict);
    if (rc == KM_OK) {
        tell_end(&l, &verdict);
        tell_late(&l, &verdict);
    }
    close_leader(&l);
    *err = verdict;
    return verdict.code;
}
