/* SPDX-License-Identifier: Apache-2.0 */
/* What centers forget. */
#ifndef KM_ALGO_DECAY_H
#define KM_ALGO_DECAY_H

/**
 * 0.5^(rows / half_life), half_life > 0, rounded once. Of operations that IEEE 754 rounds
 * correctly, in one order: exp2 of a C library rounds as its CPU likes, and the bytes of a model
 * would tell which one it was.
 */
double km_decay(double rows, double half_life);

#endif
