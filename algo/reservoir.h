/* SPDX-License-Identifier: Apache-2.0 */
/* A uniform sample of all rows of a pass, kept while they stream by. */
#ifndef KM_ALGO_RESERVOIR_H
#define KM_ALGO_RESERVOIR_H

#include "base/mat.h"
#include "base/rng.h"

struct km_reservoir {
    struct km_mat rows; /* rows.n: rows held so far */
    size_t capacity;    /* 0: keeps nothing */
    uint64_t seen;      /* rows offered so far */
    uint64_t next;      /* number of the next row that will be taken, once full */
    double w;           /* state of the skip */
    struct km_rng rng;
};

/** Room for `capacity` rows of d values; memory is used only as rows come. */
int km_reservoir_init(struct km_reservoir *r, size_t capacity, size_t d, uint64_t seed,
                      struct km_err *err);
void km_reservoir_done(struct km_reservoir *r); /* zeroed is fine */

/**
 * Offers rows: afterwards every row offered so far is held with the same probability (algorithm L,
 * Li 1994: time grows with the rows kept, not with the rows seen). While all fit, they stay in
 * order.
 */
void km_reservoir_offer(struct km_reservoir *r, const struct km_mat *x);

#endif
