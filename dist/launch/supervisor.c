/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/supervisor.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_SPARE_CALLERS 4
#define CALLER_SECONDS     5.0 /* within which somebody on the local socket must say who it is */
#define MOST_LOCAL_BYTES   (KM_COMMAND_ROOM + 1024)
#define KM_COMMAND_ROOM    ((size_t)1 << 16)

/* What a signal handler knows: where to wake the loop, and whom to take along. */
static atomic_int wake_fd = -1, asked;
static _Atomic pid_t child_pid, rank_pid;

static void wake(void)
{
    int old = errno, fd = atomic_load(&wake_fd);

    if (fd >= 0 && write(fd, "", 1) < 0)
        errno = 0; /* it is full: the loop wakes up anyway */
    errno = old;
}

void km_supervisor_kill(void)
{
    pid_t child = atomic_load(&child_pid), rank = atomic_load(&rank_pid);

    if (rank > 0)
        kill(rank, SIGKILL);
    if (child > 0)
        kill(child, SIGKILL);
}

/* The first asks for an early end, the second is one, whatever the loop is busy with. */
static void on_stop(int number)
{
    if (atomic_fetch_add(&asked, 1) == 0) {
        wake();
        return;
    }
    km_supervisor_kill();
    _exit(128 + number);
}

static void on_child(int number)
{
    (void)number;
    wake();
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_stop, .sa_flags = SA_RESTART};

    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = on_child;
    sigaction(SIGCHLD, &action, NULL);
    if (km_stop_asked()) { /* the signal came before, to whom caught it then */
        atomic_store(&asked, 1);
        wake();
    }
}

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

