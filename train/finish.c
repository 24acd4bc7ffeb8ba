/* SPDX-License-Identifier: Apache-2.0 */
#include "train/finish.h"

#include "algo/refine.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stop.h"
#include "train/channel.h"
#include "train/distinct.h"
#include "train/frame.h"
#include "train/iterate.h"
#include "train/merge.h"
#include "train/sparse.h"
#include "train/spend.h"
#include <float.h>
#include <inttypes.h>
#include <math.h>

/* Attempts that get a line of their own, as many as the original has. */
#define SHOWN_TRIALS 10

static size_t best_of(const struct km_trial *trials, size_t n)
{
    size_t best = 0;

    for (size_t t = 1; t < n; t++)
        if (trials[t].loss < trials[best].loss)
            best = t;
    return best;
}

/* From the leader; a job that is late to stop leaves trials out, of infinite loss. */
static void report_shrink(const struct km_job *job, const double *loss, size_t n)
{
    double weight = 0, msd;
    size_t best = 0;

    if (job->rank > 0)
        return;
    for (size_t j = 0; j < job->from_k; j++)
        weight += job->centers.weight[j];
    weight /= km_frame_unit2(job);
    for (size_t t = 0; t < n; t++) {
        best = loss[t] < loss[best] ? t : best;
        if (t < SHOWN_TRIALS && isfinite(loss[t]))
            km_log(KM_INFO, "local kmeans attempt #%zu. Current mean square distance %s", t,
                   km_report_msd(loss[t] / weight).s);
    }
    msd = loss[best] / weight;
    if (n > SHOWN_TRIALS)
        km_log(KM_INFO, "%zu more attempts; best of all is #%zu. Current mean square distance %s",
               n - SHOWN_TRIALS, best, km_report_msd(msd).s);
    km_log(KM_INFO, "finished shrinking process. Mean Square Distance = %.6g", msd);
    km_report_quality(job->request->host, "train", "msd", msd);
}

/* The centers of the pass are the only trial, the same on all ranks. */
static int take_centers(struct km_job *job, struct km_trial **trials, size_t *n, struct km_err *err)
{
    int rc;

    km_log(KM_INFO, "No shrinking is required as extra_center_factor is 1.");
    *n = 1;
    *trials = km_alloc(1, sizeof(**trials));
    if (!*trials)
        return km_fail(err, KM_E_MEM, "no memory for the centers");
    rc = km_centers_init(&(*trials)->centers, job->from_k, job->d, err);
    if (rc == KM_OK)
        km_centers_copy(&(*trials)->centers, &job->centers);
    return rc;
}

/* The trials of the shrink, which the ranks share out. */
static int shrink(struct km_job *job, struct km_trial **trials, size_t *n, struct km_err *err)
{
    const struct km_params *p = job->p;
    struct km_shrink_options o = {
        .k = (size_t)p->k,
        .trials = km_job_trials(job),
        .plusplus = p->local_lloyd_init_method == KM_INIT_PLUSPLUS,
        .max_iter = (int)p->local_lloyd_max_iter,
        .tol = p->local_lloyd_tol,
        .seed = job->seed,
        .part = (size_t)job->rank,
        .parts = (size_t)job->ranks,
    };
    double *loss = km_alloc(o.trials, sizeof(*loss));
    int rc = loss ? KM_OK : km_fail(err, KM_E_MEM, "no memory for %zu trials", o.trials);

    if (p->local_lloyd_num_trials == KM_AUTO)
        km_log(KM_INFO, "'local_lloyd_num_trials' was set to 'auto', evaluated to %zu.", o.trials);
    km_log(KM_INFO, "shrinking %zu centers into %" PRId64, job->from_k, p->k);
    if (rc == KM_OK)
        rc = km_shrink(trials, &job->centers, &o, job->m->kern, job->m->pool, err);
    if (rc == KM_OK)
        *n = km_shrink_count(&o);
    rc = km_job_agree(job, rc, err);
    if (rc == KM_OK)
        rc = km_merge_trials(job, trials, n, loss, o.trials, err);
    if (rc == KM_OK)
        report_shrink(job, loss, o.trials);
    km_free(loss);
    return rc;
}

