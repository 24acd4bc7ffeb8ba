/* SPDX-License-Identifier: Apache-2.0 */
#include "train/pass.h"

#include "algo/decay.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/pulse.h"
#include "base/stop.h"
#include "train/channel.h"
#include "train/exchange.h"
#include "train/frame.h"
#include "train/sparse.h"
#include "train/start.h"
#include <inttypes.h>

/* One epoch under way. */
struct epoch {
    struct km_job *job;
    int number;
    struct km_progress *progress;
    struct km_batch *first; /* a block that has been read but not clustered */
    int more;               /* this rank's rows have not come to their end */
};

/* `Iter` lines: every 10 mini-batches as the original, thinned out as the numbers grow. `before`: the
 * number of mini-batches at the last call. */
static void show_iteration(struct km_job *job, uint64_t before)
{
    struct km_pass *pass = &job->pass;
    uint64_t every = 10;

    while (pass->batches >= 10 * every)
        every *= 10;
    if (pass->batches / every != before / every) {
        km_log(KM_INFO, "Iter %" PRIu64 ": Short term msd %s. Long term msd %s", pass->batches,
               km_report_msd(pass->short_ssd / pass->short_rows).s,
               km_report_msd(pass->ssd / pass->all_rows).s);
        pass->short_ssd = pass->short_rows = 0;
    }
}

int km_pass_check_counts(const double *count, size_t k, double rows, struct km_err *err)
{
    double sum = 0;

    for (size_t j = 0; j < k; j++)
        sum += count[j];
    if (sum == rows)
        return KM_OK;
    return km_fail(err, KM_E_BUG,
                   "the centers received %.0f rows, but %.0f were read; please report this", sum,
                   rows);
}

/* On one host sparse rows have moved the centers already: of all of them so far. */
static int check_sparse(const struct km_job *job, struct km_err *err)
{
    return km_pass_check_counts(job->sparse_centers.count, job->from_k,
                                (double)job->seen_rows + job->pass.all_rows, err);
}

/* What all ranks saw in a window moves the centers. */
static int move_centers(struct km_job *job, struct km_err *err)
{
    struct km_sums *s = job->sparse ? &job->window.sums : &job->sums;
    double decay = 1, ssd;

    if (job->sparse && job->ranks == 1)
        return check_sparse(job, err);
    if (km_pass_check_counts(s->count, s->k, *s->rows, err))
        return err->code;
    if (*s->rows == 0 && !job->sparse) /* a window of sparse rows has to be emptied */
        return KM_OK;
    km_watch_start(&job->phases[KM_PHASE_MOVE]);
    if (job->p->half_life_time_size)
        decay = km_decay(*s->rows, (double)job->p->half_life_time_size);
    ssd = *s->ssd;
    job->pass.all_rows += *s->rows;
    job->pass.short_rows += *s->rows;
    if (job->sparse) {
        km_sparse_window_move(&job->window, &job->sparse_centers, decay, s->flags[KM_FLAG_NORM2],
                              job->m->pool);
    } else {
        ssd = km_centers_move(&job->centers, s, decay, job->m->pool);
    }
    ssd *= km_frame_unit2(job);
    job->pass.ssd += ssd;
    job->pass.short_ssd += ssd;
    km_watch_stop(&job->phases[KM_PHASE_MOVE]);
    return KM_OK;
}

/* Labels a block, adds its rows to the sums, and keeps some of them. */
static void take_block(struct km_job *job, struct km_batch *b, int epoch)
{
    km_frame_meet(job, b);
    if (job->sparse) {
        km_sparse_take(job, b, epoch);
    } else {
        km_watch_start(&job->phases[KM_PHASE_ASSIGN]);
        km_assign_add(&job->assign, &job->sums, &b->x, NULL, &job->centers, 1);
        km_watch_stop(&job->phases[KM_PHASE_ASSIGN]);
        if (epoch == 0) {
            km_watch_start(&job->phases[KM_PHASE_SAMPLE]);
            km_sample_offer(&job->sample, &b->x, &job->assign, &job->centers);
            km_sample_offer(&job->held.sample, &b->x, &job->assign, &job->centers);
            km_watch_stop(&job->phases[KM_PHASE_SAMPLE]);
        }
    }
    job->pass.rows += km_batch_rows(b);
    job->pass.batches += b->ends_mini_batch != 0;
    km_pulse_rows(km_batch_rows(b));
}

/* The next block of this rank; KM_OK when it has no more. */
static int next_block(struct epoch *e, struct km_batch **b, struct km_err *err)
{
    struct km_watch *watch = &e->job->phases[KM_PHASE_READ];
    int rc;

    *b = e->first;
    e->first = NULL;
    if (*b)
        return KM_MORE;
    km_watch_start(watch);
    rc = km_feed_next(e->job->feed, b, err);
    km_watch_stop(watch);
    e->more = rc == KM_MORE;
    return rc;
}

