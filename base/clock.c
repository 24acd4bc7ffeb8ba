/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <math.h>
#include <time.h>

static double seconds(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double km_now(void)
{
    return seconds(CLOCK_MONOTONIC);
}

double km_wall(void)
{
    return seconds(CLOCK_REALTIME);
}

void km_sleep(double length)
{
    struct timespec t = {(time_t)length, (long)(fmod(length, 1) * 1e9)};

    nanosleep(&t, NULL);
}
