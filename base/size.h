/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic of sizes that nearly every file needs. */
#ifndef KM_BASE_SIZE_H
#define KM_BASE_SIZE_H

#include <stddef.h>

static inline size_t km_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t km_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

/** How many parts of `part` hold n things; n + part fits in a size_t. */
static inline size_t km_ceil_div(size_t n, size_t part)
{
    return (n + part - 1) / part;
}

/** n, or the next multiple of `part` above it. */
static inline size_t km_round_up(size_t n, size_t part)
{
    return km_ceil_div(n, part) * part;
}

#endif