/* Operations to spend: by the pass of one rank, as all refine at the same time; few when the job is to
 * end. */
static double budget_of(const struct km_job *job)
{
    if (job->sparse)
        return km_refine_budget(job->stopped ? 0 : job->seen_values, job->from_k, 1);
    return km_refine_budget(job->stopped ? 0 : job->all_seen_rows / (uint64_t)job->ranks,
                            job->from_k, job->d);
}

/* *rows: how many of the sample took part. */
static int refine(struct km_job *job, struct km_centers *best, struct km_trial *trials, size_t n,
                  size_t *rows, struct km_err *err)
{
    struct km_refine_options o = {
        .sample = &job->sample,
        .total_rows = job->rows,
        .coarse = &job->centers,
        .seed = job->seed,
        .rank = (uint64_t)job->rank,
        .flop = budget_of(job),
        .few_flop = job->stopped || job->sparse ? 0 : KM_REFINE_FEW_FLOP,
    };
    struct km_refine_result r = {0};
    int rc = KM_OK;

    if (km_stop_is_late())
        km_centers_copy(best, &trials[best_of(trials, n)].centers);
    else
        rc = km_refine(best, &r, trials, n, &o, job->m->kern, job->m->pool, err);
    rc = km_job_agree(job, rc, err);
    if (rc == KM_OK)
        rc = km_merge_refined(job, best, &r, err);
    *rows = r.rows;
    if (rc || r.rows == 0)
        return rc;
    if (r.kept)
        job->sample_optimism = r.optimism;
    if (job->rank == 0)
        km_log(
            KM_INFO,
            "refined %zu candidates on %zu of %" PRIu64
            " rows in %d iterations, moved %zu centers: msd on these rows %.6g, was %.6g%s",
            r.candidates, r.rows, job->rows, r.iterations, r.moved, r.after * km_frame_unit2(job),
            r.before * km_frame_unit2(job),
            r.kept
                ? ""
                : "; that is no gain that can be expected on all rows, so the best attempt stands");
    return KM_OK;
}

/* The model is the centers in the data's own coordinates, as float32. */
static void fill_model(struct km_job *job, const struct km_centers *c)
{
    double unit = ldexp(1, -job->exponent), most = (double)FLT_MAX;

    for (size_t j = 0; j < c->k; j++)
        for (size_t t = 0; t < c->d; t++) {
            double v = c->exact[j * c->d + t] * unit + (double)job->origin[t];

            km_mat_row(&job->model, j)[t] = (float)fmin(fmax(v, -most), most);
        }
}

int km_finish_centers(struct km_job *job, struct km_err *err)
{
    struct km_centers best = {0};
    struct km_trial *trials = NULL;
    struct km_spend plan = {0};
    size_t n = 0;
    int rc;

    job->sample_optimism = 1;
    km_crash_stage("in the shrink", 0);
    km_watch_start(&job->phases[KM_PHASE_SHRINK]);
    if (job->factor == 1)
        rc = take_centers(job, &trials, &n, err);
    else
        rc = shrink(job, &trials, &n, err);
    km_watch_stop(&job->phases[KM_PHASE_SHRINK]);
    if (rc == KM_OK)
        rc = km_centers_init(&best, (size_t)job->p->k, job->d, err);
    rc = km_job_agree(job, rc, err);
    if (rc == KM_OK)
        rc = km_merge_sample(job, err);
    if (rc == KM_OK)
        rc = km_spend_plan(&plan, job, err);
    if (rc == KM_OK)
        rc = km_job_agree(job, km_held_start(job, &trials[best_of(trials, n)].centers, err), err);
    if (rc)
        goto out;
    if (km_sample_rows(&job->sample) && !plan.alone) {
        km_crash_stage("in the refinement", 0);
        km_watch_start(&job->phases[KM_PHASE_REFINE]);
        rc = refine(job, &best, trials, n, &plan.refined, err);
        km_watch_stop(&job->phases[KM_PHASE_REFINE]);
    } else {
        km_centers_copy(&best, &trials[best_of(trials, n)].centers);
        /* Of trials that are equally good each rank may have taken its own. */
        rc = km_comm_broadcast(job->m->comm, best.exact, best.k * best.d * sizeof(double), 0, err);
        km_centers_refresh(&best);
    }
    if (rc)
        goto out;
    rc = km_spend(&plan, job, &best, err);
    if (rc)
        goto out;
    for (size_t i = 0; i < best.k * best.d; i++)
        if (!isfinite(best.exact[i])) {
            rc = km_fail(err, KM_E_BUG, "center %zu is not finite; please report this", i / best.d);
            goto out;
        }
    fill_model(job, &best);
    rc = km_job_agree(job, km_distinct_warn(job, &best, err), err);
out:
    km_trials_free(trials, n);
    km_centers_done(&best);
    return rc;
}

