/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this process did lately, for somebody who watches whether it is stuck: a count that grows
 * with any work done, and whether it waits for others, which is nobody's fault. One for the
 * process; any thread.
 */
#ifndef KM_BASE_PULSE_H
#define KM_BASE_PULSE_H

#include <stdint.h>

struct km_pulse {
    uint64_t work; /* grows with each piece of work, of any size */
    uint64_t rows; /* clustered so far, over all epochs */
    int waiting;   /* for other ranks */
    int reading;   /* the caller of the feed waits for rows */
    double waited; /* seconds for other ranks so far */
};

/** A piece of work is done: a task of the pool, a block read. */
void km_pulse_work(void);

/** Rows of the pass are done. */
void km_pulse_rows(uint64_t n);

/** The process begins (1) or ends (0) to wait for other ranks; one thread. */
void km_pulse_wait(int on);

/** The process begins (1) or ends (0) to wait for rows that are read. */
void km_pulse_read(int on);

/** The state now. */
struct km_pulse km_pulse_look(void);

#endif
