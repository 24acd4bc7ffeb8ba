/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pulse.h"

#include "base/clock.h"
#include <stdatomic.h>

static atomic_uint_fast64_t work, rows;
static atomic_int waiting, reading;
static _Atomic double waited, waits_since; /* waits_since: 0 while it does not */

void km_pulse_work(void)
{
    atomic_fetch_add_explicit(&work, 1, memory_order_relaxed);
}

void km_pulse_rows(uint64_t n)
{
    atomic_fetch_add_explicit(&rows, n, memory_order_relaxed);
}

void km_pulse_wait(int on)
{
    double since = atomic_load(&waits_since), now = km_now();

    if (since > 0)
        atomic_store(&waited, atomic_load(&waited) + (now - since));
    atomic_store(&waits_since, on ? now : 0);
    atomic_store(&waiting, on);
}

void km_pulse_read(int on)
{
    atomic_store_explicit(&reading, on, memory_order_relaxed);
}

struct km_pulse km_pulse_look(void)
{
    double since = atomic_load(&waits_since);

    return (struct km_pulse){
        .work = atomic_load_explicit(&work, memory_order_relaxed),
        .rows = atomic_load_explicit(&rows, memory_order_relaxed),
        .waiting = atomic_load(&waiting),
        .reading = atomic_load_explicit(&reading, memory_order_relaxed),
        .waited = atomic_load(&waited) + (since > 0 ? km_now() - since : 0),
    };
}
