/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/child.h"

#include "base/log.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

char *km_child_find(const char *program)
{
    const char *path = getenv("PATH");
    size_t room;
    char *found;

    if (!path || !*path)
        path = "/usr/local/bin:/usr/bin:/bin";
    room = strlen(path) + strlen(program) + 2;
    found = km_alloc(room, 1);
    while (found && *path) {
        int n = (int)strcspn(path, ":");

        snprintf(found, room, "%.*s/%s", n, path, program);
        if (found[0] == '/' && access(found, X_OK) == 0)
            return found;
        path += n + (path[n] == ':');
    }
    km_free(found);
    return NULL;
}

/* In the child, after fork: only calls that are safe there. */
static void become(const char *path, char *const *argv, char *const *envp, int out, pid_t parent)
{
    int null = open("/dev/null", O_RDONLY);
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it has died in between */
        _exit(127);
    setpgid(0, 0); /* a Ctrl-C at the terminal is for the supervisor alone */
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (null >= 0)
        dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execve(path, argv, envp);
    _exit(127);
}

int km_child_start(struct km_child *c, const char *path, char *const *argv,
                   const struct km_environment *e, struct km_err *err)
{
    pid_t parent = getpid();
    int out[2];

    if (e->failed)
        return km_fail(err, KM_E_MEM, "no memory for the environment of %s", path);
    if (pipe2(out, O_CLOEXEC))
        return km_fail_errno(err, "no pipe for %s", path);
    c->pid = fork();
    if (c->pid == 0)
        become(path, argv, e->v, out[1], parent);
    close(out[1]);
    if (c->pid < 0) {
        close(out[0]);
        c->pid = 0;
        return km_fail_errno(err, "cannot start %s", path);
    }
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    c->out = out[0];
    c->ended = 0;
    return KM_OK;
}

/* Keeps the first sentence that names a rank. PRRTE breaks it into lines, mpirun of Open MPI 4 does
 * not. */
static void keep_death(struct km_child *c)
{
    size_t n = strlen(c->death);

    if (!n && strstr(c->line, " process rank "))
        c->in_death = 1;
    if (c->in_death)
        snprintf(c->death + n, sizeof(c->death) - n, "%s%s", n ? " " : "", c->line);
}

/* MPI frames its messages with lines of dashes. */
static void end_line(struct km_child *c)
{
    c->line[c->line_n] = 0;
    c->line_n = 0;
    if (c->line[strspn(c->line, "-= \t\r")] == 0) {
        c->in_death = 0;
        return;
    }
    keep_death(c);
    if (!c->first[0])
        snprintf(c->first, sizeof(c->first), "%.*s", (int)sizeof(c->first) - 1, c->line);
    km_log(KM_INFO, "%s: %s", c->name, c->line);
}

void km_child_read(struct km_child *c)
{
    char bytes[4096];
    ssize_t n;

    /* so often at most that a flood of lines keeps nobody from the other work */
    for (int i = 0; c->pid && c->out >= 0 && i < 16; i++) {
        n = read(c->out, bytes, sizeof(bytes));
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        for (ssize_t b = 0; b < n; b++) {
            if (bytes[b] == '\n' || c->line_n == sizeof(c->line) - 1)
                end_line(c);
            if (bytes[b] != '\n')
                c->line[c->line_n++] = bytes[b];
        }
        if (n > 0)
            continue;
        if (c->line_n)
            end_line(c);
        close(c->out);
        c->out = -1;
    }
}

const char *km_child_text(char out[64], int status)
{
    if (WIFSIGNALED(status))
        snprintf(out, 64, "killed by signal %d (SIG%s)", WTERMSIG(status),
                 sigabbrev_np(WTERMSIG(status)) ? sigabbrev_np(WTERMSIG(status)) : "?");
    else
        snprintf(out, 64, "status %d", WEXITSTATUS(status));
    return out;
}
