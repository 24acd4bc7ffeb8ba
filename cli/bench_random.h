/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers of the rows of `kmeans bench`: number i of a stream, without state. */
#ifndef KM_CLI_BENCH_RANDOM_H
#define KM_CLI_BENCH_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/** Clusters of the mixtures that the rows are drawn from. */
#define KM_BENCH_CLUSTERS 64

/** The finalizer of MurmurHash3. */
static inline uint32_t km_bench_mix(uint32_t h)
{
    h ^= h >> 16;
    h *= 0x85ebca6bU;
    h ^= h >> 13;
    h *= 0xc2b2ae35U;
    return h ^ h >> 16;
}

/** From 0 to below 1. */
static inline float km_bench_unit(uint32_t h)
{
    return (float)(km_bench_mix(h) >> 8) * 0x1p-24F;
}

/** The cluster that row i comes from. */
static inline size_t km_bench_cluster(size_t i)
{
    return km_bench_mix((uint32_t)i ^ 0x9e3779b9U) % KM_BENCH_CLUSTERS;
}

#endif
