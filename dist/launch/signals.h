/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to dist/launch: the signals of a supervisor, one in a process. SIGTERM and SIGINT ask for
 * an early end; a second one is one, whatever the loop is busy with. SIGCHLD wakes the loop.
 */
#ifndef KM_LAUNCH_SIGNALS_H
#define KM_LAUNCH_SIGNALS_H

#include <sys/types.h>

/** Catches the signals. A descriptor that is readable after one, -1: there is no pipe. It stays
 * open for good: a signal may come at any time. */
int km_signals_open(void);

/** Takes what the pipe holds; whether an early end was asked for, here or of base/stop.h. */
int km_signals_take(int fd);

/** The processes that a second signal, or km_signals_kill, takes along; 0: none. */
void km_signals_child(pid_t pid);
void km_signals_rank(pid_t pid);

/** Kills them; async-signal-safe. */
void km_signals_kill(void);

#endif
