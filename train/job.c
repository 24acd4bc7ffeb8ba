/* SPDX-License-Identifier: Apache-2.0 */
#include "train/job.h"

#include "algo/refine.h"
#include "algo/shrink.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/size.h"
#include "train/sparse.h"

/* A block of rows is at most this large, so that memory does not grow with mini_batch_size. */
#define BLOCK_BYTES ((size_t)16 << 20)
/* The sample of `refine_rows = auto`. */
#define SAMPLE_BYTES ((size_t)64 << 20)
/* Bytes of one value of a trial's centers, in all their forms. */
#define TRIAL_CELL_BYTES 16.0
/* Beside the trials: the best one, a start from the sample, sums of the refinement, of looks, and of iterations, and what relaxes these. */
#define OTHER_CENTERS 6

static size_t row_bytes(size_t d)
{
    return km_mat_ld(d) * sizeof(float);
}

int km_job_agree(const struct km_job *job, int rc, struct km_err *err)
{
    return km_comm_agree(job->m->comm, rc, job->request->host, err);
}

#define FULL_FACTOR_K 50  /* up to here K is small */
#define CENTER_ROWS   100 /* that a center of the pass is to see */

size_t km_job_auto_factor(size_t k, double rows)
{
    double fit = rows / CENTER_ROWS / (double)k;

    if (k <= FULL_FACTOR_K || !(rows > 0) || fit >= KM_AUTO_CENTER_FACTOR)
        return KM_AUTO_CENTER_FACTOR;
    return fit < 1 ? 1 : (size_t)fit;
}

/* Large enough to draw K different centers. */
size_t km_job_start_rows(const struct km_job *job)
{
    size_t fit = BLOCK_BYTES / row_bytes(job->d);

    return fit < 2 * job->from_k ? 2 * job->from_k : fit;
}

/* The start is drawn from the first one. */
size_t km_job_block_rows(const struct km_job *job)
{
    return km_min((size_t)job->p->mini_batch_size, km_job_start_rows(job));
}

uint64_t km_job_bytes(const struct km_job *job)
{
    return km_feed_bytes(job->feed);
}

/* The fewest bytes of a file that a row takes. */
static size_t least_row_bytes(const struct km_job *job)
{
    if (job->request->train.format.kind == KM_CSV)
        return 2 * job->d; /* a digit and a comma */
    if (job->sparse || job->sparse_records)
        return 16; /* the header of a record, and the names in it */
    return job->d; /* integers below 128 */
}

size_t km_job_refine_rows(const struct km_job *job)
{
    size_t asked = (size_t)job->p->refine_rows;

    if (job->read_once) /* nobody knows its size */
        return asked;
    return km_min(asked, job->request->train.files.total / least_row_bytes(job) + 1);
}

size_t km_job_sample_room(const struct km_job *job)
{
    return job->p->refine_rows == KM_AUTO ? SAMPLE_BYTES / (row_bytes(job->d) + KM_SAMPLE_ROW_BYTES)
                                          : (size_t)job->p->refine_rows;
}

size_t km_job_sample_capacity(const struct km_job *job)
{
    if (job->p->refine_rows > 0)
        return km_job_refine_rows(job);
    return km_job_sample_room(job);
}

size_t km_job_trials(const struct km_job *job)
{
    const struct km_params *p = job->p;

    if (job->factor == 1)
        return 1;
    if (p->local_lloyd_num_trials == KM_AUTO)
        return km_shrink_auto_trials(job->from_k, (size_t)p->k, job->d);
    return (size_t)p->local_lloyd_num_trials;
}

/* The numbers that make the largest part of the memory; the advice to lower some is the verdict's. */
static const char *largest_part(double centers, double trials, double rows)
{
    if (trials > centers && trials > rows)
        return "k or local_lloyd_num_trials";
    return centers > rows ? "k or extra_center_factor" : "mini_batch_size or refine_rows";
}

int km_job_check_memory(const struct km_job *job, struct km_err *err)
{
    double cells = (double)job->from_k * (double)job->d;
    double centers = cells * (sizeof(float) + 3 * sizeof(double));
    double rows = 3.0 * (double)km_job_block_rows(job) + (double)km_job_sample_capacity(job);
    double have = (double)km_memory_available(), trials = (double)km_job_trials(job), need;

    if (job->ranks > 1) { /* all ranks' sample beside our own, and the best of others' trials */
        rows += (double)km_job_sample_room(job);
        trials = trials / job->ranks + 2;
    }
    rows *= (double)(row_bytes(job->d) + KM_SAMPLE_ROW_BYTES);
    rows += (double)km_job_sample_capacity(job) * KM_REFINE_ROW_BYTES;
    rows += (double)km_min(km_job_sample_capacity(job), KM_REFINE_LOOK_ROWS) * KM_LOOK_ROW_BYTES;
    if (job->sparse)
        km_sparse_memory(job, &centers, &rows);
    trials = (trials + OTHER_CENTERS) * (double)job->p->k * (double)job->d * TRIAL_CELL_BYTES;
    need = centers + trials + rows;

    km_log(KM_INFO,
           "memory: %.1f MB for %zu centers of %zu features, %.1f MB for %zu trials, %.1f MB for "
           "rows",
           centers / 1e6, job->from_k, job->d, trials / 1e6, km_job_trials(job), rows / 1e6);
    if (need > have)
        return km_fail(
            err, KM_E_MEM,
            "training needs %.0f MB (%.0f for k * extra_center_factor = %zu centers of %zu "
            "features, %.0f for %zu trials, %.0f for rows), %.0f MB are free; the largest part "
            "goes with %s",
            need / 1e6, centers / 1e6, job->from_k, job->d, trials / 1e6, km_job_trials(job),
            rows / 1e6, have / 1e6, largest_part(centers, trials, rows));
    return KM_OK;
}
