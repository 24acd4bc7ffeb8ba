/* SPDX-License-Identifier: Apache-2.0 */
/* Private to dist/launch: who is stuck, who is slow, from what judge.h knows. No clock and no
 * socket. */
#ifndef KM_LAUNCH_PROGRESS_H
#define KM_LAUNCH_PROGRESS_H

#include "dist/launch/judge.h"

/** 1 with a verdict if a rank makes no progress, or none does; called about once a second. */
int km_progress_stall(struct km_case *c, double now, struct km_err *verdict);

/** Called about once a second; 1 and a text, at most once a minute, when a host holds up the
 * others. */
int km_progress_slow(struct km_case *c, double now, char *text, size_t size);

#endif
