/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine can do at most, measured: float32 multiply-adds, and bytes read from memory. */
#ifndef KM_CLI_PEAK_H
#define KM_CLI_PEAK_H

#include "base/err.h"
#include "base/pool.h"
#include <stddef.h>

/** The loops of one instruction set, and memory to read. */
struct km_peak {
    void (*fma)(size_t rounds); /* flops_per_round each */
    float (*read)(const float *from, size_t floats);
    double flops_per_round;
    float *buffer;
    size_t floats; /* of the buffer: several times the L3 cache, a multiple of its tasks */
};

/** The L3 cache that a core sees, in bytes; 0: unknown. */
size_t km_peak_l3(void);

/**
 * Loops as wide as the kernels of `level` (km_kernels.name); those of blas and generic as wide as
 * the CPU allows. Fills the buffer, which is four times an L3 cache of `l3` bytes, within reason.
 * km_peak_done frees it, also after a failure.
 */
int km_peak_init(struct km_peak *p, const char *level, size_t l3, struct km_pool *pool,
                 struct km_err *err);
void km_peak_done(struct km_peak *p);

/**
 * Seconds for what a pool does: of the thread's own CPU time for one thread (a busy neighbour takes
 * none of it), of the wall for more. Only differences mean something.
 */
double km_peak_clock(const struct km_pool *pool);

/** Float32 operations a second of all workers together, over some milliseconds. */
double km_peak_flops(const struct km_peak *p, struct km_pool *pool);

/** Bytes a second that all workers together read, over one turn through the buffer. */
double km_peak_read(const struct km_peak *p, struct km_pool *pool);

#endif
