/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers: xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. */
#ifndef KM_BASE_RNG_H
#define KM_BASE_RNG_H

#include <stdint.h>

struct km_rng {
    uint64_t s[4];
};

/** One independent stream for each (seed, purpose, index), e.g. one for each trial. */
void km_rng_seed(struct km_rng *r, uint64_t seed, uint64_t purpose, uint64_t index);

/** 64 random bits. */
uint64_t km_rng_next(struct km_rng *r);

/** Uniform in 0..n-1 without bias (Lemire 2019); n > 0. */
uint64_t km_rng_below(struct km_rng *r, uint64_t n);

/** Uniform in [0, 1), 53 bits. */
double km_rng_unit(struct km_rng *r);

#endif