/* This rank's part of a window: `batches` mini-batches; fewer at the end, or when asked to stop. */
static int take_window(struct epoch *e, size_t batches, struct km_err *err)
{
    struct km_job *job = e->job;
    uint64_t end = job->pass.batches + batches;
    uint64_t done_bytes = (uint64_t)e->number * km_job_bytes(job);

    while (e->more && job->pass.batches < end) {
        struct km_batch *b;
        int rc = next_block(e, &b, err);

        if (rc != KM_MORE)
            return rc;
        take_block(job, b, e->number);
        km_progress_show(e->progress, job->seen_rows + job->pass.rows,
                         done_bytes + km_feed_stats(job->feed).bytes);
        if (km_stop_asked())
            break;
    }
    return KM_OK;
}

/* The first block of the first epoch is what all ranks start from. */
static int start(struct epoch *e, struct km_err *err)
{
    struct km_batch *first = NULL;
    int rc;

    km_crash_stage("in the choice of the first centers", 0);
    rc = next_block(e, &first, err);
    rc = km_job_agree(e->job, rc, err);
    e->first = rc == KM_MORE ? first : NULL;
    return rc < 0 ? rc : km_start(e->job, e->first, err);
}

static void report_epoch(struct km_job *job, int epoch, double start, double start_wall)
{
    const char *host = job->request->host;
    const struct km_pass *pass = &job->pass;

    if (job->stopped)
        km_log(KM_INFO,
               "asked to stop: the pass ends after %" PRIu64
               " rows; the model is made from what has been learned",
               pass->rows);
    km_log(KM_INFO, "processed a total of %" PRIu64 " examples", pass->rows);
    if (!job->stopped)
        km_report_progress(host, 100.0 * (epoch + 1) / (double)job->p->epochs);
    km_report_counts(host, start_wall, epoch, "training_data_iter", job->seen_rows,
                     job->seen_batches, pass->rows, pass->batches, (uint64_t)epoch + 1);
    km_report_throughput(host, (double)pass->rows / (km_now() - start));
}

/* One pass over the rows. */
static int run_epoch(struct km_job *job, int number, struct km_progress *progress,
                     struct km_err *err)
{
    struct epoch e = {.job = job, .number = number, .progress = progress, .more = 1};
    size_t most = km_window_most(job->from_k, job->d, job->sparse ? job->row_values : job->d,
                                 (size_t)job->p->mini_batch_size, job->ranks);
    double started = km_now(), started_wall = km_wall();
    struct km_turn turn = {.more = 1};
    int rc = KM_OK;

    job->pass = (struct km_pass){0};
    if (number > 0)
        rc = km_job_agree(job, km_feed_rewind(job->feed, err), err);
    else
        rc = start(&e, err);
    km_crash_stage("in the pass", 1);
    while (rc == KM_OK && turn.more && !turn.stop) {
        size_t window = km_window(job->window_batches, most);
        uint64_t before = job->pass.batches;

        rc = take_window(&e, window, err); /* and only then e.more is what it has come to */
        rc = km_exchange(job, rc, e.more, &turn, err);
        if (rc == KM_OK)
            rc = move_centers(job, err);
        if (rc == KM_OK)
            show_iteration(job, before);
        job->window_batches += window;
    }
    if (rc)
        return rc;
    job->stopped = turn.stop;
    if (number == 0)
        job->rows = (uint64_t)job->pass.all_rows;
    job->seen_rows += job->pass.rows;
    job->seen_batches += job->pass.batches;
    job->all_seen_rows += (uint64_t)job->pass.all_rows;
    km_progress_end(progress);
    km_channel_log(job, &job->request->train, job->feed);
    report_epoch(job, number, started, started_wall);
    return KM_OK;
}

static int fail_with_few_rows(const struct km_job *job, struct km_err *err)
{
    if (job->stopped)
        return km_fail(err, KM_E_SYS,
                       "the job was asked to stop when it had read %" PRIu64
                       " rows, too few for a model of k = %" PRId64 " clusters",
                       job->rows, job->p->k);
    return km_fail(err, KM_E_INPUT,
                   "k is %" PRId64 " but the train channel has %" PRIu64
                   " rows; a cluster needs at least one row: lower k or provide more data",
                   job->p->k, job->rows);
}

int km_pass(struct km_job *job, struct km_err *err)
{
    struct km_progress progress;
    double start = km_now();
    int rc = KM_OK;

    km_progress_start(&progress, (uint64_t)job->p->epochs * km_job_bytes(job));
    for (int epoch = 0; rc == KM_OK && epoch < job->p->epochs && !job->stopped; epoch++) {
        rc = run_epoch(job, epoch, &progress, err);
        if (rc == KM_OK && job->rows < (uint64_t)job->p->k)
            rc = fail_with_few_rows(job, err);
    }
    km_progress_end(&progress);
    job->pass_seconds = km_now() - start;
    return rc;
}
