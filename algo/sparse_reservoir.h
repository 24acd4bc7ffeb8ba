/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A uniform sample of the sparse rows of a pass, bounded by values as well as by rows: each row
 * draws a number and is held while that is below a threshold, which falls when there is no more
 * room.
 */
#ifndef KM_ALGO_SPARSE_RESERVOIR_H
#define KM_ALGO_SPARSE_RESERVOIR_H

#include "base/csr.h"
#include "base/rng.h"

struct km_sparse_reservoir {
    struct km_csr rows; /* those held, in their order */
    double *key;        /* (max rows) the number that each drew */
    double *sorted;     /* (max rows) scratch */
    double threshold;   /* rows that drew less are held */
    struct km_rng rng;
};

/** Room for so many rows and values (or one row, if that is more); 0 rows: keeps nothing. */
int km_sparse_reservoir_init(struct km_sparse_reservoir *r, size_t rows, size_t values, size_t d,
                             uint64_t seed, struct km_err *err);
void km_sparse_reservoir_done(struct km_sparse_reservoir *r); /* zeroed is fine */

/**
 * Offers rows: afterwards every row offered so far is held with the same probability. While all
 * fit, all are held; from then on between three quarters of the room and all of it is in use.
 */
void km_sparse_reservoir_offer(struct km_sparse_reservoir *r, const struct km_csr *x);

/** Lowers the threshold to this, if it is above: rows that drew more drop out. */
void km_sparse_reservoir_lower(struct km_sparse_reservoir *r, double threshold);

#endif
