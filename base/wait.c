/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wait.h"

#include <time.h>

void km_wait(pthread_cond_t *changed, pthread_mutex_t *lock, double seconds)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)(seconds * 1e9);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(changed, lock, &until);
}
