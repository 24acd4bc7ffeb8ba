/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that may never come back, such as a read of a file whose server is gone: it runs in a thread
 * of its own, and who waits for it can go on without.
 */
#ifndef KM_BASE_ASIDE_H
#define KM_BASE_ASIDE_H

#include "base/err.h"

/**
 * Runs work(arg) in another thread and waits until it has ended (KM_OK), but no longer than a
 * second after somebody asked to stop (base/stop.h; KM_MORE). Then the work goes on, and nothing
 * that it uses may be freed: the process ends with it (km_aside_left). Fails before the work has
 * begun.
 */
int km_aside(void (*work)(void *arg), void *arg, struct km_err *err);

/** Says that a thread was left behind. */
void km_aside_leave(void);

/** Whether work was left behind in this process, which must then end by _exit: the work may touch
 * what it uses at any time. */
int km_aside_left(void);

#endif
