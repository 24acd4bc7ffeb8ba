/* SPDX-License-Identifier: Apache-2.0 */
#include "train/distinct.h"

#include "base/log.h"
#include "base/mem.h"
#include <inttypes.h>
#include <stdlib.h>

/* What is compared: rows, or (n, d) values of centers in float64. */
struct list {
    size_t n, d;
    const struct km_rows *rows;
    const double *exact;
};

static int compare_exact(const double *a, const double *b, size_t d)
{
    for (size_t t = 0; t < d; t++) /* by number: -0 is 0 */
        if (a[t] < b[t] || a[t] > b[t])
            return a[t] < b[t] ? -1 : 1;
    return 0;
}

static int compare(const void *x, const void *y, void *arg)
{
    const struct list *l = arg;
    size_t i = *(const size_t *)x, j = *(const size_t *)y;

    return l->rows ? km_rows_compare(l->rows, i, j)
                   : compare_exact(l->exact + i * l->d, l->exact + j * l->d, l->d);
}

static int count(size_t *distinct, struct list l, struct km_err *err)
{
    size_t *order = km_alloc(l.n, sizeof(*order));

    if (!order)
        return km_fail(err, KM_E_MEM, "no memory to compare %zu rows", l.n);
    for (size_t i = 0; i < l.n; i++)
        order[i] = i;
    qsort_r(order, l.n, sizeof(*order), compare, &l);
    *distinct = l.n > 0;
    for (size_t i = 1; i < l.n; i++)
        *distinct += compare(&order[i - 1], &order[i], &l) != 0;
    km_free(order);
    return KM_OK;
}

static int count_rows(size_t *distinct, const struct km_rows *rows, struct km_err *err)
{
    return count(distinct, (struct list){.n = km_rows_n(rows), .rows = rows}, err);
}

/* How many differ from each other. */
struct distinct {
    size_t model, exact; /* centers as written, and before they were rounded to float32 */
    size_t seen;         /* rows of the sample */
};

/* k centers; the sample has `held` of `rows` rows. */
static void say(const struct distinct *of, size_t k, size_t held, uint64_t rows)
{
    if (of->exact > of->model)
        km_log(
            KM_WARNING,
            "only %zu of the %zu centers differ from each other: others are nearer to each other "
            "than float32, which the model file holds, can tell so far from 0; subtract an offset "
            "from the data, or lower k",
            of->model, k);
    else if (of->seen < k && held == rows)
        km_log(KM_WARNING,
               "only %zu of the %zu centers differ from each other: the data has only %zu distinct "
               "row%s, fewer than k; lower k",
               of->model, k, of->seen, of->seen == 1 ? "" : "s");
    else if (of->seen >= k)
        km_log(KM_WARNING,
               "only %zu of the %zu centers differ from each other, although the data has %zu "
               "distinct rows or more: too few different ones among the rows that the centers "
               "started from; give init_method=kmeans++, or a larger mini_batch_size",
               of->model, k, of->seen);
    else
        km_log(
            KM_WARNING,
            "only %zu of the %zu centers differ from each other; %zu distinct rows are in the "
            "sample of %zu of %" PRIu64 " rows, so whether the data has k of them is not known: "
            "give a larger mini_batch_size to start from, refine_rows=auto or more, or a lower k",
            of->model, k, of->seen, held, rows);
}

int km_distinct_warn(const struct km_mat *model, const struct km_centers *exact,
                     const struct km_sample *sample, uint64_t rows, int speak, struct km_err *err)
{
    const struct km_rows written = km_rows_of_mat(model);
    const struct list centers = {exact->k, exact->d, .exact = exact->exact};
    struct distinct of = {0};
    int rc = count_rows(&of.model, &written, err);

    if (rc || of.model == model->n)
        return rc;
    rc = count(&of.exact, centers, err);
    if (rc == KM_OK)
        rc = count_rows(&of.seen, &sample->rows, err);
    if (rc == KM_OK && speak)
        say(&of, model->n, km_sample_rows(sample), rows);
    return rc;
}
