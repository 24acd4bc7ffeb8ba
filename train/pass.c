/* SPDX-License-Identifier: Apache-2.0 */
#include "train/pass.h"

#include "base/crash.h"
#include "base/log.h"
#include "base/pulse.h"
#include "base/stop.h"
#include "train/start.h"
#include <inttypes.h>

/* What one pass over the rows has come to. */
struct counts {
    uint64_t rows, batches;       /* of this host */
    double all_rows;              /* of all hosts, as the following */
    double ssd;                   /* of all batches, each against the centers of its time */
    double short_ssd, short_rows; /* since the last Iter line */
};

/* One epoch under way. */
struct epoch {
    struct km_job *job;
    int number;
    struct km_progress *progress;
    struct counts of;
    struct km_batch *first; /* a block that has been read but not clustered */
    int more;               /* this rank's rows have not come to their end */
};

/* `Iter` lines: every 10 mini-batches as the original, thinned out as the numbers grow. `before`:
 * the number of mini-batches at the last call. */
static void show_iteration(struct counts *of, uint64_t before)
{
    uint64_t every = 10;

    while (of->batches >= 10 * every)
        every *= 10;
    if (of->batches / every != before / every) {
        km_log(KM_INFO, "Iter %" PRIu64 ": Short term msd %s. Long term msd %s", of->batches,
               km_report_msd(of->short_ssd / of->short_rows).s,
               km_report_msd(of->ssd / of->all_rows).s);
        of->short_ssd = of->short_rows = 0;
    }
}

/* What all ranks saw in a window moves the centers. */
static int move_centers(struct counts *of, struct km_state *state, struct km_watch *watch,
                        struct km_err *err)
{
    struct km_moved moved;
    int rc;

    km_watch_start(watch);
    rc = km_learner_move(state->learner, &moved, err);
    km_watch_stop(watch);
    moved.ssd *= km_row_frame_unit2(&state->frame);
    of->all_rows += moved.rows;
    of->short_rows += moved.rows;
    of->ssd += moved.ssd;
    of->short_ssd += moved.ssd;
    return rc;
}

/* Labels a block, keeps some of its rows (in the first epoch), and adds them to what the centers
 * learn. */
