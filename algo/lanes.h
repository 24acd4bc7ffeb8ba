/* SPDX-License-Identifier: Apache-2.0 */
/* Centers as the kernel for sparse rows reads them: struct km_lanes of algo/kern/kernels.h. */
#ifndef KM_ALGO_LANES_H
#define KM_ALGO_LANES_H

#include "algo/kern/kernels.h"
#include "base/pool.h"

/** k centers of d features, all zero. */
int km_lanes_init(struct km_lanes *l, size_t k, size_t d, struct km_err *err);
void km_lanes_done(struct km_lanes *l); /* zeroed is fine */

/** Where the value of center j in feature t is. */
static inline float *km_lanes_at(const struct km_lanes *l, size_t j, size_t t)
{
    size_t p = j / KM_LANES;

    return km_lanes_panel(l, p) + t * km_lanes_width(l->k, p) + j % KM_LANES;
}

/** Lays dense centers out: l->k becomes c->k, which must not be above what l was made for. */
void km_lanes_fill(struct km_lanes *l, const struct km_centers *c, struct km_pool *pool);

#endif
