/* SPDX-License-Identifier: Apache-2.0 */
#include "train/finish.h"

#include "algo/refine.h"
#include "base/log.h"
#include "base/mem.h"
#include "train/sparse.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Up to this size the train data is read once more for its exact msd; above, the reservoir tells.
 */
#define RESCORE_BYTES ((uint64_t)512 << 20)
/* Attempts that get a line of their own, as many as the original has. */
#define SHOWN_TRIALS 10

/* Rows of the sample, dense or sparse. */
static size_t sample_rows(const struct km_job *job)
{
    return job->sparse ? job->sparse_sample.rows.n : job->reservoir.rows.n;
}

static size_t best_of(const struct km_trial *trials, size_t n)
{
    size_t best = 0;

    for (size_t t = 1; t < n; t++)
        if (trials[t].loss < trials[best].loss)
            best = t;
    return best;
}

static void report_shrink(const struct km_job *job, const struct km_trial *trials, size_t n)
{
    double weight = 0;
    size_t best = best_of(trials, n);

    for (size_t j = 0; j < job->from_k; j++)
        weight += job->centers.weight[j];
    for (size_t t = 0; t < n && t < SHOWN_TRIALS; t++)
        km_log(KM_INFO, "local kmeans attempt #%zu. Current mean square distance %f", t,
               trials[t].loss / weight);
    if (n > SHOWN_TRIALS)
        km_log(KM_INFO, "%zu more attempts; best of all is #%zu. Current mean square distance %f",
               n - SHOWN_TRIALS, best, trials[best].loss / weight);
    km_log(KM_INFO, "finished shrinking process. Mean Square Distance = %.6g",
           trials[best].loss / weight);
    km_report_quality(job->request->host, "train", "msd", trials[best].loss / weight);
}

/* The trials of the shrink; with extra_center_factor 1 the centers of the pass are the only one. */
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
    };
    int rc;

    if (job->factor == 1) {
        km_log(KM_INFO, "No shrinking is required as extra_center_factor is 1.");
        *n = 1;
        *trials = km_alloc(1, sizeof(**trials));
        if (!*trials)
            return km_fail(err, KM_E_MEM, "no memory for the centers");
        rc = km_centers_init(&(*trials)->centers, (size_t)p->k, job->d, err);
        if (rc == KM_OK)
            km_centers_copy(&(*trials)->centers, &job->centers);
        return rc;
    }
    if (p->local_lloyd_num_trials == KM_AUTO)
        km_log(KM_INFO, "'local_lloyd_num_trials' was set to 'auto', evaluated to %zu.", o.trials);
    km_log(KM_INFO, "shrinking %zu centers into %" PRId64, job->from_k, p->k);
    *n = o.trials;
    rc = km_shrink(trials, &job->centers, &o, job->m->kern, job->m->pool, err);
    if (rc == KM_OK)
        report_shrink(job, *trials, *n);
    return rc;
}

static int refine(struct km_job *job, struct km_centers *best, struct km_trial *trials, size_t n,
                  struct km_err *err)
{
    struct km_refine_options o = {
        .rows = job->sparse ? NULL : &job->reservoir.rows,
        .sparse = job->sparse ? &job->sparse_sample.rows : NULL,
        .total_rows = job->rows,
        .coarse = &job->centers,
        .flop = job->sparse ? km_refine_budget(job->seen_values, job->from_k, 1)
                            : km_refine_budget(job->seen_rows, job->from_k, job->d),
    };
    struct km_refine_result r;
    int rc = km_refine(best, &r, trials, n, &o, job->m->kern, job->m->pool, err);

    if (rc)
        return rc;
    if (r.kept)
        job->sample_optimism = km_refine_optimism(r.rows, job->rows, (size_t)job->p->k);
    km_log(KM_INFO,
           "refined %zu candidates on %zu of %" PRIu64
           " rows in %d iterations: msd on these rows %.6g, was %.6g%s",
           r.candidates, r.rows, job->rows, r.iterations, r.after, r.before,
           r.kept ? "" : "; too few rows to be sure of a gain, so the best attempt stands");
    return KM_OK;
}

/* The model is the centers in the data's own coordinates, as float32. */
static void fill_model(struct km_job *job, const struct km_centers *c)
{
    for (size_t j = 0; j < c->k; j++)
        for (size_t t = 0; t < c->d; t++)
            km_mat_row(&job->model, j)[t] =
                (float)(c->exact[j * c->d + t] + (double)job->origin[t]);
}

