/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/worker.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "dist/launch/command.h"
#include "dist/launch/crashed.h"
#include "dist/launch/door.h"
#include "dist/launch/judge.h"
#include "dist/launch/signals.h"
#include "dist/launch/supervisor.h"

#include <string.h>

#define LEADER_BYTES (KM_COMMAND_BYTES + 64) /* of a message from the leader */

struct worker {
    struct km_supervisor s;
    const char *name;
    struct km_door door;
    struct km_link link;   /* to the leader; fd -1 until we have met */
    struct km_host leader; /* what is known of its supervisor */
    double next_beat;
    int started; /* the daemon was */
    int told_end, told_gone, told_daemon, told_stop;
    int judged; /* the leader has sent the verdict */
    struct km_err verdict;
};

/* What the handler of a crash knows. */
static struct worker *crashing;

/* In that handler: the leader judges by it. */
static void tell_crash(const char *text)
{
    km_signals_kill();
    km_crashed_tell(crashing->link.fd, KM_MSG_FAIL, text);
}

static int open_worker(struct worker *w, const struct km_launch *plan, struct km_err *err)
{
    int rc;

    w->name = plan->hosts[plan->self];
    w->leader.name = plan->hosts[0];
    w->link.fd = -1;
    km_door_init(&w->door, plan);
    rc = km_supervisor_open(&w->s, plan, "MPI daemon", err);
    crashing = w;
    km_crash_hook(tell_crash);
    return rc ? rc : km_door_open(&w->door, err);
}

/* The time before the leader has come: 1 if this is the job's end. */
static int await_leader(struct worker *w, double now)
{
    const struct km_launch *plan = w->s.plan;
    char line[KM_WAIT_LINE];

    if (km_door_serve(&w->door, w->s.lookups, now, &w->link)) {
        w->link.most = LEADER_BYTES;
        w->leader.heard = now;
        km_put_nothing(&w->link, KM_MSG_WELCOME);
        km_door_close(&w->door);
        km_log(KM_INFO, "%s has come", w->leader.name);
        return 0;
    }
    if (km_supervisor_await(&w->s, w->leader.name, now, line, &w->verdict))
        return 1;
    if (now <= w->s.started + plan->timeout)
        return 0;
    km_fail(&w->verdict, KM_E_SYS, "%s: did not come within %.0f s", w->leader.name, plan->timeout);
    return 1;
}

static int start_daemon(struct worker *w, const char *line, struct km_err *err)
{
    struct km_command command;
    struct km_address own;
    int rc = km_command_parse(&command, line, err);

    if (rc == KM_OK && w->started)
        rc = km_fail(err, KM_E_INPUT, "a second MPI daemon was asked for");
    if (rc == KM_OK) {
        w->started = 1;
        if (km_net_own(w->link.fd, &own) || km_net_network(&own, w->s.network))
            w->s.network[0] = 0;
        rc = km_supervisor_start(&w->s, command.argv, NULL, err);
    }
    km_command_done(&command);
    return rc;
}

/* The reason, 0 with code KM_OK, why this host's part has ended. */
static void tell_end(struct worker *w, struct km_err *end)
{
    w->told_end = 1;
    if (end->code)
        km_plan_blame(w->s.plan, w->name, end);
    km_put_reason(&w->link, KM_MSG_FAIL, end);
}

static void take_daemon(struct worker *w, struct km_frame *f)
{
    char *line = km_alloc(KM_COMMAND_BYTES + 1, 1);
    double after = km_frame_f64(f);
    struct km_err err = {0};

    if (line)
        km_frame_text(f, line, KM_COMMAND_BYTES + 1);
    if (!line) {
        km_fail(&err, KM_E_MEM, "no memory for the MPI daemon's command");
    } else if (km_frame_done(f)) {
        km_fail(&err, KM_E_BUG, "the leader's message cannot be understood");
    } else {
        km_log(KM_INFO, "all %zu hosts have met after %.0f s", w->s.plan->n_hosts, after);
        start_daemon(w, line, &err);
    }
    km_free(line);
    if (err.code == KM_E_INPUT)
        err.code = KM_E_SYS; /* not the customer's input */
    if (err.code)
        tell_end(w, &err);
}

