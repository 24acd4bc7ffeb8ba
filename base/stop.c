/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stop.h"

#include "base/clock.h"
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

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

int km_stop_is_late(void)
{
    return km_stop_seconds() > LATE_SECONDS;
}

static void on_signal(int number)
{
    (void)number;
    km_stop_ask();
}

void km_stop_on_signals(void)
{
    /* SA_RESETHAND: the second signal finds the default action. */
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND};

    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}
