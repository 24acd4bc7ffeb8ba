/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stop.h"

#include "base/clock.h"
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

/* A stopping job should be gone after 10 seconds: the pass, shrink and refinement have so many. */
#define LATE_SECONDS 4

static atomic_int asked;
static _Atomic double asked_at;

void km_stop_ask(void)
{
    if (!atomic_exchange(&asked, 1))
        atomic_store(&asked_at, km_now());
}

int km_stop_asked(void)
{
    return atomic_load(&asked);
}

double km_stop_seconds(void)
{
    double at = atomic_load(&asked_at);

    return at > 0 ? km_now() - at : 0;
}

static int is_late(void *unused)
{
    (void)unused;
    return km_stop_seconds() > LATE_SECONDS;
}

const struct km_deadline km_stop_deadline = {is_late, 0};

static void on_signal(int number)
{
    static atomic_int signals;

    if (atomic_fetch_add(&signals, 1) == 0) {
        km_stop_ask();
        return;
    }
    signal(number, SIG_DFL);
    raise(number); /* comes when this function has returned */
    if (getpid() == 1)
        _exit(128 + number); /* the kernel takes no default action against the first process */
}

void km_stop_on_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}
