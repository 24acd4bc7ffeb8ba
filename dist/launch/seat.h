/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rank's connection to the supervisor of its host (KM_SUPERVISOR): how it is to be called, that
 * it is alive, how it ended; and the wish to stop, which comes the other way. When the supervisor
 * ends, so does the rank, at once. Without KM_SUPERVISOR all of these do nothing.
 */
#ifndef KM_LAUNCH_SEAT_H
#define KM_LAUNCH_SEAT_H

#include "base/err.h"

/**
 * Called first of all. Where there is a supervisor, *argc and *argv become what it was called with
 * itself, and standard output and error are its own. Starts a thread that reports base/pulse.h each
 * second and calls km_stop_ask.
 */
int km_seat_take(int *argc, char ***argv, struct km_err *err);

/** Whether there is a supervisor. */
int km_seat_taken(void);

/**
 * Says how the rank ended: err->code 0, or the reason. The first call counts. With KM_E_PEER it
 * waits, for some seconds at most, to be ended.
 */
void km_seat_end(const struct km_err *err);

#endif
