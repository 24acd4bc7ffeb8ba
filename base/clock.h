/* SPDX-License-Identifier: Apache-2.0 */
/* Time: monotonic seconds, the wall clock, and stop-watches for the phases of a run. */
#ifndef KM_BASE_CLOCK_H
#define KM_BASE_CLOCK_H

#include <stdint.h>

/** Seconds on a clock that never goes back; only differences mean something. */
double km_now(void);

/** Seconds since 1970-01-01 UTC. */
double km_wall(void);

/** Does nothing for `length` seconds; a signal may end it sooner. */
void km_sleep(double length);

/** Sum of the time between start and stop, and how often. Used by one thread at a time. */
struct km_watch {
    double sum;
    double started;
    uint64_t calls;
};

static inline void km_watch_start(struct km_watch *w)
{
    w->started = km_now();
}

static inline void km_watch_stop(struct km_watch *w)
{
    w->sum += km_now() - w->started;
    w->calls++;
}

#endif
