/* SPDX-License-Identifier: Apache-2.0 */
/* Private to dist/launch: other processes of this host. */
#ifndef KM_LAUNCH_PROCESSES_H
#define KM_LAUNCH_PROCESSES_H

#include <sys/types.h>

/** The parent of a process, and its state as /proc/PID/stat names it ('T': stopped); 0: gone. */
pid_t km_process_look(pid_t pid, char *state);

/** Kills all that descend from this process, their reaper, and waits for them, for at most
 * `seconds`. */
void km_processes_end(double seconds);

#endif
