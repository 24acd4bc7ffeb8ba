/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/signals.h"

#include "base/stop.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

/* What a handler knows. */
static atomic_int wake_fd = -1, asked;
static _Atomic pid_t child_pid, rank_pid;

static void wake(void)
{
    int old = errno, fd = atomic_load(&wake_fd);

    if (fd >= 0 && write(fd, "", 1) < 0)
        errno = 0; /* it is full: the loop wakes up anyway */
    errno = old;
}

static void on_stop(int number)
{
    if (atomic_fetch_add(&asked, 1) == 0) {
        wake();
        return;
    }
    km_signals_kill();
    _exit(128 + number);
}

static void on_child(int number)
{
    (void)number;
    wake();
}

int km_signals_open(void)
{
    struct sigaction action = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
        return -1;
    atomic_store(&wake_fd, ends[1]);
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = on_child;
    sigaction(SIGCHLD, &action, NULL);
    if (km_stop_asked()) /* the signal came before, to whom caught it then */
        atomic_store(&asked, 1);
    return ends[0];
}

int km_signals_take(int fd)
{
    char bytes[64];

    while (read(fd, bytes, sizeof(bytes)) > 0)
        continue;
    return atomic_load(&asked) > 0;
}

void km_signals_child(pid_t pid)
{
    atomic_store(&child_pid, pid);
}

void km_signals_rank(pid_t pid)
{
    atomic_store(&rank_pid, pid);
}

void km_signals_kill(void)
{
    pid_t child = atomic_load(&child_pid), rank = atomic_load(&rank_pid);

    if (rank > 0)
        kill(rank, SIGKILL);
    if (child > 0)
        kill(child, SIGKILL);
}
