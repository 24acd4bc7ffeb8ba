/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two nearest centers of each row among those near to its center of the step before
 * (algo/near_lists.h), for a look at many centers: there it is their distances that cost. By
 * km_kernels.dist2, of equals the lowest; so they are the same at every level and on any number of
 * threads.
 */
#ifndef KM_ALGO_NEAR_ROWS_H
#define KM_ALGO_NEAR_ROWS_H

#include "algo/look.h"
#include "algo/near_lists.h"

struct km_near_rows {
    const struct km_kernels *kern;
    struct km_pool *pool;
    size_t max_rows, k, d;
    size_t longest; /* list */
    uint32_t *row;  /* (max_rows) rows in the order of their center of the step before */
    size_t *start;  /* (k + 1) those of each center in it */
    char *scratch;  /* (threads, scratch_bytes) */
    size_t scratch_bytes;
};

/** Memory for up to max_rows dense rows, and lists of up to `longest` of k centers. */
int km_near_rows_init(struct km_near_rows *r, const struct km_kernels *kern, struct km_pool *pool,
                      size_t max_rows, size_t k, size_t d, size_t longest, struct km_err *err);
void km_near_rows_done(struct km_near_rows *r); /* zeroed is fine */

/** Fills near, next, near2 and next2 of the look (algo/look.h) for the rows p, whose centers were
 * label[i]. */
void km_near_rows_measure(struct km_near_rows *r, struct km_look *look, const struct km_points *p,
                          const uint32_t *label, const struct km_centers *c,
                          const struct km_near_lists *lists);

#endif
