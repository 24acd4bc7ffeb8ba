/* SPDX-License-Identifier: Apache-2.0 */
#include "train/prepare.h"

#include "base/log.h"
#include "train/peers.h"
#include <inttypes.h>

/* A file that can be read only once goes with one epoch. */
static int check_once(const struct km_files *files, int64_t epochs, struct km_err *err)
{
    const char *once = km_channel_once(files);

    if (!once || epochs <= 1)
        return KM_OK;
    return km_fail(err, KM_E_INPUT,
                   "%s is no regular file and can be read only once, but epochs is %" PRId64
                   ": set epochs to 1, or save the data in a file",
                   once, epochs);
}

/* Opens the files of a channel and decodes its first row, on all ranks. */
static int open_channel(struct km_job *job, struct km_feed **feed, const struct km_channel *channel,
                        size_t *d, struct km_err *err)
{
    int rc = KM_OK;

    if (!job->feed)
        rc = check_once(&channel->files, job->request->params.epochs, err);
    if (rc == KM_OK)
        rc = km_channel_open(feed, channel, &job->team, job->feed, d, &job->request->params, err);
    if (rc == KM_OK) {
        km_feed_share(*feed, job->m->pool);
        km_channel_log(&job->said, channel, *feed);
    }
    return km_peers_meet(&job->team, channel, job->request->test.present, feed, rc, d, err);
}

/* Every file of the request, and the plan that its first rows allow. */
static int open_channels(struct km_job *job, struct km_err *err)
{
    const struct km_request *r = job->request;
    const struct km_files *files = &r->train.files;
    size_t d = (size_t)r->params.feature_dim;
    int rc = open_channel(job, &job->feed, &r->train, &d, err);

    if (rc == KM_OK)
        rc = km_plan_make(&job->plan, &r->params, &job->team, job->feed, d, files->total,
                          km_channel_once(files) != NULL, err);
    if (rc)
        return rc;
    km_plan_cut(&job->plan, job->feed, job->plan.mini_batch);
    if (r->test.present)
        rc = open_channel(job, &job->test, &r->test, &d, err);
    if (rc == KM_OK && r->test.present)
        km_plan_cut(&job->plan, job->test, 0);
    return rc;
}

/* The sample, and the rows that only measure: with a seed that no sample has. */
static int make_samples(struct km_job *job, struct km_err *err)
{
    const struct km_plan *plan = &job->plan;
    uint64_t seed = (uint64_t)job->request->params.seed ^ (uint64_t)job->team.rank << 32;
    struct km_sample_size size = {plan->sample.rows, plan->sample.values, plan->shape.d,
                                  km_plan_block(plan, &plan->shape).rows, plan->from_k};
    int rc = km_sample_init(&job->state.sample, &size, seed, err);

    size.rows = plan->held.rows;
    size.values = plan->held.values;
    return rc ? rc : km_sample_init(&job->state.held, &size, ~seed, err);
}

/* Memory for what is learned, and for the model. */
static int make_room(struct km_job *job, struct km_err *err)
{
    const struct km_params *p = &job->request->params;
    const struct km_plan *plan = &job->plan;
    const struct km_room block = km_plan_block(plan, &plan->shape);
    const struct km_learner_size learner = {plan->from_k, plan->shape, block.rows, job->team.ranks,
                                            (double)p->half_life_time_size};
    struct km_state *state = &job->state;
    int rc = km_plan_check_memory(plan, p, job->team.ranks, err);

    if (rc == KM_OK)
        rc = km_learner_new(&state->learner, &learner, job->m->kern, job->m->pool, err);
    if (rc == KM_OK)
        rc = make_samples(job, err);
    if (rc == KM_OK)
        rc = km_mat_init(&job->result.model, plan->k, plan->shape.d, err);
    if (rc == KM_OK)
        rc = km_row_frame_init(&state->frame, plan->shape.d, err);
    return rc;
}

int km_prepare(struct km_job *job, struct km_err *err)
{
    int rc = open_channels(job, err);

    if (rc == KM_OK)
        rc = km_team_agree(&job->team, make_room(job, err), err);
    job->phases[KM_PHASE_START].sum = km_now() - job->m->started;
    job->phases[KM_PHASE_START].calls = 1;
    return rc;
}

void km_job_done(struct km_job *job)
{
    km_feed_close(job->feed);
    km_feed_close(job->test);
    km_state_done(&job->state);
    km_mat_done(&job->result.model);
    km_held_done(&job->result.held);
}
