/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stop.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

static atomic_int asked;

void km_stop_ask(void)
{
    atomic_store(&asked, 1);
}

int km_stop_asked(void)
{
    return atomic_load(&asked);
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
