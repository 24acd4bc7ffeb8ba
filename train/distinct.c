/* SPDX-License-Identifier: Apache-2.0 */
#include "train/distinct.h"

#include "base/log.h"
#include "base/mem.h"
#include <inttypes.h>
#include <stdlib.h>

/* Rows of one of these kinds. */
struct rows {
    size_t n, d;
    const struct km_mat *dense;
    const struct km_csr *sparse;
    const double *exact;
};

/* By number: -0 is 0. */
#define COMPARE(a, b, n)                                                                           \
    for (size_t t = 0; t < (n); t++)                                                               \
        if ((a)[t] < (b)[t] || (a)[t] > (b)[t])                                                    \
            return (a)[t] < (b)[t] ? -1 : 1;

static int compare_sparse(const struct km_csr *s, size_t i, size_t j)
{
    const uint32_t *col_i = s->col + s->at[i], *col_j = s->col + s->at[j];
    const float *a = s->val + s->at[i], *b = s->val + s->at[j];

    if (s->len[i] != s->len[j])
        return s->len[i] < s->len[j] ? -1 : 1;
    COMPARE(col_i, col_j, s->len[i])
    COMPARE(a, b, s->len[i])
    return 0;
}

static int compare(const void *x, const void *y, void *arg)
{
    const struct rows *r = arg;
    size_t i = *(const size_t *)x, j = *(const size_t *)y;

    if (r->sparse)
        return compare_sparse(r->sparse, i, j);
    if (r->exact) {
        COMPARE(r->exact + i * r->d, r->exact + j * r->d, r->d)
    } else {
        const float *a = km_mat_row(r->dense, i), *b = km_mat_row(r->dense, j);

        COMPARE(a, b, r->d)
    }
    return 0;
}

static int count(size_t *distinct, struct rows r, struct km_err *err)
{
    size_t *order = km_alloc(r.n, sizeof(*order));

    if (!order)
        return km_fail(err, KM_E_MEM, "no memory to compare %zu rows", r.n);
    for (size_t i = 0; i < r.n; i++)
        order[i] = i;
    qsort_r(order, r.n, sizeof(*order), compare, &r);
    *distinct = r.n > 0;
    for (size_t i = 1; i < r.n; i++)
        *distinct += compare(&order[i - 1], &order[i], &r) != 0;
    km_free(order);
    return KM_OK;
}

static struct rows sample_of(const struct km_job *job)
{
    if (job->sparse)
        return (struct rows){job->sample.rows.sparse.n, job->d, .sparse = &job->sample.rows.sparse};
    return (struct rows){job->sample.rows.dense.n, job->d, .dense = &job->sample.rows.dense};
}

/* `differ` of the centers do; `exact` of them before they were rounded to float32, `seen` of the sample's rows. */
static void say(const struct km_job *job, size_t differ, size_t exact, size_t seen)
{
    size_t k = job->model.n, rows = sample_of(job).n;

    if (exact > differ)
        km_log(
            KM_WARNING,
            "only %zu of the %zu centers differ from each other: others are nearer to each other "
            "than float32, which the model file holds, can tell so far from 0; subtract an offset "
            "from the data, or lower k",
            differ, k);
    else if (seen < k && rows == job->rows)
        km_log(KM_WARNING,
               "only %zu of the %zu centers differ from each other: the data has only %zu distinct "
               "row%s, fewer than k; lower k",
               differ, k, seen, seen == 1 ? "" : "s");
    else if (seen >= k)
        km_log(KM_WARNING,
               "only %zu of the %zu centers differ from each other, although the data has %zu "
               "distinct rows or more: too few different ones among the rows that the centers "
               "started from; give init_method=kmeans++, or a larger mini_batch_size",
               differ, k, seen);
    else
        km_log(
            KM_WARNING,
            "only %zu of the %zu centers differ from each other; %zu distinct rows are in the "
            "sample of %zu of %" PRIu64 " rows, so whether the data has k of them is not known: "
            "give a larger mini_batch_size to start from, refine_rows=auto or more, or a lower k",
            differ, k, seen, rows, job->rows);
}

int km_distinct_warn(const struct km_job *job, const struct km_centers *c, struct km_err *err)
{
    size_t k = job->model.n, differ, exact = 0, seen = 0;
    int rc = count(&differ, (struct rows){k, job->d, .dense = &job->model}, err);

    if (rc || differ == k)
        return rc;
    rc = count(&exact, (struct rows){k, job->d, .exact = c->exact}, err);
    if (rc == KM_OK)
        rc = count(&seen, sample_of(job), err);
    if (rc == KM_OK && job->rank == 0)
        say(job, differ, exact, seen);
    return rc;
}
