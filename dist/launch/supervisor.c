/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/supervisor.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "dist/launch/command.h"
#include "dist/launch/processes.h"
#include "dist/launch/signals.h"
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_SPARE_CALLERS 4
#define MOST_LOCAL_BYTES   (KM_COMMAND_BYTES + 1024)

/* The program's own path; it is called with it on the other hosts, too. */
static int find_self(struct km_supervisor *s, struct km_err *err)
{
    ssize_t n = readlink("/proc/self/exe", s->exe, sizeof(s->exe) - 1);

    if (n < 0)
        return km_fail_errno(err, "/proc/self/exe cannot be read");
    s->exe[n] = 0;
    if (strpbrk(s->exe, " \t"))
        return km_fail(err, KM_E_INPUT,
                       "the path of this program, %s, has a blank, which mpirun "
                       "does not understand; move it",
                       s->exe);
    return KM_OK;
}

static int open_pipes(struct km_supervisor *s, struct km_err *err)
{
    s->signals = km_signals_open();
    if (s->signals < 0)
        return km_fail_errno(err, "no pipe for signals");
    if (pipe2(s->lookups, O_CLOEXEC))
        return km_fail_errno(err, "no pipe for look-ups");
    fcntl(s->lookups[0], F_SETFL, O_NONBLOCK);
    return KM_OK;
}

static int make_folder(struct km_supervisor *s, struct km_err *err)
{
    const char *base = getenv("TMPDIR");

    snprintf(s->folder, sizeof(s->folder), "%.40s/kmeans-XXXXXX", base && *base ? base : "/tmp");
    if (mkdtemp(s->folder))
        return KM_OK;
    km_fail_errno(err, "cannot make the folder %s", s->folder);
    s->folder[0] = 0;
    return err->code;
}

int km_supervisor_open(struct km_supervisor *s, const struct km_launch *plan, const char *child,
                       struct km_err *err)
{
    int rc;

    memset(s, 0, sizeof(*s));
    s->plan = plan;
    s->started = km_now();
    s->next_log = s->started + KM_WAIT_LOG_SECONDS;
    s->local_fd = s->child.out = s->rank.link.fd = -1;
    s->child.name = child;
    s->caller = km_alloc(plan->n_hosts + MOST_SPARE_CALLERS, sizeof(*s->caller));
    if (!s->caller)
        return km_fail(err, KM_E_MEM, "no memory for %zu hosts", plan->n_hosts);
    s->n_callers = plan->n_hosts + MOST_SPARE_CALLERS;
    for (size_t i = 0; i < s->n_callers; i++)
        s->caller[i].link.fd = -1;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    rc = open_pipes(s, err);
    if (rc == KM_OK)
        rc = make_folder(s, err);
    if (rc == KM_OK)
        rc = find_self(s, err);
    return rc ? rc : km_net_local_listen(&s->local_fd, s->local, err);
}

static void close_caller(struct km_caller *c)
{
    km_link_close(&c->link);
    km_free(c->command);
    memset(c, 0, sizeof(*c));
    c->link.fd = -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st, (void)type, (void)f;
    remove(path);
    return 0;
}

void km_supervisor_close(struct km_supervisor *s)
{
    if (s->rank.link.fd >= 0 && s->rank.pid > 0)
        kill(s->rank.pid, SIGKILL);
    if (s->child.pid && !s->child.ended)
        kill(s->child.pid, SIGKILL);
    km_processes_end(KM_KILLED_SECONDS);
    km_child_read(&s->child);
    if (s->folder[0])
        nftw(s->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    for (size_t i = 0; i < s->n_callers; i++)
        close_caller(&s->caller[i]);
    km_free(s->caller);
    km_free(s->poll.fd);
    km_link_close(&s->rank.link);
    if (s->local_fd >= 0)
        close(s->local_fd);
    if (s->child.out >= 0)
        close(s->child.out);
    /* The pipes stay: a signal, or a look-up that is still on its way, may write to them. */
}

int km_supervisor_start(struct km_supervisor *s, char *const *argv,
                        void (*more)(const struct km_supervisor *s, struct km_environment *e),
                        struct km_err *err)
{
    struct km_environment e = {0};
    char *path = km_child_find(argv[0]);
    int rc;

    km_environment_mpi(&e, s->network, s->folder, s->local);
    if (more)
        more(s, &e);
    if (path)
        rc = km_child_start(&s->child, path, argv, &e, err);
    else
        rc = km_fail(err, KM_E_SYS, "%s is not in PATH", argv[0]);
    km_signals_child(s->child.pid);
    km_environment_done(&e);
    km_free(path);
    return rc;
}

/* Reaps all that ended: as process 1 we get everybody's orphans. */
static void reap(struct km_supervisor *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == s->rank.pid)
            km_signals_rank(0);
        if (pid != s->child.pid)
            continue;
        s->child.ended = 1;
        s->child.status = status;
        km_child_read(&s->child); /* its last words, before anybody judges */
        km_signals_child(0);
    }
}

static void serve_signals(struct km_supervisor *s)
{
    if (!km_signals_take(s->signals) || s->stop_here)
        return;
    km_log(KM_INFO, "asked to stop by a signal");
    s->stop = s->stop_here = 1;
}

static void accept_callers(struct km_supervisor *s)
{
    for (;;) {
        struct ucred who = {0};
        socklen_t n = sizeof(who);
        size_t i = 0;
        int fd = accept4(s->local_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0)
            return;
        while (i < s->n_callers && s->caller[i].link.fd >= 0)
            i++;
        if (i == s->n_callers || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) ||
            who.uid != geteuid()) {
            close(fd);
            continue;
        }
        km_link_open(&s->caller[i].link, fd, MOST_LOCAL_BYTES);
        s->caller[i].since = km_now();
    }
}

