/* SPDX-License-Identifier: Apache-2.0 */
#include "train/train.h"

#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/feed.h"
#include "io/model.h"
#include "io/output.h"
#include "train/channel.h"
#include "train/finish.h"
#include "train/job.h"
#include "train/pass.h"
#include "train/peers.h"
#include "train/report.h"
#include "train/sparse.h"
#include <inttypes.h>
#include <string.h>

/* Cuts the rows of a channel into blocks; mini_batch 0: each block is one. */
static void cut(const struct km_job *job, struct km_feed *feed, size_t mini_batch)
{
    size_t block = km_job_block_rows(job);

    if (job->sparse && km_feed_format(feed)->kind == KM_RECORDIO) {
        km_feed_keep_sparse(feed, km_sparse_block_values(job));
        block = km_sparse_block_rows(job);
    }
    km_feed_cut(feed, mini_batch ? mini_batch : block, block);
}

static int open_train(struct km_job *job, struct km_err *err)
{
    const struct km_channel *train = &job->request->train;
    const char *once = km_channel_once(&train->files);

    job->read_once = once != NULL;
    if (once && job->p->epochs > 1)
        return km_fail(err, KM_E_INPUT,
                       "%s is no regular file and can be read only once, but epochs is %" PRId64
                       ": set epochs to 1, or save the data in a file",
                       once, job->p->epochs);
    job->part = km_alloc((size_t)job->ranks + 1, sizeof(*job->part));
    if (!job->part)
        return km_fail(err, KM_E_MEM, "no memory for the shares of %d hosts", job->ranks);
    job->d = (size_t)job->p->feature_dim;
    return km_channel_open(job, &job->feed, train, err);
}

/* The number of centers of the pass, which depends on how many rows there are, about, on all hosts. */
static int choose_factor(struct km_job *job, struct km_err *err)
{
    double each = km_feed_row_bytes(job->feed), bytes = (double)km_job_bytes(job);
    double told[] = {each > 0 ? bytes / each : 0, job->read_once};
    int rc = km_comm_sum(job->m->comm, told, 2, err);

    if (rc)
        return rc;
    if (job->p->extra_center_factor == KM_AUTO) {
        int known = told[1] == 0 && job->p->refine_rows != 0; /* 0: exactly what is documented */

        job->factor = km_job_auto_factor((size_t)job->p->k, known ? told[0] : 0);
        km_log(KM_INFO, "'extra_center_factor' was set to 'auto', evaluated to %zu.", job->factor);
    }
    job->from_k = (size_t)job->p->k * job->factor;
    return KM_OK;
}

/* Opens every file of the request and decodes its first row, on all ranks. */
static int open_channels(struct km_job *job, struct km_err *err)
{
    const struct km_request *r = job->request;
    int rc = open_train(job, err);

    rc = km_peers_meet(job, &r->train, &job->feed, rc, &job->d, err);
    if (rc)
        return rc;
    rc = choose_factor(job, err);
    if (rc == KM_OK)
        rc = km_sparse_choose(job, err);
    if (rc == KM_OK)
        rc = km_held_choose(job, err);
    if (rc == KM_OK)
        cut(job, job->feed, (size_t)job->p->mini_batch_size);
    if (rc == KM_OK && r->test.present)
        rc = km_channel_open(job, &job->test, &r->test, err);
    if (rc == KM_OK && r->test.present)
        cut(job, job->test, 0);
    return r->test.present ? km_peers_meet(job, &r->test, &job->test, rc, &job->d, err)
                           : km_job_agree(job, rc, err);
}

static int dense_init(struct km_job *job, struct km_err *err)
{
    size_t block = km_job_block_rows(job);
    struct km_sample_size size = {km_job_sample_capacity(job), 0, job->d, block, job->from_k};
    int rc = km_centers_init(&job->centers, job->from_k, job->d, err);

    if (rc == KM_OK)
        rc = km_sums_init(&job->sums, job->from_k, job->d, err);
    if (rc == KM_OK)
        rc = km_assign_init(&job->assign, job->m->kern, job->m->pool, block, job->from_k, job->d,
                            err);
    if (rc == KM_OK)
        rc = km_sample_init(&job->sample, &size, job->seed ^ (uint64_t)job->rank << 32, err);
    size.rows = km_job_held_rows(job);
    if (rc == KM_OK)
        rc = km_held_init(job, &size, err);
    return rc;
}

static int job_init(struct km_job *job, struct km_err *err)
{
    int rc = km_job_check_memory(job, err);

    if (rc == KM_OK)
        rc = job->sparse ? km_sparse_job_init(job, err) : dense_init(job, err);
    if (rc == KM_OK)
        rc = km_mat_init(&job->model, (size_t)job->p->k, job->d, err);
    job->origin = km_alloc(job->d, sizeof(*job->origin));
    if (rc == KM_OK && !job->origin)
        rc = km_fail(err, KM_E_MEM, "no memory for the origin");
    return rc;
}