/* A message of the leader: 0, or -1: garbage, or the verdict. */
static int take(void *worker, struct km_frame *f)
{
    struct worker *w = worker;
    struct km_rank_state state;
    char text[KM_WAIT_LINE];

    w->leader.heard = km_now();
    switch (f->type) {
    case KM_MSG_STATE:
        return km_get_state(f, &state);
    case KM_MSG_WAIT:
        km_frame_text(f, text, sizeof(text));
        if (!f->failed)
            km_log(KM_INFO, "%s", text);
        return km_frame_done(f);
    case KM_MSG_DAEMON:
        take_daemon(w, f);
        return 0;
    case KM_MSG_STOP:
        w->s.stop = w->told_stop = 1;
        km_supervisor_stop(&w->s);
        return 0;
    case KM_MSG_END:
        w->judged = km_get_reason(f, &w->verdict) == 0;
        return -1;
    default:
        return -1;
    }
}

/* What the leader must know at once, and the sign of life. */
static void report(struct worker *w, double now)
{
    struct km_rank_state state = km_supervisor_state(&w->s);

    if (w->s.stop && !w->told_stop) {
        w->told_stop = 1;
        km_supervisor_stop(&w->s);
        km_put_nothing(&w->link, KM_MSG_STOP);
    }
    if (w->s.rank.ended && !w->told_end)
        tell_end(w, &w->s.rank.end);
    if (w->s.child.ended && !w->told_daemon) {
        w->told_daemon = 1;
        km_put_number(&w->link, KM_MSG_DAEMON_END, (uint32_t)w->s.child.status);
    }
    if (!km_due(&w->next_beat, now, KM_BEAT_SECONDS) && state.gone == w->told_gone)
        return;
    w->told_gone = state.gone;
    km_put_state(&w->link, &state);
}

/* The time with the leader: 1 if this is the job's end. */
static int serve_leader(struct worker *w, double now)
{
    if (km_link_serve(&w->link, take, w))
        w->leader.lost_at = now;
    if (w->judged)
        return 1;
    report(w, now);
    if (w->leader.lost_at == 0 && km_link_flush(&w->link))
        w->leader.lost_at = now;
    return km_judge_link(&w->leader, now, &w->verdict);
}

static int step(struct worker *w)
{
    double now;

    km_door_watch(&w->door, &w->s.poll);
    km_poll_link(&w->s.poll, &w->link);
    km_supervisor_turn(&w->s);
    now = km_now();
    if (w->link.fd < 0 && await_leader(w, now))
        return 1;
    return w->link.fd >= 0 && serve_leader(w, now);
}

/* All went well: the daemon is about to end, as mpirun has. */
static void let_daemon_end(struct worker *w)
{
    double until = km_now() + KM_LAST_WORD_MS / 1000.0;

    while (w->s.child.pid && !w->s.child.ended && km_now() < until)
        km_supervisor_turn(&w->s);
}

int km_worker_run(const struct km_launch *plan, struct km_err *err)
{
    struct worker *w = km_alloc(1, sizeof(*w));
    int rc;

    if (!w)
        return km_fail(err, KM_E_MEM, "no memory for a supervisor");
    rc = open_worker(w, plan, &w->verdict);
    while (rc == KM_OK && !step(w))
        continue;
    if (w->verdict.code)
        km_plan_blame(plan, w->name, &w->verdict);
    else
        let_daemon_end(w);
    km_door_close(&w->door);
    km_crash_hook(NULL);
    km_link_close(&w->link);
    km_supervisor_close(&w->s);
    *err = w->verdict;
    km_free(w);
    return err->code;
}
