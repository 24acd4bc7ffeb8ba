/* SPDX-License-Identifier: Apache-2.0 */
#include "train/sparse.h"

#include "algo/decay.h"
#include "algo/refine.h"
#include "base/log.h"
#include "train/frame.h"
#include "train/merge.h"
#include <math.h>

/* Above this share of values that are not 0 rows are written out: the dense kernels do about so
 * much more in the same time (measured on Zen 5, docs/algorithm.md). */
#define BREAK_EVEN (1.0 / 6)
/* A block of rows, as in train.c, and a sample. */
#define BLOCK_BYTES  ((size_t)16 << 20)
#define SAMPLE_BYTES ((size_t)64 << 20)
#define VALUE_BYTES  (sizeof(float) + sizeof(uint32_t))
/* What a row costs beside its values, all that is kept about it taken together. */
#define ROW_BYTES 64

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* What the first rows of all ranks are like; CSV (of any) is dense. */
static int look_together(struct km_job *job, struct km_feed_look *look, int *csv,
                         struct km_err *err)
{
    double told[5];
    int rc = km_feed_look(job->feed, look, err);

    rc = km_job_agree(job, rc, err);
    if (rc)
        return rc;
    told[0] = (double)look->rows;
    told[1] = (double)look->sparse;
    told[2] = (double)look->values;
    told[3] = km_feed_format(job->feed)->kind != KM_RECORDIO;
    told[4] = (look->rows == 0 && job->request->train.files.n > 0) || look->sparse > 0;
    rc = km_comm_sum(job->m->comm, told, 5, err);
    *look = (struct km_feed_look){(size_t)told[0], (size_t)told[1], (size_t)told[2]};
    *csv = told[3] > 0;
    job->sparse_records = !*csv && told[4] > 0;
    return rc;
}

int km_sparse_choose(struct km_job *job, struct km_err *err)
{
    struct km_feed_look look;
    int csv, rc = look_together(job, &look, &csv, err);
    double share;

    if (rc || csv)
        return rc;
    if (look.rows == 0) {
        job->sparse = !job->p->force_dense;
        job->row_values = 1;
        return KM_OK;
    }
    if (look.sparse == 0)
        return KM_OK;
    share = (double)look.values / (double)look.rows / (double)job->d;
    job->row_values = look.values / look.rows + 1;
    job->sparse = !job->p->force_dense || (2 * look.sparse > look.rows && share < BREAK_EVEN);
    km_log(KM_INFO, "rows are sparse: %.4g of %zu values per row on average; %s",
           (double)look.values / (double)look.rows, job->d,
           job->sparse ? "clustered as sparse"
           : share < BREAK_EVEN
               ? "written out, as most of them are dense records"
               : "written out, which is faster where so many are not 0 (force_dense)");
    return KM_OK;
}

/* Large enough to draw K different seeds from the first block. */
size_t km_sparse_block_rows(const struct km_job *job)
{
    return min_size((size_t)job->p->mini_batch_size,
                    max_size(BLOCK_BYTES / ROW_BYTES, 2 * job->from_k));
}

size_t km_sparse_block_values(const struct km_job *job)
{
    return max_size(BLOCK_BYTES / VALUE_BYTES, 2 * job->from_k * job->row_values);
}

static size_t sample_rows(const struct km_job *job)
{
    if (job->p->refine_rows != KM_AUTO)
        return km_job_refine_rows(job);
    return SAMPLE_BYTES / ROW_BYTES;
}

static size_t sample_values(const struct km_job *job)
{
    size_t fit = SAMPLE_BYTES / VALUE_BYTES, want;

    if (job->p->refine_rows == KM_AUTO)
        return fit;
    want = 2 * km_job_refine_rows(job) * job->row_values;
    if (!job->read_once) /* a value takes a byte at least */
        want = min_size(want, job->request->train.files.total);
    return max_size(fit, want);
}

size_t km_sparse_sample_rows(const struct km_job *job)
{
    return job->p->refine_rows == KM_AUTO ? SAMPLE_BYTES / ROW_BYTES : (size_t)job->p->refine_rows;
}

size_t km_sparse_sample_values(const struct km_job *job)
{
    size_t fit = SAMPLE_BYTES / VALUE_BYTES;

    if (job->p->refine_rows == KM_AUTO)
        return fit;
    return max_size(fit, 2 * (size_t)job->p->refine_rows * job->row_values);
}

void km_sparse_held_room(const struct km_job *job, size_t *rows, size_t *values)
{
    size_t bytes = job->held.wanted ? SAMPLE_BYTES / KM_JOB_HELD_PART : 0;

    *rows = bytes / ROW_BYTES;
    *values = bytes / VALUE_BYTES;
}

void km_sparse_memory(const struct km_job *job, double *centers, double *rows)
{
    size_t held_rows, held_values, times = job->ranks > 1 ? 2 : 1;
    double cells = (double)job->from_k * (double)job->d;
    double values = 3.0 * (double)km_sparse_block_values(job) + (double)sample_values(job);
    double row = 3.0 * (double)km_sparse_block_rows(job) + (double)sample_rows(job);

    *centers = cells * (sizeof(double) + sizeof(float));
    if ((size_t)job->p->k * job->d <= KM_REFINE_LOOK_CELLS)
        *centers += 2.0 * sizeof(double) * (double)job->p->k * (double)job->d;
    if (job->ranks > 1) { /* the window, and all ranks' sample beside our own */
        *centers += cells * (sizeof(double) + 1.0 / 8);
        values += (double)km_sparse_sample_values(job);
        row += (double)km_sparse_sample_rows(job);
    }
    km_sparse_held_room(job, &held_rows, &held_values);
    values += (double)(times * held_values);
    row += (double)(times * held_rows);
    *rows = values * (double)VALUE_BYTES + ROW_BYTES * row;
}

