/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for another thread, and no longer than so many seconds. */
#ifndef KM_BASE_WAIT_H
#define KM_BASE_WAIT_H

#include <pthread.h>

/** Waits until `changed` is signalled or `seconds` (below 1) are over; the caller holds the
 * lock. */
void km_wait(pthread_cond_t *changed, pthread_mutex_t *lock, double seconds);

#endif
