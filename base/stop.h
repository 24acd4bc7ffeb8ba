/* SPDX-License-Identifier: Apache-2.0 */
/* The wish that a running job ends early with what it has. One for the process; any thread, and
 * signal handlers. */
#ifndef KM_BASE_STOP_H
#define KM_BASE_STOP_H

#include "base/deadline.h"

/** Asks to stop; async-signal-safe. */
void km_stop_ask(void);

/** Whether somebody asked. */
int km_stop_asked(void);

/** Seconds since somebody asked; 0 if nobody did. */
double km_stop_seconds(void);

/** Over when somebody asked more than 4 seconds ago. */
extern const struct km_deadline km_stop_deadline;

/**
 * From now on SIGTERM and SIGINT ask to stop; a second one ends the process at once, as if nobody
 * had caught it (process 1: with exit code 128 + its number). Blocking calls are interrupted by
 * neither (SA_RESTART).
 */
void km_stop_on_signals(void);

#endif
