/* SPDX-License-Identifier: Apache-2.0 */
#include "train/merge.h"

#include "base/mem.h"
#include <math.h>
#include <string.h>

/* a * b / c, b <= c */
static size_t scale(size_t a, size_t b, size_t c)
{
    return (size_t)((unsigned __int128)a * b / c);
}

void km_share(size_t most, size_t *part, int ranks)
{
    size_t all = part[ranks];

    for (int r = 1; r <= ranks; r++)
        part[r] = all ? scale(most, part[r], all) : 0;
}

int km_merge_rows(struct km_job *job, struct km_mat *rows, struct km_err *err)
{
    for (int r = 0; r <= job->ranks; r++)
        job->part[r] *= rows->ld * sizeof(float);
    return km_comm_gather(job->m->comm, rows->v, job->part, err);
}

/* Gives every rank the trial that `owner` has at `place`. */
static int spread_trial(struct km_job *job, struct km_trial **trials, size_t *n, int owner,
                        size_t place, double loss, struct km_err *err)
{
    struct km_comm *comm = job->m->comm;
    size_t k = (size_t)job->p->k, cells = k * job->d;
    double *exact = NULL, *weight = NULL;
    struct km_trial *more = NULL;
    int rc = KM_OK;

    if (job->rank != owner) {
        more = km_alloc(*n + 1, sizeof(*more));
        exact = km_alloc(cells, sizeof(*exact));
        weight = km_alloc(k, sizeof(*weight));
        if (!more || !exact || !weight)
            rc = km_fail(err, KM_E_MEM, "no memory for the best trial");
    } else {
        exact = (*trials)[place].centers.exact;
        weight = (*trials)[place].centers.weight;
    }
    rc = km_job_agree(job, rc, err);
    if (rc == KM_OK)
        rc = km_comm_broadcast(comm, exact, cells * sizeof(*exact), owner, err);
    if (rc == KM_OK)
        rc = km_comm_broadcast(comm, weight, k * sizeof(*weight), owner, err);
    if (job->rank == owner)
        return rc;
    if (rc == KM_OK)
        rc = km_centers_adopt(&more[*n].centers, k, job->d, exact, weight, err);
    if (rc) {
        km_free(more);
        km_free(exact);
        km_free(weight);
        return rc;
    }
    memcpy(more, *trials, *n * sizeof(*more));
    more[*n].loss = loss;
    km_free(*trials);
    *trials = more;
    ++*n;
    return KM_OK;
}

int km_merge_trials(struct km_job *job, struct km_trial **trials, size_t *n, double *loss,
                    size_t all, struct km_err *err)
{
    size_t ranks = (size_t)job->ranks, best = 0;
    int rc;

    memset(loss, 0, all * sizeof(*loss));
    for (size_t i = 0; i < *n; i++)
        loss[(size_t)job->rank + i * ranks] = (*trials)[i].loss;
    rc = km_comm_sum(job->m->comm, loss, all, err);
    if (rc || ranks == 1)
        return rc;
    for (size_t t = 1; t < all; t++)
        if (loss[t] < loss[best])
            best = t;
    rc = spread_trial(job, trials, n, (int)(best % ranks), best / ranks, loss[best], err);
    return km_job_agree(job, rc, err);
}

/* What a rank says about its result. */
enum told { TOLD_LOSS, TOLD_OPTIMISM, TOLD_ROWS, TOLD_CANDIDATES, TOLD_ITERATIONS, TOLD };

int km_merge_refined(struct km_job *job, struct km_centers *best, struct km_refine_result *result,
                     struct km_err *err)
{
    size_t ranks = (size_t)job->ranks, winner = 0;
    double *told = km_alloc(ranks * TOLD, sizeof(*told)), *own;
    int rc = told ? KM_OK : km_fail(err, KM_E_MEM, "no memory to compare the ranks");

    rc = km_job_agree(job, rc, err);
    if (rc || ranks == 1)
        goto out;
    own = told + (size_t)job->rank * TOLD;
    own[TOLD_LOSS] = result->kept ? result->after : (double)INFINITY;
    own[TOLD_OPTIMISM] = result->kept ? result->optimism : 1;
    own[TOLD_ROWS] = (double)result->rows;
    own[TOLD_CANDIDATES] = (double)result->candidates;
    own[TOLD_ITERATIONS] = result->iterations;
    rc = km_comm_sum(job->m->comm, told, ranks * TOLD, err);
    if (rc)
        goto out;
    result->candidates = 0;
    result->iterations = 0;
    for (size_t r = 0; r < ranks; r++) {
        const double *t = told + r * TOLD;

        result->candidates += (size_t)t[TOLD_CANDIDATES];
        result->iterations += (int)t[TOLD_ITERATIONS];
        if (t[TOLD_LOSS] < told[winner * TOLD + TOLD_LOSS])
            winner = r;
    }
    own = told + winner * TOLD;
    result->kept = isfinite(own[TOLD_LOSS]);
    if (result->kept)
        result->after = own[TOLD_LOSS];
    result->optimism = own[TOLD_OPTIMISM];
    result->rows = (size_t)own[TOLD_ROWS];
    rc = km_comm_broadcast(job->m->comm, best->exact, best->k * best->d * sizeof(double),
                           (int)winner, err);
    km_centers_refresh(best);
out:
    km_free(told);
    return rc;
}