int km_supervisor_open(struct km_supervisor *s, const struct km_launch *plan, struct km_err *err)
{
    const char *base = getenv("TMPDIR");
    int ends[2], rc;

    memset(s, 0, sizeof(*s));
    s->plan = plan;
    s->started = km_now();
    s->wake_fd = s->local_fd = s->lookups[0] = s->lookups[1] = -1;
    s->child.out = s->rank.link.fd = -1;
    s->n_callers = plan->n_hosts + MOST_SPARE_CALLERS;
    s->caller = km_alloc(s->n_callers, sizeof(*s->caller));
    if (!s->caller)
        return km_fail(err, KM_E_MEM, "no memory for %zu hosts", plan->n_hosts);
    for (size_t i = 0; i < s->n_callers; i++)
        s->caller[i].link.fd = -1;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
        return km_fail_errno(err, "no pipe for signals");
    s->wake_fd = ends[0];
    atomic_store(&wake_fd, ends[1]);
    if (pipe2(s->lookups, O_CLOEXEC))
        return km_fail_errno(err, "no pipe for look-ups");
    fcntl(s->lookups[0], F_SETFL, O_NONBLOCK);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    catch_signals();
    snprintf(s->folder, sizeof(s->folder), "%.40s/kmeans-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(s->folder)) {
        km_fail_errno(err, "cannot make the folder %s", s->folder);
        s->folder[0] = 0;
        return err->code;
    }
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

void km_supervisor_close(struct km_supervisor *s)
{
    if (s->rank.link.fd >= 0 && s->rank.pid > 0)
        kill(s->rank.pid, SIGKILL);
    if (s->child.pid && !s->child.ended)
        kill(s->child.pid, SIGKILL);
    km_children_end(2);
    km_child_read(&s->child);
    if (s->folder[0])
        km_folder_remove(s->folder);
    for (size_t i = 0; s->caller && i < s->n_callers; i++)
        close_caller(&s->caller[i]);
    km_free(s->caller);
    km_free(s->poll.fd);
    km_link_close(&s->rank.link);
    if (s->local_fd >= 0)
        close(s->local_fd);
    if (s->child.pid && s->child.out >= 0)
        close(s->child.out);
    /* The pipes stay: a signal, or a look-up that is still on its way, may write to them. */
}

void km_supervisor_environment(const struct km_supervisor *s, struct km_environment *e)
{
    static const char *const fixed[][2] = {
        /* one rank on each host, so shared memory is of no use, and TCP is what all networks have */
        {"OMPI_MCA_pml", "ob1"},
        {"OMPI_MCA_btl", "self,tcp"},
        {"OMPI_MCA_orte_keep_fqdn_hostnames", "1"},
        {"PRTE_MCA_prte_keep_fqdn_hostnames", "1"},
        /* the rank has threads on all CPUs */
        {"OMPI_MCA_hwloc_base_binding_policy", "none"},
        {"PRTE_MCA_hwloc_default_binding_policy", "none"},
        /* a rank that is to be killed has nothing to wait for */
        {"OMPI_MCA_odls_base_sigkill_timeout", "0"},
        {"PRTE_MCA_odls_base_sigkill_timeout", "0"},
        /* a hint for whoever installs PMIx */
        {"PMIX_MCA_pcompress_base_silence_warning", "1"},
        {"OMPI_ALLOW_RUN_AS_ROOT", "1"},
        {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
        {"PRTE_ALLOW_RUN_AS_ROOT", "1"},
        {"PRTE_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
    };
    static const char *const networks[] = {"OMPI_MCA_btl_tcp_if_include",
                                           "OMPI_MCA_oob_tcp_if_include"};
    const char *network = s->network;
    char interface[KM_INTERFACE_NAME];

    km_environment_set(e, "HOME", s->folder); /* PMIx crashes where a uid without a name has none */
    km_environment_inherit(e);
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        km_environment_set(e, fixed[i][0], fixed[i][1]);
    for (size_t i = 0; network[0] && i < sizeof(networks) / sizeof(networks[0]); i++)
        km_environment_set(e, networks[i], network);
    /* PRRTE 3.0 finds no interface of any network; it knows their names */
    if (network[0] && km_net_interface(network, interface) == 0)
        km_environment_set(e, "PRTE_MCA_prte_if_include", interface);
    km_environment_set(e, "KM_SUPERVISOR", s->local);
    km_environment_set(e, "TMPDIR", s->folder);
}

void km_supervisor_watch(struct km_supervisor *s)
{
    s->poll.n = 0;
    s->at_wake = km_poll_add(&s->poll, s->wake_fd, 0);
    s->at_local = km_poll_add(&s->poll, s->local_fd, 0);
    s->at_lookups = km_poll_add(&s->poll, s->lookups[0], 0);
    s->at_rank = km_poll_add(&s->poll, s->rank.link.fd, km_link_pending(&s->rank.link));
    s->at_child = km_poll_add(&s->poll, s->child.pid ? s->child.out : -1, 0);
    for (size_t i = 0; i < s->n_callers; i++)
        s->caller[i].at =
            km_poll_add(&s->poll, s->caller[i].link.fd, km_link_pending(&s->caller[i].link));
}

void km_supervisor_wait(struct km_supervisor *s)
{
    if (poll(s->poll.fd, s->poll.n, (int)(KM_TICK_SECONDS * 1000)) <= 0)
        for (size_t i = 0; i < s->poll.n; i++) /* a signal came: nothing is known of the others */
            s->poll.fd[i].revents = 0;
}

/* Reaps all that ended: as process 1 we get everybody's orphans. */
static void reap(struct km_supervisor *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == s->rank.pid)
            atomic_store(&rank_pid, 0);
        if (pid != s->child.pid)
            continue;
        s->child.ended = 1;
        s->child.status = status;
        km_child_read(&s->child); /* its last words, before anybody judges */
        atomic_store(&child_pid, 0);
    }
}

static void serve_signals(struct km_supervisor *s)
{
    char bytes[64];

    while (read(s->wake_fd, bytes, sizeof(bytes)) > 0)
        continue;
    if (atomic_load(&asked) && !s->stop_here) {
        km_log(KM_INFO, "asked to stop by a signal");
        s->stop = s->stop_here = 1;
    }
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

/* Gives the rank our own output: what it says belongs to this host's log. */
static int hand_over_output(int fd)
{
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    int fds[2] = {STDOUT_FILENO, STDERR_FILENO};
    struct iovec one = {.iov_base = (char[]){'o'}, .iov_len = 1};
    struct msghdr m = {.msg_iov = &one,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(fds));
    memcpy(CMSG_DATA(c), fds, sizeof(fds));
    return sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? 0 : -1;
}

/* A caller is the rank: it takes its place, and learns how it is to be called. */
static void seat_rank(struct km_supervisor *s, struct km_caller *c, struct km_frame *f)
{
    struct ucred who = {0};
    socklen_t n = sizeof(who);
    char folder[4096] = "/";
    uint32_t args = 0;

    if (km_frame_done(f) || s->rank.state.joined || hand_over_output(c->link.fd)) {
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
    atomic_store(&rank_pid, who.pid);
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
    char *command = km_alloc(KM_COMMAND_ROOM, 1);

    km_frame_text(f, c->host, sizeof(c->host));
    if (command)
        km_frame_text(f, command, KM_COMMAND_ROOM);
    if (!command || km_frame_done(f)) {
        km_free(command);
        close_caller(c);
        return;
    }
    c->command = command;
    c->asked = 1;
}

static void serve_caller(struct km_supervisor *s, struct km_caller *c)
{
    int over = km_link_fill(&c->link), got;
    struct km_frame f;

    got = c->asked ? 0 : km_link_next(&c->link, &f);
    if (got > 0 && f.type == KM_MSG_JOIN)
        seat_rank(s, c, &f);
    else if (got > 0 && f.type == KM_MSG_AGENT)
        take_agent(c, &f);
    else if (got)
        over = -1;
    if (c->link.fd >= 0 && (over || km_link_flush(&c->link)))
        close_caller(c);
}

static void serve_rank(struct km_supervisor *s)
{
    struct km_rank *r = &s->rank;
    int over = km_link_fill(&r->link), got;
    struct km_frame f;

    while ((got = km_link_next(&r->link, &f)) > 0) {
        int bad = 1;

        r->heard = km_now();
        if (f.type == KM_MSG_PULSE)
            bad = km_get_pulse(&f, &r->state.pulse);
        else if (f.type == KM_MSG_FAIL && !r->ended) {
            bad = km_get_reason(&f, &r->end);
            r->ended = !bad;
        }
        if (bad) {
            got = -1;
            break;
        }
    }
    if (over || got < 0 || km_link_flush(&r->link)) {
        km_link_close(&r->link);
        r->state.gone = 1;
    }
}

void km_supervisor_serve(struct km_supervisor *s)
{
    double now = km_now();

    serve_signals(s);
    if (km_supervisor_got(s, s->at_rank))
        serve_rank(s);
    if (km_supervisor_got(s, s->at_child))
        km_child_read(&s->child);
    if (s->child.pid && !s->child.ended)
        atomic_store(&child_pid, s->child.pid);
    reap(s);
    for (size_t i = 0; i < s->n_callers; i++) {
        struct km_caller *c = &s->caller[i];

        if (c->link.fd >= 0 && km_supervisor_got(s, c->at))
            serve_caller(s, c);
        if (c->link.fd >= 0 && !c->asked && now > c->since + CALLER_SECONDS)
            close_caller(c);
    }
    if (km_supervisor_got(s, s->at_local))
        accept_callers(s);
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
    state.halted = state.age > 2 * KM_BEAT_SECONDS && is_halted(s->rank.pid);
    return state;
}

void km_supervisor_blame(const struct km_launch *plan, const char *host, struct km_err *reason)
{
    char text[KM_ERR_MAX];

    for (size_t i = 0; i < plan->n_hosts; i++) {
        size_t n = strlen(plan->hosts[i]);

        if (strncmp(reason->msg, plan->hosts[i], n) == 0 && reason->msg[n] == ':')
            return;
    }
    snprintf(text, sizeof(text), "%s", reason->msg);
    km_fail(reason, reason->code, "%s: %s", host, text);
}

void km_supervisor_names(const struct km_launch *plan, const char *missing, char *out, size_t size)
{
    size_t used = 0, named = 0, more = 0;

    out[0] = 0;
    for (size_t i = 0; i < plan->n_hosts; i++) {
        if (!missing[i])
            continue;
        if (named == 10 || used + strlen(plan->hosts[i]) + 32 > size) {
            more++;
            continue;
        }
        used +=
            (size_t)snprintf(out + used, size - used, "%s%s", named ? ", " : "", plan->hosts[i]);
        named++;
    }
    if (more)
        snprintf(out + used, size - used, " and %zu more", more);
}