static int compare_rows(const void *a, const void *b, void *d)
{
    return memcmp(*(float *const *)a, *(float *const *)b, *(size_t *)d * sizeof(float));
}

/* Fewer different rows than k leave centers that are copies of others: valid, but worth a word. */
static int warn_of_copies(const struct km_mat *model, struct km_err *err)
{
    float **rows = km_alloc(model->n, sizeof(*rows));
    size_t distinct = 1, d = model->d;

    if (!rows)
        return km_fail(err, KM_E_MEM, "no memory to compare the centers");
    for (size_t j = 0; j < model->n; j++)
        rows[j] = km_mat_row(model, j);
    qsort_r(rows, model->n, sizeof(*rows), compare_rows, &d);
    for (size_t j = 1; j < model->n; j++)
        distinct += compare_rows(&rows[j - 1], &rows[j], &d) != 0;
    if (distinct < model->n)
        km_log(KM_WARNING,
               "only %zu of the %zu centers differ from each other: the data has fewer distinct "
               "rows than "
               "k, or a larger mini_batch_size is needed to start from",
               distinct, model->n);
    km_free(rows);
    return KM_OK;
}

int km_finish_centers(struct km_job *job, struct km_err *err)
{
    struct km_centers best = {0};
    struct km_trial *trials = NULL;
    size_t n = 0;
    int rc;

    job->sample_optimism = 1;
    km_watch_start(&job->phases[KM_PHASE_SHRINK]);
    rc = shrink(job, &trials, &n, err);
    km_watch_stop(&job->phases[KM_PHASE_SHRINK]);
    if (rc == KM_OK)
        rc = km_centers_init(&best, (size_t)job->p->k, job->d, err);
    if (rc)
        goto out;
    if (sample_rows(job)) {
        km_watch_start(&job->phases[KM_PHASE_REFINE]);
        rc = refine(job, &best, trials, n, err);
        km_watch_stop(&job->phases[KM_PHASE_REFINE]);
    } else {
        km_centers_copy(&best, &trials[best_of(trials, n)].centers);
    }
    if (rc)
        goto out;
    for (size_t i = 0; i < best.k * best.d; i++)
        if (!isfinite(best.exact[i])) {
            rc = km_fail(err, KM_E_BUG, "center %zu is not finite; please report this", i / best.d);
            goto out;
        }
    fill_model(job, &best);
    rc = warn_of_copies(&job->model, err);
out:
    km_trials_free(trials, n);
    km_centers_done(&best);
    return rc;
}

/* What is needed to score rows against the model. */
struct scorer {
    struct km_centers centers; /* the model's rows relative to the origin */
    struct km_assign assign;   /* dense rows, or */
    struct km_sparse step;     /* sparse ones */
};

static int scorer_init(struct scorer *s, const struct km_job *job, int sparse, size_t rows,
                       struct km_err *err)
{
    size_t k = job->model.n, d = job->d;
    int rc = km_centers_init(&s->centers, k, d, err);

    if (rc == KM_OK && sparse)
        rc = km_sparse_init(&s->step, job->m->kern, job->m->pool, rows, k, d, err);
    else if (rc == KM_OK)
        rc = km_assign_init(&s->assign, job->m->kern, job->m->pool, rows, k, d, err);
    for (size_t j = 0; rc == KM_OK && j < k; j++) {
        float *row = km_mat_row(&s->centers.c, j); /* scratch: km_centers_set writes the same */

        for (size_t t = 0; t < d; t++)
            row[t] = km_mat_row(&job->model, j)[t] - job->origin[t];
        km_centers_set(&s->centers, j, row, 0);
    }
    return rc;
}

static void scorer_done(struct scorer *s)
{
    km_centers_done(&s->centers);
    km_assign_done(&s->assign);
    km_sparse_done(&s->step);
}

/* Sum of squared distances over a whole pass of a feed. */
static int score_feed(struct km_job *job, struct km_feed *feed, double *ssd, uint64_t *rows,
                      uint64_t *blocks, struct km_err *err)
{
    struct scorer s = {0};
    struct km_batch *b;
    int sparse = km_feed_format(feed)->kind == KM_SPARSE;
    size_t most = sparse ? km_sparse_block_rows(job) : km_job_block_rows(job);
    int rc = scorer_init(&s, job, sparse, most, err);

    *ssd = 0;
    *rows = *blocks = 0;
    while (rc == KM_OK && (rc = km_feed_next(feed, &b, err)) == KM_MORE) {
        *ssd += sparse ? km_sparse_ssd(&s.step, &b->s, &s.centers)
                       : km_assign_ssd(&s.assign, &b->x, &s.centers);
        *rows += km_batch_rows(b);
        ++*blocks;
        rc = KM_OK;
    }
    scorer_done(&s);
    return rc;
}

