/* SPDX-License-Identifier: Apache-2.0 */
/* Rows with many zeros. */
#ifndef KM_TESTS_SPARSE_HELP_H
#define KM_TESTS_SPARSE_HELP_H

#include "tests/algo_test.h"

/** Dense rows in which about `share` of the values are not 0; every seventh row is all zero. */
static inline struct km_mat holes(size_t n, size_t d, double share, uint64_t seed)
{
    struct km_mat m = random_rows(n, d, seed);
    struct km_rng rng;

    km_rng_seed(&rng, seed, 't', 2);
    for (size_t i = 0; i < n; i++)
        for (size_t t = 0; t < d; t++)
            if (km_rng_unit(&rng) >= share || i % 7 == 3)
                km_mat_row(&m, i)[t] = 0;
    return m;
}

#endif
