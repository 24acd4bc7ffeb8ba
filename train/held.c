/* SPDX-License-Identifier: Apache-2.0 */
#include "train/held.h"

#include "base/mem.h"

/* With fewer rows the standard error itself is a guess. */
#define LEAST_ROWS 32

/* ---- a sample, measured ---- */

struct measured {
    size_t rows;
    double *dist2, *weight; /* (rows) */
    int complete;           /* it holds every row, and there are no weights */
    double mean;
};

static int measured_init(struct measured *m, const struct km_sample *s, struct km_err *err)
{
    size_t n = km_sample_rows(s);

    *m = (struct measured){.rows = n};
    m->dist2 = km_alloc(n, sizeof(*m->dist2));
    m->weight = km_alloc(n, sizeof(*m->weight));
    if (!m->dist2 || !m->weight)
        return km_fail(err, KM_E_MEM, "no memory to score a sample of %zu rows", n);
    m->complete = !km_sample_weights(s, n, m->weight);
    return KM_OK;
}

static void measured_done(struct measured *m)
{
    km_free(m->dist2);
    km_free(m->weight);
}

/* The mean of a value of each row, by weight. */
static double mean_of(const struct measured *m, const double *value)
{
    double sum = 0, total = 0;

    for (size_t i = 0; i < m->rows; i++) {
        double w = m->complete ? 1 : m->weight[i];

        sum += w * value[i];
        total += w;
    }
    return sum / total;
}

/*
 * Of the means of m->dist2 and of another value of the same rows: their covariance, or the variance
 * of one (Sarndal, Swensson and Wretman 1992, the ratio estimator for Poisson sampling: 1 / weight
 * is the probability of being in the sample).
 */
static double covariance(const struct measured *m, const double *other)
{
    double mean = mean_of(m, other), sum = 0, total = 0;

    if (m->complete)
        return 0;
    for (size_t i = 0; i < m->rows; i++) {
        sum += m->weight[i] * (m->weight[i] - 1) * (m->dist2[i] - m->mean) * (other[i] - mean);
        total += m->weight[i];
    }
    return sum / (total * total);
}

static int measure_centers(struct measured *m, const struct km_sample *s,
                           const struct km_centers *c, const struct km_machine *machine,
                           struct km_err *err)
{
    struct km_step_size size = km_step_size_of(&s->rows, c->k);
    struct km_step *step = NULL;
    int rc = measured_init(m, s, err);

    size.has_sums = 0;
    if (rc == KM_OK)
        rc = km_step_new(&step, &size, machine->kern, machine->pool, err);
    if (rc == KM_OK) {
        km_step_label(step, &s->rows, NULL, c);
        km_step_dist2(step, m->dist2, &s->rows, c);
        m->mean = mean_of(m, m->dist2);
    }
    km_step_free(step);
    return rc;
}

static int measure_model(struct measured *m, const struct km_sample *s,
                         const struct km_written *model, const struct km_machine *machine,
                         struct km_err *err)
{
    int rc = measured_init(m, s, err);

    if (rc == KM_OK)
        rc = km_predict_kept(NULL, m->dist2, &s->rows, model, machine->kern, machine->pool, err);
    if (rc == KM_OK)
        m->mean = mean_of(m, m->dist2);
    return rc;
}

/* ---- the estimate ---- */

static int is_needed(const struct km_sample *held, const struct km_sample *sample)
{
    return km_sample_rows(held) >= LEAST_ROWS && !km_sample_is_complete(sample);
}

int km_held_start(struct km_held *h, const struct km_sample *held, const struct km_sample *sample,
                  const struct km_centers *c, const struct km_machine *m, struct km_err *err)
{
    struct measured all = {0}, own = {0};
    int rc;

    if (!is_needed(held, sample))
        return KM_OK;
    rc = measure_centers(&all, sample, c, m, err);
    if (rc == KM_OK)
        rc = measure_centers(&own, held, c, m, err);
    if (rc == KM_OK) {
        *h = (struct km_held){own.dist2, all.mean, covariance(&all, all.dist2)};
        own.dist2 = NULL;
    }
    measured_done(&all);
    measured_done(&own);
    return rc;
}

void km_held_done(struct km_held *h)
{
    km_free(h->dist2);
    *h = (struct km_held){0};
}

/* The line through the two distances of the rows held back, where the sample's mean of one is. */
static void regress(struct km_estimate *e, const struct measured *m, const struct km_held *h)
{
    struct measured start = *m;
    double both = covariance(m, h->dist2), spread, slope;

    start.dist2 = h->dist2;
    start.mean = mean_of(m, h->dist2);
    spread = covariance(&start, h->dist2) + h->variance;
    if (!(spread > 0))
        return;
    slope = both / spread;
    e->mean += slope * (h->mean - start.mean);
    e->variance -= slope * both;
}

int km_held_estimate(struct km_estimate *e, const struct km_held *h, const struct km_sample *held,
                     const struct km_sample *sample, const struct km_written *model,
                     const struct km_machine *m, struct km_err *err)
{
    int needed = is_needed(held, sample);
    struct measured of = {0};
    int rc = measure_model(&of, needed ? held : sample, model, m, err);

    if (rc == KM_OK) {
        *e = (struct km_estimate){of.mean, covariance(&of, of.dist2), of.rows, !needed};
        if (h->dist2)
            regress(e, &of, h);
    }
    measured_done(&of);
    return rc;
}