/* Squared distances of the sample's rows, one by one or all together. */
static double sample_ssd(struct scorer *s, const struct km_job *job)
{
    if (job->sparse)
        return km_sparse_ssd(&s->step, &job->sparse_sample.rows, &s->centers);
    return km_assign_ssd(&s->assign, &job->reservoir.rows, &s->centers);
}

static double sample_dist2(const struct scorer *s, const struct km_job *job, size_t i)
{
    struct km_mat one;

    if (job->sparse)
        return s->step.dist2[i];
    one = km_mat_view(&job->reservoir.rows, i, 1);
    return 2 * (double)s->assign.score[i] + job->m->kern->norm2(&one);
}

/* The msd of the reservoir, as an estimate of the whole with its standard error. */
static int score_sample(struct km_job *job, struct km_err *err)
{
    size_t rows = sample_rows(job);
    double share = (double)rows / (double)job->rows, msd, variance = 0;
    struct scorer s = {0};
    int rc = scorer_init(&s, job, job->sparse, rows, err);

    if (rc)
        goto out;
    msd = sample_ssd(&s, job) / (double)rows;
    for (size_t i = 0; i < rows; i++) {
        double dist2 = sample_dist2(&s, job, i);

        variance += (dist2 - msd) * (dist2 - msd);
    }
    variance /= (double)rows * (double)rows;
    msd *= job->sample_optimism;
    if (share < 1)
        km_log(KM_INFO,
               "train data_msd is estimated on a uniform sample of %zu of %" PRIu64
               " rows; its standard error is %.2g",
               rows, job->rows, sqrt(variance * (1 - share)));
    km_report_quality(job->request->host, "train", "data_msd", msd);
out:
    scorer_done(&s);
    return rc;
}

/* The true msd of the train data: on all rows where they are in memory or quickly read again. */
static int score_train(struct km_job *job, struct km_err *err)
{
    double ssd;
    uint64_t rows, blocks;
    int rc;

    if (sample_rows(job) == job->rows)
        return score_sample(job, err);
    if (!job->read_once && job->request->train.files.total <= RESCORE_BYTES) {
        km_log(KM_INFO, "reading the train data once more for its exact msd");
        rc = km_feed_rewind(job->feed, err);
        if (rc == KM_OK)
            rc = score_feed(job, job->feed, &ssd, &rows, &blocks, err);
        if (rc == KM_OK)
            km_report_quality(job->request->host, "train", "data_msd", ssd / (double)rows);
        return rc;
    }
    if (sample_rows(job))
        return score_sample(job, err);
    km_log(KM_INFO,
           "train data_msd is not measured: the data %s and refine_rows is 0; name the train data "
           "as the test channel to have it scored",
           job->read_once ? "can be read only once" : "is large");
    return KM_OK;
}

static int score_test(struct km_job *job, struct km_err *err)
{
    const char *host = job->request->host;
    double ssd, start = km_wall();
    uint64_t rows, blocks;
    int rc = km_feed_origin(job->test, job->origin, err);

    if (rc == KM_OK)
        rc = score_feed(job, job->test, &ssd, &rows, &blocks, err);
    if (rc)
        return rc;
    if (rows == 0)
        return km_fail(err, KM_E_INPUT, "the test channel holds not one row");
    km_report_counts(host, start, -1, "test_data_iter", rows, blocks, rows, blocks, 0);
    if (job->p->eval_msd)
        km_log(KM_INFO, "#test_score (%s) : ('msd', %.17g)", host, ssd / (double)rows);
    if (job->p->eval_ssd)
        km_log(KM_INFO, "#test_score (%s) : ('ssd', %.17g)", host, ssd);
    if (job->p->eval_msd)
        km_report_quality(host, "test", "msd", ssd / (double)rows);
    if (job->p->eval_ssd)
        km_report_quality(host, "test", "ssd", ssd);
    return KM_OK;
}

int km_finish_scores(struct km_job *job, struct km_err *err)
{
    int rc;

    km_watch_start(&job->phases[KM_PHASE_SCORE]);
    rc = score_train(job, err);
    if (rc == KM_OK && job->test)
        rc = score_test(job, err);
    km_watch_stop(&job->phases[KM_PHASE_SCORE]);
    return rc;
}