int km_sparse_job_init(struct km_job *job, struct km_err *err)
{
    struct km_sample_size size = {sample_rows(job), sample_values(job), job->d,
                                  km_sparse_block_rows(job), job->from_k};
    int rc = km_sparse_centers_init(&job->sparse_centers, job->from_k, job->d, err);

    if (rc == KM_OK)
        rc = km_sparse_init(&job->sparse_step, job->m->kern, job->m->pool,
                            km_sparse_block_rows(job), job->from_k, 0, err);
    if (rc == KM_OK)
        rc = km_sample_init(&job->sample, &size, job->seed ^ (uint64_t)job->rank << 32, err);
    km_sparse_held_room(job, &size.rows, &size.values);
    if (rc == KM_OK)
        rc = km_held_init(job, &size, err);
    if (rc == KM_OK && job->ranks > 1)
        rc = km_sparse_window_init(&job->window, job->from_k, job->d, err);
    return rc;
}

void km_sparse_job_done(struct km_job *job)
{
    km_sparse_centers_done(&job->sparse_centers);
    km_sparse_done(&job->sparse_step);
    km_sparse_window_done(&job->window);
}

static int start_from(struct km_job *job, const struct km_csr *rows, struct km_sparse *step,
                      struct km_err *err)
{
    struct km_rng rng;

    km_rng_seed(&rng, job->seed, 'I', 0);
    if (job->p->init_method == KM_INIT_PLUSPLUS)
        return km_sparse_seed_plusplus(&job->sparse_centers, rows, NULL, 1, step, &rng, err);
    km_sparse_seed_random(&job->sparse_centers, rows, &rng);
    return KM_OK;
}

/* The rows that all ranks start from: of each in proportion to its first block, as many as a block may
 * have, in rows and in values. */
static int gather_start(struct km_job *job, const struct km_csr *own, struct km_csr *rows,
                        struct km_err *err)
{
    double told[] = {(double)own->n, (double)km_csr_values(own)}, share = 1;
    double most_rows = (double)max_size(BLOCK_BYTES / ROW_BYTES, 2 * job->from_k);
    double most_values = (double)km_sparse_block_values(job);
    int rc = km_comm_sum(job->m->comm, told, 2, err);

    if (rc)
        return rc;
    if (told[0] > most_rows)
        share = most_rows / told[0];
    if (told[1] * share > most_values)
        share = most_values / told[1];
    return km_merge_csr(job, own, (size_t)ceil(share * (double)own->n), rows, err);
}

int km_sparse_start(struct km_job *job, const struct km_csr *first, struct km_err *err)
{
    struct km_csr none = {.d = job->d}, rows = {0};
    struct km_sparse step = {0};
    int rc;

    if (job->ranks == 1)
        return start_from(job, first, &job->sparse_step, err);
    rc = gather_start(job, first ? first : &none, &rows, err);
    if (rc == KM_OK)
        rc = km_sparse_init(&step, job->m->kern, job->m->pool, rows.n, job->from_k, 0, err);
    if (rc == KM_OK) /* each rank the same: no kernel takes part in the draw */
        rc = start_from(job, &rows, &step, err);
    km_sparse_done(&step);
    km_csr_done(&rows);
    return km_job_agree(job, rc, err);
}

/* The rows that have just been labelled. */
static void offer(struct km_job *job, const struct km_batch *b, int epoch)
{
    if (epoch > 0)
        return;
    km_watch_start(&job->phases[KM_PHASE_SAMPLE]);
    km_sample_offer_sparse(&job->sample, &b->s, &job->sparse_step, &job->sparse_centers);
    km_sample_offer_sparse(&job->held.sample, &b->s, &job->sparse_step, &job->sparse_centers);
    km_watch_stop(&job->phases[KM_PHASE_SAMPLE]);
}

void km_sparse_take(struct km_job *job, const struct km_batch *b, int epoch)
{
    struct km_watch *watch = &job->phases[KM_PHASE_ASSIGN];
    double decay = 1, ssd;

    job->seen_values += km_csr_values(&b->s);
    km_watch_start(watch);
    if (job->ranks > 1) {
        km_sparse_window_add(&job->window, &job->sparse_centers, &job->sparse_step, &b->s);
        km_watch_stop(watch);
        offer(job, b, epoch);
        return;
    }
    ssd = km_sparse_centers_label(&job->sparse_centers, &job->sparse_step, &b->s);
    km_watch_stop(watch);
    offer(job, b, epoch);
    if (job->p->half_life_time_size)
        decay = km_decay((double)b->s.n, (double)job->p->half_life_time_size);
    km_watch_start(watch);
    km_sparse_centers_take(&job->sparse_centers, &job->sparse_step, &b->s, decay,
                           b->ends_mini_batch);
    km_watch_stop(watch);
    job->pass.all_rows += (double)b->s.n;
    ssd *= km_frame_unit2(job);
    job->pass.ssd += ssd;
    job->pass.short_ssd += ssd;
    job->pass.short_rows += (double)b->s.n;
}

int km_sparse_finish(struct km_job *job, struct km_err *err)
{
    double values = (double)job->seen_values;
    int rc = km_comm_sum(job->m->comm, &values, 1, err);

    if (rc)
        return rc;
    job->seen_values = (uint64_t)values / (uint64_t)job->ranks;
    km_sparse_done(&job->sparse_step); /* room for the shrink */
    km_sparse_window_done(&job->window);
    rc = km_sparse_centers_to_dense(&job->centers, &job->sparse_centers, err);
    return km_job_agree(job, rc, err);
}
