/* SPDX-License-Identifier: Apache-2.0 */
#include "train/start.h"

#include "algo/seed.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/size.h"
#include "base/stop.h"
#include "train/channel.h"
#include "train/frame.h"
#include "train/merge.h"
#include "train/sparse.h"
#include <inttypes.h>
#include <string.h>

static int start_dense(struct km_job *job, const struct km_mat *rows, struct km_err *err)
{
    struct km_rng rng;
    float *dist2;

    km_rng_seed(&rng, job->seed, 'I', 0);
    if (job->p->init_method == KM_INIT_RANDOM) {
        km_seed_random(&job->centers, rows, &rng);
        return KM_OK;
    }
    dist2 = km_alloc(rows->n, sizeof(*dist2));
    if (!dist2)
        return km_fail(err, KM_E_MEM, "no memory for k-means++ on %zu rows", rows->n);
    km_seed_plusplus(&job->centers, rows, NULL, job->m->kern, job->m->pool, dist2, &rng);
    km_free(dist2);
    return KM_OK;
}

/* The rows that the centers start from: of all ranks, from each in proportion to its first block, and
 * there at even distances. job->part: the ranks' rows. */
static int gather_rows(struct km_job *job, const struct km_mat *x, struct km_mat *rows,
                       struct km_err *err)
{
    size_t all = job->part[job->ranks], most = km_job_start_rows(job), own, at;
    int rc;

    most = km_min(most, all);
    km_share(most, job->part, job->ranks);
    at = job->part[job->rank];
    own = job->part[job->rank + 1] - at;
    rc = km_job_agree(job, km_mat_init(rows, most, job->d, err), err);
    if (rc)
        return rc;
    for (size_t i = 0; i < own; i++)
        memcpy(km_mat_row(rows, at + i), km_mat_row(x, i * x->n / own), x->ld * sizeof(float));
    return km_merge_rows(job, rows, err);
}

/* On several ranks the leader draws. */
static int start_together(struct km_job *job, const struct km_mat *x, struct km_err *err)
{
    struct km_comm *comm = job->m->comm;
    struct km_mat rows = {0}, *c = &job->centers.c;
    int rc = gather_rows(job, x, &rows, err);

    if (rc)
        goto out;
    if (job->rank == 0)
        rc = start_dense(job, &rows, err);
    rc = km_job_agree(job, rc, err);
    if (rc == KM_OK)
        rc = km_comm_broadcast(comm, c->v, c->n * c->ld * sizeof(float), 0, err);
    for (size_t j = 0; rc == KM_OK && job->rank > 0 && j < c->n; j++)
        km_centers_set(&job->centers, j, km_mat_row(c, j), 1);
out:
    km_mat_done(&rows);
    return rc;
}

/* Nobody has a row. */
static int fail_without_rows(const struct km_job *job, struct km_err *err)
{
    char note[512];

    if (km_stop_asked())
        return km_fail(err, KM_E_SYS,
                       "the job was asked to stop before it had read a row, so there is no model");
    return km_fail(
        err, KM_E_INPUT,
        "the train channel has 0 rows on all of the %d host(s)%s: check that the data was "
        "written, and give files with rows",
        job->ranks, km_channel_note(job->feed, note, sizeof(note)));
}

static void report_start(const struct km_job *job, const struct km_batch *first, double start)
{
    size_t rows = first ? km_batch_rows(first) : 0;

    if (rows < (size_t)job->p->mini_batch_size && first && first->ends_mini_batch)
        km_log(KM_WARNING,
               "Batch size %" PRId64
               " is bigger than the first batch data. Effective batch size used "
               "to initialize is %zu",
               job->p->mini_batch_size, rows);
    km_report_counts(job->request->host, start, -1, "init_train_data_iter", rows, 1, rows, 1, 0);
}

int km_start(struct km_job *job, struct km_batch *first, struct km_err *err)
{
    struct km_mat none = {.d = job->d, .ld = km_mat_ld(job->d)};
    double start = km_wall();
    int rc = km_comm_offsets(job->m->comm, first ? km_batch_rows(first) : 0, job->part, err);

    if (rc)
        return rc;
    if (job->part[job->ranks] == 0)
        return km_job_agree(job, fail_without_rows(job, err), err);
    km_watch_start(&job->phases[KM_PHASE_SEED]);
    rc = km_frame_choose(job, first, err);
    if (rc == KM_OK && job->sparse) {
        rc = km_sparse_start(job, first ? &first->rows.sparse : NULL, err);
    } else if (rc == KM_OK) {
        const struct km_mat *x = first ? &first->rows.dense : &none;

        rc = job->ranks == 1 ? start_dense(job, x, err) : start_together(job, x, err);
    }
    km_watch_stop(&job->phases[KM_PHASE_SEED]);
    if (rc == KM_OK)
        report_start(job, first, start);
    return rc;
}
