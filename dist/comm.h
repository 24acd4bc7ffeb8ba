/* SPDX-License-Identifier: Apache-2.0 */
/* What ranks say to each other. Every call is made by all ranks, in the same order. */
#ifndef KM_DIST_COMM_H
#define KM_DIST_COMM_H

#include "base/err.h"
#include <stddef.h>

struct km_comm;

int km_comm_open(struct km_comm **comm, struct km_err *err);
void km_comm_close(struct km_comm *comm);

int km_comm_rank(const struct km_comm *comm);
int km_comm_size(const struct km_comm *comm);

/** v[0..n-1] becomes the sum over all ranks, the same bits on each. */
int km_comm_sum(struct km_comm *comm, double *v, size_t n, struct km_err *err);

#endif