static void job_done(struct km_job *job)
{
    km_feed_close(job->feed);
    km_feed_close(job->test);
    km_centers_done(&job->centers);
    km_sums_done(&job->sums);
    km_assign_done(&job->assign);
    km_sample_done(&job->sample);
    km_held_done(&job->held);
    km_sparse_job_done(job);
    km_mat_done(&job->model);
    km_free(job->origin);
    km_free(job->part);
}

static int is_archive(const char *path)
{
    const char *what;

    return km_output_promise(path, &what) == KM_PROMISE_PACKED_MODEL;
}

/* Writes the centers where they are wanted; from here on the result is safe. */
static int write_model(struct km_job *job, const char *output, struct km_err *err)
{
    int rc = KM_OK;

    if (job->rank > 0)
        return KM_OK;
    km_crash_stage("while the model was written", 0);
    km_watch_start(&job->phases[KM_PHASE_WRITE]);
    if (job->request->model_path[0])
        rc = km_model_write(job->request->model_path, &job->model, err);
    if (rc == KM_OK && output)
        rc = is_archive(output) ? km_model_pack(output, &job->model, err)
                                : km_model_write(output, &job->model, err);
    km_watch_stop(&job->phases[KM_PHASE_WRITE]);
    if (rc == KM_OK && job->request->model_path[0])
        km_log(KM_INFO, "wrote %s", job->request->model_path);
    if (rc == KM_OK && output)
        km_log(KM_INFO, "wrote %s", output);
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
        {"epochs", (double)job->p->epochs, 0},
        {"update.time", 1e3 * job->pass_seconds, 1},
        {"_shrink.time", 1e3 * ph[KM_PHASE_SHRINK].sum, 1},
        {"finalize.time", 1e3 * (ph[KM_PHASE_SHRINK].sum + ph[KM_PHASE_REFINE].sum), 1},
        {"model.serialize.time", 1e3 * ph[KM_PHASE_WRITE].sum, 1},
    };
    const struct km_metric job_times[] = {
        {"setuptime", 1e3 * ph[KM_PHASE_START].sum, 1},
        {"totaltime", 1e3 * total, 1},
    };

    km_report_metrics(host, job->m->started_wall, km_wall(), -1, NULL, training, 6);
    if (!job->test)
        km_log(KM_INFO, "Test data is not provided.");
    km_report_metrics(host, job->m->started_wall, km_wall(), -1, NULL, job_times, 2);
    km_report_phases(ph, total, decode);
    if (job->ranks > 1)
        km_log(KM_INFO, "the pass exchanged %llu times and sent %.3f MB to the other hosts",
               (unsigned long long)job->exchanges, (double)job->sent_bytes / 1e6);
}

static void job_from(struct km_job *job)
{
    const struct km_params *p = job->p;

    job->rank = km_comm_rank(job->m->comm);
    job->ranks = km_comm_size(job->m->comm);
    job->seed = (uint64_t)p->seed;
    job->factor =
        (size_t)p->extra_center_factor; /* auto: chosen when the rows have been looked at */
}

/* Everything up to the first row of the pass. */
static int prepare(struct km_job *job, struct km_err *err)
{
    int rc = open_channels(job, err);

    if (rc == KM_OK)
        rc = km_job_agree(job, job_init(job, err), err);
    job->phases[KM_PHASE_START].sum = km_now() - job->m->started;
    job->phases[KM_PHASE_START].calls = 1;
    return rc;
}

int km_train(const struct km_request *request, const struct km_machine *machine, const char *output,
             struct km_err *err)
{
    struct km_job job = {.request = request, .m = machine, .p = &request->params};
    int rc;

    job_from(&job);
    km_crash_stage("in the first look at the data", 0);
    rc = prepare(&job, err);
    if (rc == KM_OK)
        rc = km_pass(&job, err);
    if (rc == KM_OK && job.sparse)
        rc = km_sparse_finish(&job, err);
    if (rc == KM_OK)
        rc = km_finish_centers(&job, err);
    if (rc == KM_OK)
        rc = km_job_agree(&job, write_model(&job, output, err), err);
    if (rc == KM_OK)
        rc = km_finish_scores(&job, err);
    km_crash_stage("at the end", 0);
    if (rc == KM_OK)
        report_end(&job);
    if (rc == KM_OK) { /* what only later rows had */
        km_channel_log(&job, &request->train, job.feed);
        km_channel_log(&job, &request->test, job.test);
    }
    job_done(&job);
    return rc;
}
