/* SPDX-License-Identifier: Apache-2.0 */
#include "train/train.h"

#include "base/crash.h"
#include "base/log.h"
#include "io/model.h"
#include "io/output.h"
#include "train/finish.h"
#include "train/pass.h"
#include "train/prepare.h"
#include "train/score.h"
#include <inttypes.h>

static int is_archive(const char *path)
{
    const char *what;

    return km_output_promise(path, &what) == KM_PROMISE_PACKED_MODEL;
}

static int write_output(const char *output, const struct km_mat *model, struct km_err *err)
{
    int rc =
        is_archive(output) ? km_model_pack(output, model, err) : km_model_write(output, model, err);

    if (rc == KM_OK)
        km_log(KM_INFO, "wrote %s", output);
    return rc;
}

/* Writes the centers where they are wanted; from here on the result is safe. */
static int write_model(const struct km_mat *model, const char *model_path, const char *output,
                       struct km_watch *watch, struct km_err *err)
{
    int rc = KM_OK;

    km_crash_stage("while the model was written", 0);
    km_watch_start(watch);
    if (model_path[0])
        rc = km_model_write(model_path, model, err);
    if (rc == KM_OK && model_path[0])
        km_log(KM_INFO, "wrote %s", model_path);
    if (rc == KM_OK && output)
        rc = write_output(output, model, err);
    km_watch_stop(watch);
    return rc;
}

static void report_end(struct km_job *job)
{
    const struct km_watch *ph = job->phases;
    double total = km_now() - job->m->started;
    const char *host = job->request->host;
    double decode = km_feed_stats(job->feed).decode_seconds +
                    (job->test ? km_feed_stats(job->test).decode_seconds : 0);
    const struct km_metric training[] = {
        {"initialize.time", 1e3 * (ph[KM_PHASE_START].sum + ph[KM_PHASE_SEED].sum), 1},
        {"epochs", (double)job->request->params.epochs, 0},
        {"update.time", 1e3 * job->pass_seconds, 1},
        {"_shrink.time", 1e3 * ph[KM_PHASE_SHRINK].sum, 1},
        {"finalize.time", 1e3 * (ph[KM_PHASE_SHRINK].sum + ph[KM_PHASE_REFINE].sum), 1},
        {"model.serialize.time", 1e3 * ph[KM_PHASE_WRITE].sum, 1},
    };
    const struct km_params *p = &job->request->params;
    const struct km_skipped skipped = km_feed_skipped(job->feed);
    const struct km_metric skips[] = {
        {"Bad Records Skipped", (double)skipped.bad, 0},
        {"Records With Missing Values Skipped", (double)skipped.lacking, 0},
    };
    const struct km_metric job_times[] = {
        {"setuptime", 1e3 * ph[KM_PHASE_START].sum, 1},
        {"totaltime", 1e3 * total, 1},
    };

    km_report_metrics(host, job->m->started_wall, km_wall(), -1, NULL, training, 6);
    if (p->bad_records > 0 || p->missing.skip)
        km_report_metrics(host, job->m->started_wall, km_wall(), -1, NULL, skips, 2);
    km_channel_log_skipped(&job->request->train, job->feed);
    km_channel_log_skipped(&job->request->test, job->test);
    if (!job->test)
        km_log(KM_INFO, "Test data is not provided.");
    km_report_metrics(host, job->m->started_wall, km_wall(), -1, NULL, job_times, 2);
    km_report_phases(ph, total, decode);
    if (job->team.ranks > 1)
        km_log(KM_INFO, "the pass exchanged %llu times and sent %.3f MB to the other hosts",
               (unsigned long long)job->traffic.exchanges, (double)job->traffic.sent_bytes / 1e6);
}

/* Only the leader has a model to write. */
static int write_result(struct km_job *job, const char *output, struct km_err *err)
{
    int rc = KM_OK;

    if (job->team.rank == 0)
        rc = write_model(&job->result.model, job->request->model_path, output,
                         &job->phases[KM_PHASE_WRITE], err);
    return km_team_agree(&job->team, rc, err);
}

/* What only later rows had. */
static void log_channels(struct km_job *job)
{
    const struct km_request *r = job->request;

    if (job->state.stopped) /* then the reader threads may be at it */
        return;
    km_channel_log(&job->said, &r->train, job->feed);
    km_channel_log(&job->said, &r->test, job->test);
}

int km_train(const struct km_request *request, const struct km_machine *machine, const char *output,
             struct km_err *err)
{
    struct km_job job = {
        .request = request, .m = machine, .team = km_team_of(machine->comm, request->host)};
    int rc;

    km_crash_stage("in the first look at the data", 0);
    rc = km_prepare(&job, err);
    if (rc == KM_OK)
        rc = km_pass(&job, err);
    if (rc == KM_OK)
        rc = km_finish(&job, err);
    if (rc == KM_OK)
        rc = write_result(&job, output, err);
    if (rc == KM_OK)
        rc = km_score(&job, err);
    km_crash_stage("at the end", 0);
    if (rc == KM_OK)
        report_end(&job);
    if (rc == KM_OK)
        log_channels(&job);
    km_job_done(&job);
    return rc;
}