static void take_block(struct km_state *state, struct km_batch *b, int keep,
                       struct km_watch *phases)
{
    km_state_meet(state, b);
    km_watch_start(&phases[KM_PHASE_ASSIGN]);
    km_learner_label(state->learner, &b->rows);
    km_watch_stop(&phases[KM_PHASE_ASSIGN]);
    if (keep) {
        km_watch_start(&phases[KM_PHASE_SAMPLE]);
        km_learner_offer(state->learner, &state->sample, &b->rows);
        km_learner_offer(state->learner, &state->held, &b->rows);
        km_watch_stop(&phases[KM_PHASE_SAMPLE]);
    }
    km_watch_start(&phases[KM_PHASE_ASSIGN]);
    km_learner_add(state->learner, &b->rows, b->ends_mini_batch);
    km_watch_stop(&phases[KM_PHASE_ASSIGN]);
    state->seen_values += km_rows_values(&b->rows);
    km_pulse_rows(km_rows_n(&b->rows));
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

static void show_progress(const struct epoch *e)
{
    const struct km_feed *feed = e->job->feed;
    uint64_t before = (uint64_t)e->number * km_feed_bytes(feed);

    km_progress_show(e->progress, e->job->state.seen_rows + e->of.rows,
                     before + km_feed_stats(feed).bytes);
}

/* This rank's part of a window: `batches` mini-batches; fewer at the end, or when asked to stop. */
static int take_window(struct epoch *e, size_t batches, struct km_err *err)
{
    uint64_t end = e->of.batches + batches;

    while (e->more && e->of.batches < end) {
        struct km_batch *b;
        int rc = next_block(e, &b, err);

        if (rc != KM_MORE)
            return rc;
        take_block(&e->job->state, b, e->number == 0, e->job->phases);
        e->of.rows += km_rows_n(&b->rows);
        e->of.batches += b->ends_mini_batch != 0;
        show_progress(e);
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
    rc = km_team_agree(&e->job->team, rc, err);
    e->first = rc == KM_MORE ? first : NULL;
    return rc < 0 ? rc : km_start(e->job, e->first, err);
}

static void report_epoch(const struct epoch *e, double start, double start_wall)
{
    const struct km_state *state = &e->job->state;
    const char *host = e->job->request->host;
    const struct counts *of = &e->of;

    if (state->stopped)
        km_log(KM_INFO,
               "asked to stop: the pass ends after %" PRIu64
               " rows; the model is made from what has been learned",
               of->rows);
    km_log(KM_INFO, "processed a total of %" PRIu64 " examples", of->rows);
    if (!state->stopped)
        km_report_progress(host, 100.0 * (e->number + 1) / (double)e->job->request->params.epochs);
    km_report_counts(host, start_wall, e->number, "training_data_iter", state->seen_rows,
                     state->seen_batches, of->rows, of->batches, (uint64_t)e->number + 1);
    km_report_throughput(host, (double)of->rows / (km_now() - start));
}

/* A window of this rank, then what all of them have seen in theirs. */
static int run_window(struct epoch *e, struct km_turn *turn, struct km_err *err)
{
    struct km_job *job = e->job;
    struct km_watch *watch = &job->phases[KM_PHASE_EXCHANGE];
    size_t window = km_window(job->state.window_batches, job->plan.window);
    uint64_t before = e->of.batches;
    int rc = take_window(e, window, err); /* and only then e->more is what it has come to */

    if (job->team.ranks > 1)
        km_watch_start(watch);
    rc = km_exchange(&job->state, &job->team, rc, e->more, turn, &job->traffic, err);
    if (job->team.ranks > 1)
        km_watch_stop(watch);
    if (rc == KM_OK)
        rc = move_centers(&e->of, &job->state, &job->phases[KM_PHASE_MOVE], err);
    if (rc == KM_OK)
        show_iteration(&e->of, before);
    job->state.window_batches += window;
    return rc;
}

/* The state has seen what this pass has. */
static void count_in(struct km_state *state, const struct epoch *e, int stopped)
{
    state->stopped = stopped;
    if (e->number == 0)
        state->rows = (uint64_t)e->of.all_rows;
    state->seen_rows += e->of.rows;
    state->seen_batches += e->of.batches;
    state->all_seen_rows += (uint64_t)e->of.all_rows;
}

/* One pass over the rows. */
static int run_epoch(struct km_job *job, int number, struct km_progress *progress,
                     struct km_err *err)
{
    struct epoch e = {.job = job, .number = number, .progress = progress, .more = 1};
    double started = km_now(), started_wall = km_wall();
    struct km_turn turn = {.more = 1};
    int rc = KM_OK;

    if (number > 0)
        rc = km_team_agree(&job->team, km_feed_rewind(job->feed, err), err);
    else
        rc = start(&e, err);
    km_crash_stage("in the pass", 1);
    while (rc == KM_OK && turn.more && !turn.stop)
        rc = run_window(&e, &turn, err);
    if (rc)
        return rc;
    count_in(&job->state, &e, turn.stop);
    km_progress_end(progress);
    if (!turn.stop)
        km_channel_log(&job->said, &job->request->train, job->feed);
    report_epoch(&e, started, started_wall);
    return KM_OK;
}

static int fail_with_few_rows(const struct km_state *state, size_t k, struct km_err *err)
{
    if (state->stopped)
        return km_fail(err, KM_E_SYS,
                       "the job was asked to stop when it had read %" PRIu64
                       " rows, too few for a model of k = %zu clusters",
                       state->rows, k);
    return km_fail(err, KM_E_INPUT,
                   "k is %zu but the train channel has %" PRIu64
                   " rows; a cluster needs at least one row: lower k or provide more data",
                   k, state->rows);
}

int km_pass(struct km_job *job, struct km_err *err)
{
    int64_t epochs = job->request->params.epochs;
    struct km_progress progress;
    double start = km_now();
    int rc = KM_OK;

    km_progress_start(&progress, (uint64_t)epochs * km_feed_bytes(job->feed));
    for (int epoch = 0; rc == KM_OK && epoch < epochs && !job->state.stopped; epoch++) {
        rc = run_epoch(job, epoch, &progress, err);
        if (rc == KM_OK && job->state.rows < job->plan.k)
            rc = fail_with_few_rows(&job->state, job->plan.k, err);
    }
    km_progress_end(&progress);
    job->pass_seconds = km_now() - start;
    return rc;
}