/* What is needed to score rows as they are given. */
struct given_scorer {
    struct km_given given;
    struct km_assign assign; /* dense rows, or */
    struct km_sparse step;   /* sparse ones */
};

static int given_init(struct given_scorer *s, const struct km_job *job, int sparse,
                      struct km_err *err)
{
    size_t k = job->model.n, d = job->d;
    int rc = km_given_init(&s->given, &job->model, job->origin, job->exponent, err);

    if (rc == KM_OK && sparse)
        rc = km_sparse_init(&s->step, job->m->kern, job->m->pool, km_sparse_block_rows(job), k, d,
                            err);
    else if (rc == KM_OK)
        rc = km_assign_init(&s->assign, job->m->kern, job->m->pool, km_job_block_rows(job), k, d,
                            err);
    return rc;
}

static void given_done(struct given_scorer *s)
{
    km_given_done(&s->given);
    km_assign_done(&s->assign);
    km_sparse_done(&s->step);
}

/* What scoring a channel gives, as one list of numbers that ranks can add up. */
struct score {
    double ssd, rows, blocks;
    double cut; /* ranks that did not come to the end, as they were asked to stop */
};

/* Sum of squared distances over a whole pass of this rank's feed, whose rows come as given. */
static int score_own(struct km_job *job, struct km_feed *feed, struct score *score,
                     struct km_err *err)
{
    struct given_scorer s = {0};
    struct km_batch *b;
    int rc = given_init(&s, job, km_feed_format(feed)->kind == KM_SPARSE, err);

    while (rc == KM_OK && (rc = km_feed_next(feed, &b, err)) == KM_MORE) {
        score->ssd += b->s.d ? km_sparse_ssd_given(&s.step, &b->s, &s.given)
                             : km_assign_ssd_given(&s.assign, &b->x, &s.given);
        score->rows += (double)km_batch_rows(b);
        score->blocks++;
        rc = KM_OK;
        if (km_stop_asked()) {
            score->cut = 1;
            break;
        }
    }
    if (km_feed_stopped(feed))
        score->cut = 1;
    given_done(&s);
    return rc;
}

/* The same of all ranks' feeds; this rank's is ready for a pass if rc says so. */
static int score_feed(struct km_job *job, struct km_feed *feed, int rc, struct score *score,
                      struct km_err *err)
{
    *score = (struct score){0};
    if (rc == KM_OK)
        rc = score_own(job, feed, score, err);
    rc = km_job_agree(job, rc, err);
    if (rc)
        return rc;
    return km_comm_sum(job->m->comm, &score->ssd, sizeof(*score) / sizeof(double), err);
}

/* The model's rows relative to the origin. */
static int model_centers(struct km_centers *c, const struct km_job *job, struct km_err *err)
{
    size_t d = job->d;
    int rc = km_centers_init(c, job->model.n, d, err);

    for (size_t j = 0; rc == KM_OK && j < c->k; j++)
        for (size_t t = 0; t < d; t++)
            c->exact[j * d + t] = ldexp(
                (double)km_mat_row(&job->model, j)[t] - (double)job->origin[t], job->exponent);
    if (rc == KM_OK)
        km_centers_refresh(c);
    return rc;
}

