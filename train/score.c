/* SPDX-License-Identifier: Apache-2.0 */
#include "train/score.h"

#include "algo/predict.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/stop.h"
#include <inttypes.h>
#include <math.h>

/* What scoring a channel gives, as one list of numbers that ranks can add up. */
struct score {
    double ssd, rows, blocks;
    double cut; /* ranks that did not come to the end, as they were asked to stop */
};

/* What measures the rows of a channel as they are given. */
static int open_scorer(struct km_predict **p, const struct km_job *job, const struct km_feed *feed,
                       struct km_err *err)
{
    const struct km_row_frame *frame = &job->state.frame;
    const struct km_written model = {&job->result.model, frame->origin, frame->exponent};
    const struct km_shape shape = km_feed_shape(feed);
    const struct km_step_size size = {.rows = km_plan_block(&job->plan, &shape).rows,
                                      .k = job->plan.k,
                                      .d = shape.d,
                                      .sparse = shape.sparse};

    return km_predict_new(p, &model, &size, job->m->kern, job->m->pool, err);
}

/* Sum of squared distances over a whole pass of this rank's feed, whose rows come as given. */
static int score_own(struct km_predict *p, struct km_feed *feed, struct score *score,
                     struct km_err *err)
{
    struct km_batch *b;
    int rc = KM_OK;

    while (rc == KM_OK && (rc = km_feed_next(feed, &b, err)) == KM_MORE) {
        score->ssd += km_predict(p, NULL, &b->rows);
        score->rows += (double)km_rows_n(&b->rows);
        score->blocks++;
        rc = KM_OK;
        if (km_stop_asked()) {
            score->cut = 1;
            break;
        }
    }
    if (km_feed_stopped(feed))
        score->cut = 1;
    return rc;
}

/* The same of all ranks' feeds; this rank's is ready for a pass if rc says so. */
static int score_feed(const struct km_job *job, struct km_feed *feed, int rc, struct score *score,
                      struct km_err *err)
{
    struct km_predict *p = NULL;

    *score = (struct score){0};
    if (rc == KM_OK)
        rc = open_scorer(&p, job, feed, err);
    if (rc == KM_OK)
        rc = score_own(p, feed, score, err);
    km_predict_free(p);
    rc = km_team_agree(&job->team, rc, err);
    if (rc)
        return rc;
    return km_comm_sum(job->team.comm, &score->ssd, sizeof(*score) / sizeof(double), err);
}

/* ---- the train channel ---- */

/* The msd that rows in memory tell, with its standard error. */
static int score_kept(const struct km_state *state, const struct km_result *result,
                      const struct km_machine *m, const char *host, struct km_err *err)
{
    const struct km_row_frame *frame = &state->frame;
    const struct km_written model = {&result->model, frame->origin, frame->exponent};
    double unit2 = km_row_frame_unit2(frame);
    struct km_estimate e = {0};
    int rc = km_held_estimate(&e, &result->held, &state->held, &state->sample, &model, m, err);

    if (rc)
        return rc;
    if (e.rows < state->rows)
        km_log(KM_INFO,
               "train data_msd is estimated on a sample of %zu of %" PRIu64
               " rows; its standard error is %.2g",
               e.rows, state->rows, sqrt(e.variance) * unit2);
    if (e.seen && e.rows < state->rows)
        e.mean *= result->optimism;
    km_report_quality(host, "train", "data_msd", e.mean * unit2);
    return KM_OK;
}

/* On all rows as given. */
static int score_again(struct km_job *job, struct km_err *err)
{
    struct score score;
    int rc;

    if (job->team.rank == 0)
        km_log(KM_INFO, "reading the train data once more for its exact msd");
    rc = km_feed_rewind(job->feed, err);
    if (rc == KM_OK)
        rc = km_feed_as_given(job->feed, err);
    rc = score_feed(job, job->feed, rc, &score, err);
    if (rc == KM_OK && score.cut > 0)
        km_log(KM_INFO, "train data_msd is not measured, as the job was asked to stop");
    else if (rc == KM_OK && job->team.rank == 0)
        km_report_quality(job->request->host, "train", "data_msd", score.ssd / score.rows);
    return rc;
}

/* The true msd of the train data, where it is quickly read again; else what rows in memory say. */
static int score_train(struct km_job *job, struct km_err *err)
{
    const struct km_state *state = &job->state;
    int rc = KM_OK;

    if (job->plan.again && !state->stopped)
        return score_again(job, err);
    if (km_sample_rows(&state->sample)) { /* the same on all ranks */
        if (job->team.rank == 0)
            rc = score_kept(state, &job->result, job->m, job->request->host, err);
        return km_team_agree(&job->team, rc, err);
    }
    if (job->team.rank == 0)
        km_log(KM_INFO,
               "train data_msd is not measured: the data %s and refine_rows is 0; name the train "
               "data as the test channel to have it scored",
               state->stopped        ? "is not read again by a job that was asked to stop"
               : job->plan.read_once ? "can be read only once"
                                     : "is large");
    return KM_OK;
}

/* ---- the test channel ---- */

static void report_test(const char *host, const struct score *score, int eval_msd, int eval_ssd)
{
    double msd = score->ssd / score->rows;

    if (eval_msd)
        km_log(KM_INFO, "#test_score (%s) : ('msd', %.17g)", host, msd);
    if (eval_ssd)
        km_log(KM_INFO, "#test_score (%s) : ('ssd', %.17g)", host, score->ssd);
    if (eval_msd)
        km_report_quality(host, "test", "msd", msd);
    if (eval_ssd)
        km_report_quality(host, "test", "ssd", score->ssd);
}

static int fail_without_rows(const struct km_files *files, const struct km_feed *feed,
                             struct km_err *err)
{
    char note[512];

    return km_fail(err, KM_E_INPUT,
                   "the test channel holds not one row (%zu file(s), the first is %s%s)", files->n,
                   files->n ? files->path[0] : "none", km_channel_note(feed, note, sizeof(note)));
}

static int score_test(struct km_job *job, struct km_err *err)
{
    const struct km_params *p = &job->request->params;
    const char *host = job->request->host;
    double start = km_wall();
    struct score score;
    uint64_t rows, blocks;
    int rc = score_feed(job, job->test, KM_OK, &score, err);

    if (rc)
        return rc;
    if (score.cut > 0) {
        km_log(KM_INFO, "the test channel is not scored, as the job was asked to stop");
        return KM_OK;
    }
    if (score.rows == 0)
        return fail_without_rows(&job->request->test.files, job->test, err);
    if (job->team.rank > 0)
        return KM_OK;
    rows = (uint64_t)score.rows;
    blocks = (uint64_t)score.blocks;
    km_report_counts(host, start, -1, "test_data_iter", rows, blocks, rows, blocks, 0);
    report_test(host, &score, p->eval_msd, p->eval_ssd);
    return KM_OK;
}

int km_score(struct km_job *job, struct km_err *err)
{
    struct km_watch *watch = &job->phases[KM_PHASE_SCORE];
    int rc;

    km_crash_stage("while the model was scored", 0);
    km_watch_start(watch);
    rc = score_train(job, err);
    if (rc == KM_OK && job->test && job->state.stopped)
        km_log(KM_INFO, "the test channel is not scored, as the job was asked to stop");
    else if (rc == KM_OK && job->test)
        rc = score_test(job, err);
    km_watch_stop(watch);
    return rc;
}
