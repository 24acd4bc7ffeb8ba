/* SPDX-License-Identifier: Apache-2.0 */
/* One process: the sum over all ranks is what the one rank has. */
#include "base/mem.h"
#include "dist/comm.h"

struct km_comm {
    int size;
};

int km_comm_open(struct km_comm **comm, struct km_err *err)
{
    *comm = km_alloc(1, sizeof(**comm));
    if (!*comm)
        return km_fail(err, KM_E_MEM, "no memory for the communicator");
    (*comm)->size = 1;
    return KM_OK;
}

void km_comm_close(struct km_comm *comm)
{
    km_free(comm);
}

int km_comm_rank(const struct km_comm *comm)
{
    return comm->size - 1;
}

int km_comm_size(const struct km_comm *comm)
{
    return comm->size;
}

int km_comm_sum(struct km_comm *comm, double *v, size_t n, struct km_err *err)
{
    (void)comm, (void)v, (void)n, (void)err;
    return KM_OK;
}