/* The msd that rows in memory tell, with its standard error. */
static int score_sample(struct km_job *job, struct km_err *err)
{
    struct km_estimate e = {0};
    struct km_centers c = {0};
    int rc = model_centers(&c, job, err);

    if (rc == KM_OK)
        rc = km_held_estimate(&e, job, &c, err);
    km_centers_done(&c);
    if (rc)
        return rc;
    if (e.rows < job->rows)
        km_log(KM_INFO,
               "train data_msd is estimated on a sample of %zu of %" PRIu64
               " rows; its standard error is %.2g",
               e.rows, job->rows, sqrt(e.variance) * km_frame_unit2(job));
    km_report_quality(job->request->host, "train", "data_msd", e.mean * km_frame_unit2(job));
    return KM_OK;
}

/* The true msd of the train data: on all rows as given, where they are quickly read again. */
static int score_train(struct km_job *job, struct km_err *err)
{
    struct score score;
    int can, rc = km_iterate_can(job, &can, err);

    if (rc)
        return rc;
    if (can && !job->stopped) {
        if (job->rank == 0)
            km_log(KM_INFO, "reading the train data once more for its exact msd");
        rc = km_feed_rewind(job->feed, err);
        rc = score_feed(job, job->feed, rc ? rc : km_feed_as_given(job->feed, err), &score, err);
        if (rc == KM_OK && score.cut > 0)
            km_log(KM_INFO, "train data_msd is not measured, as the job was asked to stop");
        else if (rc == KM_OK && job->rank == 0)
            km_report_quality(job->request->host, "train", "data_msd", score.ssd / score.rows);
        return rc;
    }
    if (km_sample_rows(&job->sample)) /* the same on all ranks */
        return km_job_agree(job, job->rank == 0 ? score_sample(job, err) : KM_OK, err);
    if (job->rank == 0)
        km_log(KM_INFO,
               "train data_msd is not measured: the data %s and refine_rows is 0; name the train "
               "data as the test channel to have it scored",
               job->stopped     ? "is not read again by a job that was asked to stop"
               : job->read_once ? "can be read only once"
                                : "is large");
    return KM_OK;
}

static void report_test(const struct km_job *job, const struct score *score)
{
    const char *host = job->request->host;
    double msd = score->ssd / score->rows;

    if (job->p->eval_msd)
        km_log(KM_INFO, "#test_score (%s) : ('msd', %.17g)", host, msd);
    if (job->p->eval_ssd)
        km_log(KM_INFO, "#test_score (%s) : ('ssd', %.17g)", host, score->ssd);
    if (job->p->eval_msd)
        km_report_quality(host, "test", "msd", msd);
    if (job->p->eval_ssd)
        km_report_quality(host, "test", "ssd", score->ssd);
}

static int score_test(struct km_job *job, struct km_err *err)
{
    double start = km_wall();
    struct score score;
    uint64_t rows, blocks;
    const struct km_files *files = &job->request->test.files;
    char note[512];
    int rc = score_feed(job, job->test, KM_OK, &score, err);

    if (rc)
        return rc;
    if (score.cut > 0) {
        km_log(KM_INFO, "the test channel is not scored, as the job was asked to stop");
        return KM_OK;
    }
    if (score.rows == 0)
        return km_fail(err, KM_E_INPUT,
                       "the test channel holds not one row (%zu file(s), the first is %s%s)",
                       files->n, files->n ? files->path[0] : "none",
                       km_channel_note(job->test, note, sizeof(note)));
    if (job->rank > 0)
        return KM_OK;
    rows = (uint64_t)score.rows;
    blocks = (uint64_t)score.blocks;
    km_report_counts(job->request->host, start, -1, "test_data_iter", rows, blocks, rows, blocks,
                     0);
    report_test(job, &score);
    return KM_OK;
}

int km_finish_scores(struct km_job *job, struct km_err *err)
{
    int rc;

    km_crash_stage("while the model was scored", 0);
    km_watch_start(&job->phases[KM_PHASE_SCORE]);
    rc = score_train(job, err);
    if (rc == KM_OK && job->test && job->stopped)
        km_log(KM_INFO, "the test channel is not scored, as the job was asked to stop");
    else if (rc == KM_OK && job->test)
        rc = score_test(job, err);
    km_watch_stop(&job->phases[KM_PHASE_SCORE]);
    return rc;
}
