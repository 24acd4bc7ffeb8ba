/* SPDX-License-Identifier: Apache-2.0 */
/* From K centers to k: weighted Lloyd on the K centers, several trials from new seeds. */
#ifndef KM_ALGO_SHRINK_H
#define KM_ALGO_SHRINK_H

#include "algo/lloyd.h"
#include <stdint.h>

/** One trial: k centers, and the loss of the K weighted centers against them. */
struct km_trial {
    struct km_centers centers;
    double loss; /* sum of weight * squared distance, over the K centers */
};

struct km_shrink_options {
    size_t k;
    size_t trials;
    int plusplus; /* start by k-means++, else from random distinct points */
    int max_iter;
    double tol;
    uint64_t seed;
    size_t part, parts;                 /* run only trials part, part + parts, ...; parts 0: all */
    const struct km_deadline *deadline; /* NULL: none */
};

/**
 * How many trials `auto` means: 10 as in the original, and up to 100 where they are nearly free,
 * that is while all of them together stay below about 4 GFLOP (a fixed formula of K, k and d).
 */
size_t km_shrink_auto_trials(size_t from_k, size_t k, size_t d);

/** How many of the trials are run. */
size_t km_shrink_count(const struct km_shrink_options *options);

/**
 * Runs the trials (options->k <= from->k), spread over the threads; trial t is the same whatever
 * else runs. *trials is allocated with km_shrink_count entries in order of their number;
 * km_trials_free frees them. Trials that would begin after the deadline are left
 * out: their loss is infinite; but one always runs.
 */
int km_shrink(struct km_trial **trials, const struct km_centers *from,
              const struct km_shrink_options *options, const struct km_kernels *kern,
              struct km_pool *pool, struct km_err *err);
void km_trials_free(struct km_trial *trials, size_t n);

#endif
