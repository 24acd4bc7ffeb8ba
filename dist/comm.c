/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/comm.h"

#include "base/mem.h"
#include "base/pulse.h"
#include "base/stop.h"
#include "dist/copies.h"
#include "dist/wire.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Values that are summed in one go: bounds our memory, and the counts that MPI sees. */
#define SLICE ((size_t)1 << 22)
/* Up to so many values of all ranks together everybody sends everything to everybody: one message
 * time instead of two. */
#define SMALL ((size_t)1 << 15)
/* Bytes of one broadcast. */
#define PIECE ((size_t)1 << 26)

struct km_comm {
    int rank, size;
    int lost;                      /* a call failed: nobody knows what the others wait for */
    double *scratch;               /* (SLICE + 2 * size) what the others sent */
    int *cuts;                     /* (4 * size) memory of the following */
    struct km_wire_cut give, take; /* of a slice: what each rank sums up; what each sends us */
    struct km_err agreed;          /* what the ranks last agreed on: it names its host already */
    uint64_t sent;                 /* bytes of what was merged */
};

int km_comm_can_join(void)
{
    return km_wire_joins();
}

int km_comm_is_rank(void)
{
    if (getenv("KM_SUPERVISOR") || getenv("OMPI_COMM_WORLD_SIZE"))
        return 1;
    return getenv("PMIX_NAMESPACE") && km_copies_said(getenv); /* srun --mpi=pmix */
}

/* The memory of the others' words: all ranks have it, or all fail. */
static int get_room(struct km_comm *c, struct km_err *err)
{
    size_t size = (size_t)c->size;
    int failed = -1;

    c->scratch = km_alloc(SLICE + 2 * size, sizeof(*c->scratch));
    c->cuts = km_alloc(4 * size, sizeof(*c->cuts));
    for (int r = 0; r < c->size; r++) { /* without that memory: one after the other */
        int bad = !c->scratch || !c->cuts;

        if (km_wire_broadcast(&bad, sizeof(bad), r, err)) {
            c->lost = 1;
            return err->code;
        }
        failed = bad ? r : failed;
    }
    if (failed >= 0)
        return km_fail(err, KM_E_MEM, "algo-%d: no memory to talk to %d hosts", failed + 1,
                       c->size);
    c->give = (struct km_wire_cut){c->cuts, c->cuts + size};
    c->take = (struct km_wire_cut){c->cuts + 2 * size, c->cuts + 3 * size};
    return KM_OK;
}

void km_comm_close(struct km_comm *c)
{
    if (!c)
        return;
    if (km_comm_is_rank() && !c->lost) {
        km_pulse_wait(1);
        km_wire_close();
        km_pulse_wait(0);
    }
    km_free(c->scratch);
    km_free(c->cuts);
    km_free(c);
}

/* Copies of a build without MPI would each be rank 0 of 1. */
static int check_alone(struct km_err *err)
{
    const char *name = km_wire_joins() ? NULL : km_copies_said(getenv);

    if (!name)
        return KM_OK;
    return km_fail(err, KM_E_INPUT,
                   "a launcher started this program several times (%s is %.20s), but it was built "
                   "without MPI (KM_MPI=OFF) and trains alone",
                   name, getenv(name));
}

int km_comm_open(struct km_comm **comm, struct km_err *err)
{
    int rc = check_alone(err);
    struct km_comm *c;

    *comm = NULL;
    if (rc)
        return rc;
    c = km_alloc(1, sizeof(*c));
    if (!c)
        return km_fail(err, KM_E_MEM, "no memory for the communicator");
    c->size = 1;
    if (km_comm_is_rank()) {
        km_pulse_wait(1); /* MPI's start waits for all */
        rc = km_wire_open(&c->rank, &c->size, err);
        km_pulse_wait(0);
    }
    if (rc) {
        km_free(c);
        return rc;
    }
    rc = c->size > 1 ? get_room(c, err) : KM_OK;
    if (rc)
        km_comm_close(c);
    else
        *comm = c;
    return rc;
}

int km_comm_rank(const struct km_comm *comm)
{
    return comm->rank;
}

int km_comm_size(const struct km_comm *comm)
{
    return comm->size;
}

uint64_t km_comm_sent(const struct km_comm *comm)
{
    return comm->sent;
}

/* Before each call to the wire. */
static int begin(const struct km_comm *c, struct km_err *err)
{
    if (c->lost)
        return km_fail(err, KM_E_PEER, "the connection to the other hosts is lost");
    km_pulse_wait(1);
    return KM_OK;
}

static int end(struct km_comm *c, int rc)
{
    km_pulse_wait(0);
    km_pulse_work();
    c->lost = rc != KM_OK;
    return rc;
}

/* v becomes what `size` lists of n values, which stand one behind the other, come to. */
typedef void merge_fn(void *v, const void *lists, size_t n, int size);

static void add_up(void *v, const void *lists, size_t n, int size)
{
    const double *from = lists;
    double *to = v;

    memcpy(to, from, n * sizeof(*to));
    for (int r = 1; r < size; r++)
        for (size_t i = 0; i < n; i++)
            to[i] += from[(size_t)r * n + i];
}

static void or_up(void *v, const void *lists, size_t n, int size)
{
    const uint64_t *from = lists;
    uint64_t *to = v;

    memcpy(to, from, n * sizeof(*to));
    for (int r = 1; r < size; r++)
        for (size_t i = 0; i < n; i++)
            to[i] |= from[(size_t)r * n + i];
}