/* A caller is the rank: it takes its place, and learns how it is to be called. */
static void seat_rank(struct km_supervisor *s, struct km_caller *c, struct km_frame *f)
{
    struct ucred who = {0};
    socklen_t n = sizeof(who);
    char folder[4096] = "/";
    uint32_t args = 0;

    if (km_frame_done(f) || s->rank.state.joined || km_net_give_output(c->link.fd)) {
        close_caller(c);
        return;
    }
    getsockopt(c->link.fd, SOL_SOCKET, SO_PEERCRED, &who, &n);
    s->rank.link = c->link;
    s->rank.pid = who.pid;
    s->rank.heard = km_now();
    s->rank.state.joined = 1;
    memset(c, 0, sizeof(*c));
    c->link.fd = -1;
    km_signals_rank(who.pid);
    if (!getcwd(folder, sizeof(folder)))
        snprintf(folder, sizeof(folder), "/");
    while (s->plan->args[args])
        args++;
    km_link_begin(&s->rank.link, KM_MSG_WELCOME);
    km_link_put_text(&s->rank.link, s->network);
    km_link_put_text(&s->rank.link, folder);
    km_link_put_u32(&s->rank.link, args);
    for (uint32_t i = 0; i < args; i++)
        km_link_put_text(&s->rank.link, s->plan->args[i]);
    km_link_end(&s->rank.link);
    if (s->stop)
        km_put_nothing(&s->rank.link, KM_MSG_STOP);
    km_link_flush(&s->rank.link);
}

static void take_agent(struct km_caller *c, struct km_frame *f)
{
    char *command = km_alloc(KM_COMMAND_BYTES + 1, 1);

    km_frame_text(f, c->host, sizeof(c->host));
    if (command)
        km_frame_text(f, command, KM_COMMAND_BYTES + 1);
    if (!command || km_frame_done(f)) {
        km_free(command);
        close_caller(c);
        return;
    }
    c->command = command;
    c->asked = 1;
}

static void serve_caller(struct km_supervisor *s, struct km_caller *c, double now)
{
    int over = km_link_fill(&c->link), got;
    struct km_frame f;

    got = c->asked ? 0 : km_link_next(&c->link, &f);
    if (got > 0 && f.type == KM_MSG_JOIN)
        seat_rank(s, c, &f);
    else if (got > 0 && f.type == KM_MSG_AGENT)
        take_agent(c, &f);
    else if (got || (!c->asked && now > c->since + KM_CALLER_SECONDS))
        over = -1;
    if (c->link.fd >= 0 && (over || km_link_flush(&c->link)))
        close_caller(c);
}

static int take_rank(void *rank, struct km_frame *f)
{
    struct km_rank *r = rank;
    int bad = -1;

    r->heard = km_now();
    if (f->type == KM_MSG_PULSE)
        bad = km_get_pulse(f, &r->state.pulse);
    else if (f->type == KM_MSG_FAIL && !r->ended) {
        bad = km_get_reason(f, &r->end);
        r->ended = !bad;
    }
    return bad;
}

static void serve_rank(struct km_rank *r)
{
    if (r->link.fd < 0 || km_link_serve(&r->link, take_rank, r) == 0)
        return;
    km_link_close(&r->link);
    r->state.gone = 1;
}

void km_supervisor_turn(struct km_supervisor *s)
{
    double now;

    km_poll_add(&s->poll, s->signals, 0);
    km_poll_add(&s->poll, s->local_fd, 0);
    km_poll_add(&s->poll, s->lookups[0], 0);
    km_poll_add(&s->poll, s->child.out, 0);
    km_poll_link(&s->poll, &s->rank.link);
    for (size_t i = 0; i < s->n_callers; i++)
        km_poll_link(&s->poll, &s->caller[i].link);
    km_poll_wait(&s->poll);
    now = km_now();
    serve_signals(s);
    serve_rank(&s->rank);
    km_child_read(&s->child);
    reap(s);
    for (size_t i = 0; i < s->n_callers; i++)
        if (s->caller[i].link.fd >= 0)
            serve_caller(s, &s->caller[i], now);
    accept_callers(s);
}

int km_supervisor_await(struct km_supervisor *s, const char *names, double now,
                        char line[KM_WAIT_LINE], struct km_err *verdict)
{
    const struct km_launch *plan = s->plan;

    line[0] = 0;
    if (s->stop) {
        km_fail(verdict, KM_E_SYS,
                "%s: asked to stop while waiting for %s; no row was read, so there is no model",
                plan->hosts[plan->self], names);
        return 1;
    }
    if (km_due(&s->next_log, now, KM_WAIT_LOG_SECONDS)) {
        snprintf(line, KM_WAIT_LINE, "waiting for %s (%.0f s of %.0f s)", names, now - s->started,
                 plan->timeout);
        km_log(KM_INFO, "%s", line);
    }
    return 0;
}

void km_supervisor_stop(struct km_supervisor *s)
{
    if (s->rank.link.fd < 0)
        return;
    km_put_nothing(&s->rank.link, KM_MSG_STOP);
    km_link_flush(&s->rank.link);
}

/* Whether a process is stopped (SIGSTOP, a debugger). */
static int is_halted(pid_t pid)
{
    char state;

    return pid > 0 && km_process_look(pid, &state) && (state == 'T' || state == 't');
}

struct km_rank_state km_supervisor_state(struct km_supervisor *s)
{
    struct km_rank_state state = s->rank.state;

    state.age = state.joined ? km_now() - s->rank.heard : 0;
    state.halted = state.age > KM_HALTED_SECONDS && is_halted(s->rank.pid);
    return state;
}
