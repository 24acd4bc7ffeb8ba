/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "train/merge.h"
#include "train/sparse.h"
#include <math.h>
#include <string.h>

/* A rank keeps so many rows, if it has them: thresholds of a few would be a matter of luck, for all ranks. */
#define LEAST_ROWS 1000

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Of all hosts together. */
struct room {
    size_t rows, values; /* values: of sparse rows */
};

/* Each rank comes down to its share of the room, by the rows that it has seen. */
static int shrink_to_share(struct km_job *job, struct km_sample *own, const struct room *room,
                           struct km_err *err)
{
    size_t rows, values, all;
    int rc = km_comm_offsets(job->m->comm, (size_t)own->seen, job->part, err);

    if (rc)
        return rc;
    all = job->part[job->ranks];
    km_share(room->rows < all ? room->rows : all, job->part, job->ranks);
    rows = job->part[job->rank + 1] - job->part[job->rank];
    km_sample_shrink(own, max_size(rows, LEAST_ROWS));
    if (!job->sparse || all == 0)
        return KM_OK;
    values = (size_t)((double)room->values * (double)own->seen / (double)all);
    while (own->csr.n > LEAST_ROWS && own->csr.nnz > values)
        km_sample_shrink(own, max_size(own->csr.n / 4 * 3, LEAST_ROWS));
    return KM_OK;
}

static int lower_together(struct km_job *job, struct km_sample *own, struct km_err *err)
{
    struct km_sample_keep keep = own->keep;
    float *threshold[] = {&keep.any, &keep.far, &keep.rare};
    int rc = KM_OK;

    for (size_t i = 0; rc == KM_OK && i < 3; i++) {
        double least = 0;

        rc = km_comm_least(job->m->comm, (double)*threshold[i], &least, err);
        *threshold[i] = (float)least;
    }
    if (rc == KM_OK)
        km_sample_lower(own, keep);
    return rc;
}

/* The rows of all ranks; job->part: how many each has. */
static int gather_dense(struct km_job *job, const struct km_mat *own, struct km_mat *all,
                        struct km_err *err)
{
    int rc = km_mat_init(all, job->part[job->ranks], job->d, err);

    rc = km_job_agree(job, rc, err);
    if (rc)
        return rc;
    if (own->n > 0)
        memcpy(km_mat_row(all, job->part[job->rank]), own->v, own->n * own->ld * sizeof(float));
    return km_merge_rows(job, all, err);
}

/* What decides about them, and room for their order. */
static int gather_keys(struct km_job *job, const struct km_sample *own, struct km_sample *all,
                       size_t rows, struct km_err *err)
{
    int rc = KM_OK;

    all->key = km_alloc(rows, sizeof(*all->key));
    all->order = km_alloc(rows, sizeof(*all->order));
    if (!all->key || !all->order)
        rc = km_fail(err, KM_E_MEM, "no memory for a sample of %zu rows", rows);
    rc = km_job_agree(job, rc, err);
    if (rc)
        return rc;
    memcpy(all->key + job->part[job->rank], own->key, km_sample_rows(own) * sizeof(*own->key));
    for (int r = 0; r <= job->ranks; r++)
        job->part[r] *= sizeof(*all->key);
    return km_comm_gather(job->m->comm, all->key, job->part, err);
}

static int gather(struct km_job *job, const struct km_sample *own, struct km_sample *all,
                  struct km_err *err)
{
    struct km_comm *comm = job->m->comm;
    size_t n = km_sample_rows(own);
    int rc = km_comm_offsets(comm, n, job->part, err);

    if (rc == KM_OK)
        rc = gather_keys(job, own, all, job->part[job->ranks], err);
    if (rc == KM_OK && job->sparse)
        return km_merge_csr(job, &own->csr, n, &all->csr, err);
    if (rc == KM_OK)
        rc = km_comm_offsets(comm, n, job->part, err);
    return rc ? rc : gather_dense(job, &own->rows, &all->rows, err);
}

static int merge(struct km_job *job, struct km_sample *own, const struct room *room,
                 struct km_err *err)
{
    struct km_sample all = {0};
    int rc;

    if (room->rows == 0)
        return KM_OK;
    km_watch_start(&job->phases[KM_PHASE_EXCHANGE]);
    rc = shrink_to_share(job, own, room, err);
    if (rc == KM_OK)
        rc = lower_together(job, own, err);
    if (rc == KM_OK)
        rc = gather(job, own, &all, err);
    if (rc) {
        km_sample_done(&all);
        return rc;
    }
    all.keep = own->keep;
    km_sample_done(own);
    *own = all;
    km_watch_stop(&job->phases[KM_PHASE_EXCHANGE]);
    return KM_OK;
}

int km_merge_sample(struct km_job *job, struct km_err *err)
{
    struct room room = {km_job_sample_room(job), 0}, held = {km_job_held_rows(job), 0};
    int rc;

    if (job->ranks == 1)
        return KM_OK;
    if (job->sparse) {
        room = (struct room){km_sparse_sample_rows(job), km_sparse_sample_values(job)};
        km_sparse_held_room(job, &held.rows, &held.values);
    }
    rc = merge(job, &job->sample, &room, err);
    return rc ? rc : merge(job, &job->held.sample, &held, err);
}
