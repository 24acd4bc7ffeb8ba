/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ranks say to each other. Every call below km_comm_size is made by all ranks, in the same
 * order and with the same sizes, by one thread. When one of them fails, the connection is lost for
 * good: each further call fails at once, and closing waits for nobody.
 */
#ifndef KM_DIST_COMM_H
#define KM_DIST_COMM_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

/** After the wish to stop a rank waits so long for the others. Supervisors give a host up before
 * this, and know better which one is to blame; under a plain mpirun nobody else does. The platform
 * kills after 120. */
#define KM_COMM_STOP_SECONDS 100

struct km_comm;

/** Whether this build can be one of several (KM_MPI). */
int km_comm_can_join(void);

/** Whether this process is one of several, as km_comm_open sees it. */
int km_comm_is_rank(void);

/**
 * Joins the other ranks if this process is one of several, which its environment says:
 * KM_SUPERVISOR (set by our own launch), OMPI_COMM_WORLD_SIZE (set by any mpirun of Open MPI), or
 * PMIX_NAMESPACE of a launcher that says that it started several tasks (srun --mpi=pmix). Otherwise
 * the process is rank 0 of 1, and MPI is not even started. KM_E_INPUT where several were started of
 * a build without MPI.
 */
int km_comm_open(struct km_comm **comm, struct km_err *err);

/** Waits until all ranks have come here, unless the connection is lost; NULL is fine. */
void km_comm_close(struct km_comm *comm);

/** Which one this rank is, from 0, and how many there are. */
int km_comm_rank(const struct km_comm *comm);
int km_comm_size(const struct km_comm *comm);

/**
 * v[0..n-1] becomes the sum over all ranks: ((rank 0 + rank 1) + rank 2) + ..., so the same bits on
 * each rank and in each run, whatever MPI does. Each rank sends and receives 2n values at most.
 */
int km_comm_sum(struct km_comm *comm, double *v, size_t n, struct km_err *err);

/** The same for bits: v[0..n-1] become those that any rank has set. */
int km_comm_or(struct km_comm *comm, uint64_t *v, size_t n, struct km_err *err);

/** Bytes that this rank has sent in km_comm_sum and km_comm_or. */
uint64_t km_comm_sent(const struct km_comm *comm);

/** *least becomes the least of what all ranks have. */
int km_comm_least(struct km_comm *comm, double mine, double *least, struct km_err *err);

/** Everybody gets the n bytes that `root` has. */
int km_comm_broadcast(struct km_comm *comm, void *bytes, size_t n, int root, struct km_err *err);

/**
 * Everybody gets the bytes of all, those of rank 0 first: part[r] to part[r + 1] are of rank r
 * (size + 1 offsets, which the caller holds). km_comm_offsets tells the offsets, from the n bytes
 * that this rank has; km_comm_gather then fills `all` (part[size] bytes), where the own ones lie
 * already.
 */
int km_comm_offsets(struct km_comm *comm, size_t n, size_t *part, struct km_err *err);
int km_comm_gather(struct km_comm *comm, void *all, const size_t *part, struct km_err *err);

/**
 * The end of a stage, at which each rank says how it went. If all went well, every rank gets its
 * own rc back. Otherwise every rank fails with the code and the text of the lowest failing rank,
 * "HOST: " in front of it (host: this one's name), but only once: a stage within a stage may have
 * agreed on it already. One rank alone: rc and *err as they are. If a rank was asked to stop
 * (base/stop.h), all are from then on.
 */
int km_comm_agree(struct km_comm *comm, int rc, const char *host, struct km_err *err);

#endif
