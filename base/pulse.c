/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pulse.h"

#include <stdatomic.h>

static atomic_uint_fast64_t work, rows;
static atomic_int waiting;

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
    atomic_store(&waiting, on);
}

struct km_pulse km_pulse_look(void)
{
    return (struct km_pulse){
        .work = atomic_load_explicit(&work, memory_order_relaxed),
        .rows = atomic_load_explicit(&rows, memory_order_relaxed),
        .waiting = atomic_load(&waiting),
    };
}