static int merge_small(struct km_comm *c, double *v, size_t n, merge_fn *merge, struct km_err *err)
{
    int rc = km_wire_all(v, c->scratch, (int)n, err);

    c->sent += sizeof(*v) * n * (size_t)(c->size - 1);
    if (rc == KM_OK)
        merge(v, c->scratch, n, c->size);
    return rc;
}

/* Each rank merges one chunk, and everybody gets all chunks. */
static int merge_slice(struct km_comm *c, double *v, size_t n, merge_fn *merge, struct km_err *err)
{
    size_t each = n / (size_t)c->size, left = n % (size_t)c->size, own;
    int at = 0, rc;

    for (int r = 0; r < c->size; r++) {
        c->give.at[r] = at;
        c->give.n[r] = (int)(each + ((size_t)r < left));
        at += c->give.n[r];
    }
    own = (size_t)c->give.n[c->rank];
    for (int r = 0; r < c->size; r++) {
        c->take.at[r] = r * (int)own;
        c->take.n[r] = (int)own;
    }
    rc = km_wire_deal(v, &c->give, c->scratch, &c->take, err);
    if (rc)
        return rc;
    c->sent += sizeof(*v) * (n - own + own * (size_t)(c->size - 1));
    merge(v + c->give.at[c->rank], c->scratch, own, c->size);
    return km_wire_collect(v, &c->give, err);
}

/* The wire moves 8 bytes at a time, whatever they mean. */
static int merge_all(struct km_comm *c, void *list, size_t n, merge_fn *merge, struct km_err *err)
{
    double *v = list;
    int rc;

    if (c->size == 1 || n == 0)
        return KM_OK;
    rc = begin(c, err);
    if (rc)
        return rc;
    if (n * (size_t)c->size <= SMALL)
        return end(c, merge_small(c, v, n, merge, err));
    for (size_t i = 0; rc == KM_OK && i < n; i += SLICE) {
        rc = merge_slice(c, v + i, n - i < SLICE ? n - i : SLICE, merge, err);
        km_pulse_work();
    }
    return end(c, rc);
}

int km_comm_sum(struct km_comm *c, double *v, size_t n, struct km_err *err)
{
    return merge_all(c, v, n, add_up, err);
}

int km_comm_or(struct km_comm *c, uint64_t *v, size_t n, struct km_err *err)
{
    return merge_all(c, v, n, or_up, err);
}

int km_comm_least(struct km_comm *c, double mine, double *least, struct km_err *err)
{
    int rc = KM_OK;

    *least = mine;
    if (c->size == 1)
        return KM_OK;
    rc = begin(c, err);
    if (rc)
        return rc;
    rc = km_wire_all(&mine, c->scratch, 1, err);
    for (int r = 0; rc == KM_OK && r < c->size; r++)
        if (c->scratch[r] < *least)
            *least = c->scratch[r];
    return end(c, rc);
}

int km_comm_broadcast(struct km_comm *c, void *bytes, size_t n, int root, struct km_err *err)
{
    char *b = bytes;
    int rc;

    if (c->size == 1 || n == 0)
        return KM_OK;
    rc = begin(c, err);
    if (rc)
        return rc;
    for (size_t i = 0; rc == KM_OK && i < n; i += PIECE) {
        rc = km_wire_broadcast(b + i, (int)(n - i < PIECE ? n - i : PIECE), root, err);
        km_pulse_work();
    }
    return end(c, rc);
}

int km_comm_offsets(struct km_comm *c, size_t n, size_t *part, struct km_err *err)
{
    double mine = (double)n; /* exact: no machine has 2^53 bytes */
    int rc = KM_OK;

    part[0] = 0;
    part[1] = n;
    if (c->size == 1)
        return KM_OK;
    rc = begin(c, err);
    if (rc)
        return rc;
    rc = km_wire_all(&mine, c->scratch, 1, err);
    for (int r = 0; rc == KM_OK && r < c->size; r++)
        part[r + 1] = part[r] + (size_t)c->scratch[r];
    return end(c, rc);
}

int km_comm_gather(struct km_comm *c, void *all, const size_t *part, struct km_err *err)
{
    int rc = KM_OK;

    for (int r = 0; rc == KM_OK && r < c->size; r++)
        rc = km_comm_broadcast(c, (char *)all + part[r], part[r + 1] - part[r], r, err);
    return rc;
}

/* The lowest rank that failed, -1 if none did. Who was asked to stop passes it on. */
static int first_failed(struct km_comm *c, int rc, int *failed, struct km_err *err)
{
    double mine[2] = {rc, km_stop_asked()};

    *failed = -1;
    rc = begin(c, err);
    if (rc)
        return rc;
    rc = km_wire_all(mine, c->scratch, 2, err);
    for (int r = c->size - 1; rc == KM_OK && r >= 0; r--) {
        if (c->scratch[2 * r] < 0)
            *failed = r;
        if (c->scratch[2 * r + 1] > 0)
            km_stop_ask();
    }
    return end(c, rc);
}

int km_comm_agree(struct km_comm *c, int rc, const char *host, struct km_err *err)
{
    struct km_err told = {0};
    int failed, lost;

    if (c->size == 1 || (c->lost && rc < 0))
        return rc;
    lost = first_failed(c, rc, &failed, &told);
    if (lost == KM_OK && failed < 0)
        return rc;
    if (lost == KM_OK && failed == c->rank) {
        if (strcmp(err->msg, c->agreed.msg) == 0)
            told = *err;
        else
            km_fail(&told, rc, "%.255s: %s", host, err->msg);
    }
    if (lost == KM_OK)
        lost = km_comm_broadcast(c, &told, sizeof(told), failed, &told);
    if (lost && rc < 0) /* our own reason is worth more than that nobody heard it */
        return rc;
    c->agreed = told;
    *err = told;
    return told.code;
}
