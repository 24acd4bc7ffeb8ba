/* SPDX-License-Identifier: Apache-2.0 */
#include "train/held.h"

#include "base/mem.h"
#include "base/stop.h"
#include "train/iterate.h"
#include "train/job.h"
#include <string.h>

/* With fewer rows the standard error itself is a guess. */
#define LEAST_ROWS 32

int km_held_choose(struct km_job *job, struct km_err *err)
{
    int again = 0, rc = km_iterate_can(job, &again, err);

    job->held.wanted = !again && job->p->refine_rows != 0;
    return rc;
}

int km_held_init(struct km_job *job, const struct km_sample_size *size, struct km_err *err)
{
    uint64_t seed = job->seed ^ (uint64_t)job->rank << 32;

    return km_sample_init(&job->held.sample, size, ~seed, err); /* that no sample of a job has */
}

void km_held_done(struct km_held *h)
{
    km_sample_done(&h->sample);
    km_free(h->dist2);
    *h = (struct km_held){0};
}

/* ---- a sample, measured ---- */

struct measured {
    size_t rows;
    double *dist2, *weight; /* (rows) */
    int complete;           /* it holds every row, and there are no weights */
    double mean;
};

static void measured_done(struct measured *m)
{
    km_free(m->dist2);
    km_free(m->weight);
}

static int measure_sparse(const struct km_job *job, const struct km_csr *x,
                          const struct km_centers *c, double *dist2, struct km_err *err)
{
    struct km_sparse step = {0};
    int rc = km_sparse_init(&step, job->m->kern, job->m->pool, x->n, c->k, c->d, err);

    if (rc == KM_OK) {
        km_sparse_ssd(&step, x, c);
        memcpy(dist2, step.dist2, x->n * sizeof(*dist2));
    }
    km_sparse_done(&step);
    return rc;
}

static int measure_dense(const struct km_job *job, const struct km_mat *x,
                         const struct km_centers *c, double *dist2, struct km_err *err)
{
    struct km_assign a = {0};
    int rc = km_assign_init(&a, job->m->kern, job->m->pool, x->n, c->k, c->d, err);

    if (rc == KM_OK) {
        km_assign_rows(&a, x, c);
        km_assign_dist2(&a, dist2, x, a.label, c);
    }
    km_assign_done(&a);
    return rc;
}

/* The sum of weight (NULL: 1) times value, over that of the weights. */
static double mean_of(const double *value, const double *weight, size_t n)
{
    double sum = 0, total = 0;

    for (size_t i = 0; i < n; i++) {
        double w = weight ? weight[i] : 1;

        sum += w * value[i];
        total += w;
    }
    return sum / total;
}

static int measure(struct measured *m, const struct km_job *job, const struct km_sample *s,
                   const struct km_centers *c, struct km_err *err)
{
    int rc;

    *m = (struct measured){.rows = km_sample_rows(s)};
    m->dist2 = km_alloc(m->rows, sizeof(*m->dist2));
    m->weight = km_alloc(m->rows, sizeof(*m->weight));
    if (!m->dist2 || !m->weight)
        return km_fail(err, KM_E_MEM, "no memory to score a sample of %zu rows", m->rows);
    rc = s->csr.d ? measure_sparse(job, &s->csr, c, m->dist2, err)
                  : measure_dense(job, &s->rows, c, m->dist2, err);
    m->complete = !km_sample_weights(s, m->rows, m->weight);
    m->mean = mean_of(m->dist2, m->complete ? NULL : m->weight, m->rows);
    return rc;
}

/*
 * Of the means of m->dist2 and of another value of the same rows: their covariance, or the variance of one (Sarndal,
 * Swensson and Wretman 1992, the ratio estimator for Poisson sampling: 1 / weight is the probability of being in the sample).
 */
static double covariance(const struct measured *m, const double *other)
{
    double mean = mean_of(other, m->weight, m->rows), sum = 0, total = 0;

    if (m->complete)
        return 0;
    for (size_t i = 0; i < m->rows; i++) {
        sum += m->weight[i] * (m->weight[i] - 1) * (m->dist2[i] - m->mean) * (other[i] - mean);
        total += m->weight[i];
    }
    return sum / (total * total);
}

/* ---- the estimate ---- */

static int is_held(const struct km_job *job)
{
    return job->held.wanted && km_sample_rows(&job->held.sample) >= LEAST_ROWS &&
           !km_sample_is_complete(&job->sample);
}

int km_held_start(struct km_job *job, const struct km_centers *c, struct km_err *err)
{
    struct km_held *h = &job->held;
    struct measured all = {0}, own = {0};
    int rc;

    if (job->rank > 0 || !is_held(job) || km_stop_is_late())
        return KM_OK;
    km_watch_start(&job->phases[KM_PHASE_SCORE]);
    rc = measure(&all, job, &job->sample, c, err);
    if (rc == KM_OK)
        rc = measure(&own, job, &h->sample, c, err);
    if (rc == KM_OK) {
        h->mean = all.mean;
        h->variance = covariance(&all, all.dist2);
        h->dist2 = own.dist2;
        own.dist2 = NULL;
    }
    measured_done(&all);
    measured_done(&own);
    km_watch_stop(&job->phases[KM_PHASE_SCORE]);
    return rc;
}

/* The line through the two distances of the rows held back, at the mean that the job's sample has of one. */
static void regress(struct km_estimate *e, const struct measured *m, const struct km_held *h)
{
    struct measured start = *m;
    double both = covariance(m, h->dist2), spread, slope;

    start.dist2 = h->dist2;
    start.mean = mean_of(h->dist2, m->complete ? NULL : m->weight, m->rows);
    spread = covariance(&start, h->dist2) + h->variance;
    if (!(spread > 0))
        return;
    slope = both / spread;
    e->mean += slope * (h->mean - start.mean);
    e->variance -= slope * both;
}

int km_held_estimate(struct km_estimate *e, struct km_job *job, const struct km_centers *c,
                     struct km_err *err)
{
    int held = is_held(job);
    struct measured m = {0};
    int rc = measure(&m, job, held ? &job->held.sample : &job->sample, c, err);

    if (rc == KM_OK) {
        *e = (struct km_estimate){m.mean, covariance(&m, m.dist2), m.rows};
        if (held && job->held.dist2)
            regress(e, &m, &job->held);
        else if (!held && !m.complete)
            e->mean *= job->sample_optimism;
    }
    measured_done(&m);
    return rc;
}
