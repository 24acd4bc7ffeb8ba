/* SPDX-License-Identifier: Apache-2.0 */
#include "train/frame.h"

#include "algo/origin.h"
#include "base/mem.h"
#include "base/scale.h"
#include "train/merge.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows of all ranks that decide. */
#define ROWS 255
/* Distances from the origin within 2^-40 .. 2^40 are left as they are: their squares, and those of a millionth of
 * them, are far from the ends of float32. */
#define ORDINARY 40

/* ---- the first rows ---- */

/* Rows of this rank's block, at even distances, to their place among all ranks'; returns their number in all. */
static size_t share(struct km_job *job, size_t most, size_t *at, size_t *own)
{
    size_t all = job->part[job->ranks];

    km_share(most < all ? most : all, job->part, job->ranks);
    *at = job->part[job->rank];
    *own = job->part[job->rank + 1] - *at;
    return job->part[job->ranks];
}

/* Some first rows of all ranks; job->part is lost. */
static int gather_dense(struct km_job *job, const struct km_mat *x, struct km_mat *rows,
                        struct km_err *err)
{
    size_t at, own, n = share(job, ROWS, &at, &own);
    int rc = km_job_agree(job, km_mat_init(rows, n, job->d, err), err);

    for (size_t i = 0; rc == KM_OK && i < own; i++)
        memcpy(km_mat_row(rows, at + i), km_mat_row(x, i * x->n / own), x->ld * sizeof(float));
    return rc ? rc : km_merge_rows(job, rows, err);
}

/* The squared norms of some first rows. */
static int gather_norms(struct km_job *job, const struct km_csr *x, double *norm2, size_t *n,
                        struct km_err *err)
{
    size_t at, own;

    *n = share(job, ROWS, &at, &own);
    for (size_t i = 0; i < own; i++)
        norm2[at + i] = km_csr_norm2(x, i * x->n / own);
    for (int r = 0; r <= job->ranks; r++)
        job->part[r] *= sizeof(*norm2);
    return km_comm_gather(job->m->comm, norm2, job->part, err);
}

static void choose_origin(struct km_job *job, const struct km_mat *rows, double *norm2)
{
    double *origin = job->sums.sum; /* (d) borrowed: nothing has been added to it yet */

    km_origin(origin, rows);
    for (size_t t = 0; t < job->d; t++)
        job->origin[t] = (float)origin[t];
    memset(origin, 0, job->d * sizeof(*origin));
    for (size_t i = 0; i < rows->n; i++) {
        norm2[i] = 0;
        for (size_t t = 0; t < job->d; t++) {
            double v = (double)km_mat_row(rows, i)[t] - (double)job->origin[t];

            norm2[i] += v * v;
        }
    }
}

/* ---- the exponent ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The exponent that brings the middle of the squared distances, of those that are not 0, near 1; 0 where it is
 * ordinary. */
static int usual_exponent(double *norm2, size_t n)
{
    size_t some = 0;
    int e;

    for (size_t i = 0; i < n; i++)
        if (norm2[i] > 0)
            norm2[some++] = norm2[i];
    if (some == 0)
        return 0;
    qsort(norm2, some, sizeof(*norm2), compare);
    e = ilogb(sqrt(norm2[some / 2]));
    return e < -ORDINARY || e > ORDINARY ? -e : 0;
}

static float most_of(const struct km_batch *b)
{
    float most = 0;

    if (!b)
        return 0;
    if (b->s.d)
        return km_scale_most(b->s.val, b->s.nnz);
    for (size_t i = 0; i < b->x.n; i++)
        most = fmaxf(most, km_scale_most(km_mat_row(&b->x, i), b->x.d));
    return most;
}

static void move_first(const struct km_job *job, struct km_batch *b)
{
    b->exponent = job->exponent;
    if (b->s.d)
        km_scale_move(b->s.val, NULL, b->s.nnz, job->exponent);
    for (size_t i = 0; i < b->x.n; i++)
        km_scale_move(km_mat_row(&b->x, i), job->origin, job->d, job->exponent);
}

int km_frame_choose(struct km_job *job, struct km_batch *first, struct km_err *err)
{
    const struct km_mat no_rows = {.d = job->d, .ld = km_mat_ld(job->d)};
    const struct km_csr no_sparse = {.d = job->d};
    double norm2[ROWS], least = 0;
    struct km_mat rows = {0};
    size_t n = 0;
    int rc, fit;

    if (job->sparse) {
        rc = gather_norms(job, first ? &first->s : &no_sparse, norm2, &n, err);
    } else {
        rc = gather_dense(job, first ? &first->x : &no_rows, &rows, err);
        n = rows.n;
        if (rc == KM_OK)
            choose_origin(job, &rows, norm2);
        km_mat_done(&rows);
    }
    if (rc == KM_OK)
        rc = km_comm_least(job->m->comm, -(double)most_of(first), &least, err);
    if (rc)
        return rc;
    job->exponent = usual_exponent(norm2, n);
    fit = km_scale_fit((float)-least, job->d);
    job->exponent = job->exponent < fit ? job->exponent : fit;
    job->agreed_exponent = job->exponent;
    if (first)
        move_first(job, first);
    rc = km_feed_move(job->feed, job->sparse ? NULL : job->origin, job->exponent, err);
    rc = km_job_agree(job, rc, err);
    if (rc == KM_OK)
        rc = km_comm_offsets(job->m->comm, first ? km_batch_rows(first) : 0, job->part, err);
    return rc;
}

double km_frame_unit2(const struct km_job *job)
{
    return ldexp(1, -2 * job->exponent);
}

/* ---- the exponent falls ---- */

/* What the job has learned, times 2^by. */
static void rescale(struct km_job *job, int by)
{
    if (by == 0)
        return;
    job->exponent += by;
    km_sample_scale(&job->sample, by);
    km_sample_scale(&job->held.sample, by);
    if (job->sparse) {
        km_sparse_centers_scale(&job->sparse_centers, by);
        if (job->ranks > 1)
            km_sparse_window_scale(&job->window, by);
        return;
    }
    km_centers_scale(&job->centers, by);
    km_sums_scale(&job->sums, by);
}

static void scale_block(struct km_batch *b, int exponent)
{
    int by = exponent - b->exponent;

    if (by == 0)
        return;
    if (b->s.d)
        km_scale(b->s.val, b->s.nnz, by);
    for (size_t i = 0; i < b->x.n; i++)
        km_scale(km_mat_row(&b->x, i), b->x.d, by);
    b->exponent = exponent;
}

void km_frame_meet(struct km_job *job, struct km_batch *b)
{
    if (b->exponent < job->exponent)
        rescale(job, b->exponent - job->exponent);
    else
        scale_block(b, job->exponent);
}

int km_frame_bring(const struct km_job *job, struct km_batch *b, struct km_err *err)
{
    if (b->exponent < job->exponent)
        return km_fail(err, KM_E_INPUT,
                       "%s has larger values than when it was read before: do not change the data "
                       "while a job reads it",
                       b->path);
    scale_block(b, job->exponent);
    return KM_OK;
}

int km_frame_agree(struct km_job *job, struct km_err *err)
{
    double least = 0;
    int rc = km_comm_least(job->m->comm, job->exponent, &least, err);

    if (rc)
        return rc;
    rescale(job, (int)least - job->exponent);
    job->agreed_exponent = job->exponent;
    return KM_OK;
}
