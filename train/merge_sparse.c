/* SPDX-License-Identifier: Apache-2.0 */
#include "train/merge.h"

#include "base/mem.h"
#include <string.h>

/* A list of which each rank has job->part[rank] to job->part[rank + 1], in things of so many bytes. */
static int gather(struct km_job *job, void *list, const size_t *part, size_t bytes,
                  struct km_err *err)
{
    for (int r = 0; r <= job->ranks; r++)
        job->part[r] = part[r] * bytes;
    return km_comm_gather(job->m->comm, list, job->part, err);
}

/* Where the rows and the values of each rank go. */
struct places {
    size_t *row, *value; /* (ranks + 1) */
};

/* This rank's rows to their place. */
static void place(struct km_csr *all, const struct km_csr *own, size_t n, size_t row, size_t value)
{
    for (size_t i = 0; i < n; i++) {
        size_t from = i * own->n / n, at = own->at[from], len = own->len[from];

        all->len[row + i] = own->len[from];
        memcpy(all->col + value, own->col + at, len * sizeof(*all->col));
        memcpy(all->val + value, own->val + at, len * sizeof(*all->val));
        value += len;
    }
}

static size_t values_of(const struct km_csr *own, size_t n)
{
    size_t values = 0;

    for (size_t i = 0; i < n; i++)
        values += own->len[i * own->n / n];
    return values;
}

static int merge(struct km_job *job, const struct km_csr *own, size_t n, struct km_csr *all,
                 const struct places *p, struct km_err *err)
{
    size_t rows = p->row[job->ranks], at = 0;
    int rc = km_csr_init(all, rows, p->value[job->ranks], job->d, err);

    rc = km_job_agree(job, rc, err);
    if (rc)
        return rc;
    place(all, own, n, p->row[job->rank], p->value[job->rank]);
    rc = gather(job, all->len, p->row, sizeof(*all->len), err);
    if (rc == KM_OK)
        rc = gather(job, all->col, p->value, sizeof(*all->col), err);
    if (rc == KM_OK)
        rc = gather(job, all->val, p->value, sizeof(*all->val), err);
    for (size_t i = 0; rc == KM_OK && i < rows; i++) {
        all->at[i] = at;
        at += all->len[i];
    }
    all->n = rows;
    all->nnz = at;
    return rc;
}

int km_merge_csr(struct km_job *job, const struct km_csr *own, size_t n, struct km_csr *all,
                 struct km_err *err)
{
    size_t size = (size_t)job->ranks + 1;
    struct places p = {km_alloc(size, sizeof(*p.row)), km_alloc(size, sizeof(*p.value))};
    int rc = KM_OK;

    *all = (struct km_csr){0};
    if (!p.row || !p.value)
        rc = km_fail(err, KM_E_MEM, "no memory for the shares of %d hosts", job->ranks);
    rc = km_job_agree(job, rc, err);
    if (rc == KM_OK)
        rc = km_comm_offsets(job->m->comm, n, p.row, err);
    if (rc == KM_OK)
        rc = km_comm_offsets(job->m->comm, values_of(own, n), p.value, err);
    if (rc == KM_OK)
        rc = merge(job, own, n, all, &p, err);
    km_free(p.row);
    km_free(p.value);
    return rc;
}
