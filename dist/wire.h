/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to dist: bytes between ranks. What comm.c is made of, and all that MPI is used for
 * (comm_mpi.c). A build without MPI has the one of a single rank (comm_self.c). Nothing here adds
 * numbers, so results do not depend on the way MPI goes. Counts fit an int. All return a code and
 * fill *err when MPI reports an error.
 */
#ifndef KM_DIST_WIRE_H
#define KM_DIST_WIRE_H

#include "base/err.h"

/** Whether this build can have several ranks. */
int km_wire_joins(void);

/** Starts what carries the bytes: which rank this is, and of how many. */
int km_wire_open(int *rank, int *size, struct km_err *err);
void km_wire_close(void);

/** all[r * n ...] becomes what rank r has in mine[0..n-1]. */
int km_wire_all(const double *mine, double *all, int n, struct km_err *err);

/** How a list is cut: n[r] values from at[r] on are rank r's. */
struct km_wire_cut {
    int *n, *at; /* (size) */
};

/** v is cut by `give`; rank r gets its values of everybody, those of rank s as `take` says. */
int km_wire_deal(const double *v, const struct km_wire_cut *give, double *got,
                 const struct km_wire_cut *take, struct km_err *err);

/** Each rank has its own values of v; afterwards everybody has all. */
int km_wire_collect(double *v, const struct km_wire_cut *cut, struct km_err *err);

/** bytes[0..n-1] of rank `root` become everybody's. */
int km_wire_broadcast(void *bytes, int n, int root, struct km_err *err);

#endif
