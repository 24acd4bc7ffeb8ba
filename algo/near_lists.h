/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For each center the few centers that are nearest to it. With many centers a row that leaves its
 * own goes to one of those, nearly always; so most steps of Lloyd need not measure any others.
 */
#ifndef KM_ALGO_NEAR_LISTS_H
#define KM_ALGO_NEAR_LISTS_H

#include "algo/exact.h"
#include "base/pool.h"

/** Centers that the rows of one cluster are measured against: numbers, the smallest first. */
struct km_near_list {
    const uint32_t *center;
    size_t n;
};

struct km_near_lists {
    size_t k, each;          /* centers, and how many of them are in a list */
    uint32_t *center;        /* (k, each) */
    struct km_near_list *of; /* (k) */
    double *dist2;           /* (threads, k) scratch, */
    uint32_t *number;        /* (threads, k) */
    float *score;            /* (threads, KM_KERN_SCRATCH) */
};

/** Memory for k centers (2 at least, KM_NEAR_MOST at most) and lists of `each` (KM_NEAR_EACH at
 * most) or, if these are fewer, all of them. */
int km_near_lists_init(struct km_near_lists *l, struct km_pool *pool, size_t k, size_t each,
                       struct km_err *err);
void km_near_lists_done(struct km_near_lists *l); /* zeroed is fine */

/** Most centers in a list. */
#define KM_NEAR_EACH 64

/** Most centers: their scores of one row fit into a kernel's scratch memory. */
#define KM_NEAR_MOST ((size_t)KM_KERN_SCRATCH)

/**
 * The nearest of each center, itself among them, by km_kernels.dist2 of the float32 center (of
 * equals the lowest): the same on every level and any number of threads.
 */
void km_near_lists_find(struct km_near_lists *l, const struct km_centers *c,
                        const struct km_kernels *kern, struct km_pool *pool);

#endif
