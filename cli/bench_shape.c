/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_shape.h"

#include "algo/seed.h"
#include "algo/shrink.h"
#include "base/mem.h"
#include "base/size.h"
#include "cli/bench_random.h"
#include "cli/bench_sparse.h"
#include <stdlib.h>
#include <string.h>

#define SPREAD 2.0F /* the clusters' centers are uniform in [0, SPREAD), rows 0..1 beyond */
/* rows are relative to it, as those in training to their origin */
#define MEAN        (SPREAD / 2 + 0.5F)
#define CENTER_SEED 0x7f4a7c15U
#define MAX_SAMPLES 4096
#define DATA_ROWS   256 /* of a task that makes rows */
#define WARM_UP     0.3 /* a pass above this many seconds warms its caches itself */

/* ---- data ---- */

struct making {
    struct km_mat *x;
    struct km_mat centers;
};

static void make_rows(void *arg, size_t task, int worker)
{
    const struct making *m = arg;
    size_t d = m->x->d, from = task * DATA_ROWS;
    size_t end = km_min(from + DATA_ROWS, m->x->n);

    (void)worker;
    for (size_t i = from; i < end; i++) {
        size_t cluster = km_bench_cluster(i);
        const float *center = km_mat_row(&m->centers, cluster);
        float *row = km_mat_row(m->x, i);

        for (size_t t = 0; t < d; t++)
            row[t] = center[t] + km_bench_unit((uint32_t)(i * d + t)) - MEAN;
    }
}

double km_bench_shape_bytes(const struct km_bench_shape *s, size_t lanes)
{
    double row = 4 * (double)km_mat_ld(s->d), cells = (double)s->k * (double)s->d;
    size_t steps = s->kind == KM_SHAPE_SHRINK ? 2 * s->n : s->n; /* points are centers, too */

    if (s->nnz)
        return (double)s->n * (8 * (double)s->nnz + 64) + (double)lanes * cells * 12;
    return (double)steps * (row + 32) + (double)(lanes + 1) * cells * 40;
}

int km_shape_data_init(struct km_shape_data *data, const struct km_bench_shape *shape,
                       struct km_pool *pool, struct km_err *err)
{
    struct making m = {.x = &data->x};
    int rc;

    *data = (struct km_shape_data){.shape = *shape};
    if (shape->nnz)
        return km_bench_sparse_rows(&data->sparse, shape->n, shape->d, shape->nnz, err);
    rc = km_mat_init(&data->x, shape->n, shape->d, err);
    if (rc == KM_OK)
        rc = km_centers_init(&data->start, shape->kind == KM_SHAPE_SHRINK ? shape->n : shape->k,
                             shape->d, err);
    if (rc == KM_OK)
        rc = km_mat_init(&m.centers, KM_BENCH_CLUSTERS, shape->d, err);
    if (rc)
        return rc;
    for (size_t j = 0; j < KM_BENCH_CLUSTERS; j++)
        for (size_t t = 0; t < shape->d; t++)
            km_mat_row(&m.centers, j)[t] =
                SPREAD * km_bench_unit((uint32_t)(j * shape->d + t) ^ CENTER_SEED);
    km_pool_run(pool, make_rows, &m, km_ceil_div(shape->n, DATA_ROWS));
    km_mat_done(&m.centers);
    for (size_t j = 0; j < data->start.k; j++)
        km_centers_set(&data->start, j, km_mat_row(&data->x, j * (shape->n / data->start.k)), 1);
    return KM_OK;
}

void km_shape_data_done(struct km_shape_data *data)
{
    km_mat_done(&data->x);
    km_centers_done(&data->start);
    km_csr_done(&data->sparse);
}

/* ---- samples ---- */

static int samples_init(struct km_samples *s)
{
    *s = (struct km_samples){km_alloc(MAX_SAMPLES, sizeof(double)), 0, MAX_SAMPLES};
    return s->v ? KM_OK : KM_E_MEM;
}

static void add_sample(struct km_samples *s, double value)
{
    if (s->n < s->max)
        s->v[s->n++] = value;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

double km_samples_median(struct km_samples *s)
{
    if (s->n == 0)
        return 0;
    qsort(s->v, s->n, sizeof(double), compare);
    return (s->v[(s->n - 1) / 2] + s->v[s->n / 2]) / 2;
}

/* ---- lanes ---- */

static int init_dense(struct km_lane *lane, struct km_err *err)
{
    const struct km_bench_shape *s = &lane->data->shape;
    int rc = KM_OK;

    if (s->kind == KM_SHAPE_PASS)
        rc = km_assign_init(&lane->assign, lane->kern, lane->pool, s->batch ? s->batch : s->n, s->k,
                            s->d, err);
    if (rc == KM_OK)
        rc = km_centers_init(&lane->centers, s->k, s->d, err);
    if (rc == KM_OK)
        rc = km_sums_init(&lane->sums, s->k, s->d, err);
    return rc;
}

static int init_sparse(struct km_lane *lane, struct km_err *err)
{
    const struct km_bench_shape *s = &lane->data->shape;
    int rc = km_sparse_init(&lane->sparse_step, lane->kern, lane->pool,
                            km_bench_sparse_block(s->n, s->nnz), s->k, 0, err);

    if (rc == KM_OK)
        rc = km_sparse_centers_init(&lane->sparse_centers, s->k, s->d, err);
    return rc;
}

int km_lane_init(struct km_lane *lane, const struct km_shape_data *data,
                 const struct km_kernels *kern, struct km_pool *pool, struct km_err *err)
{
    const struct km_bench_shape *s = &data->shape;
    int rc;

    *lane = (struct km_lane){.data = data, .kern = kern, .pool = pool};
    rc = s->nnz ? init_sparse(lane, err) : init_dense(lane, err);
    if (rc)
        return rc;
    lane->dist2 = km_alloc(s->n, KM_SEED_FLOATS * sizeof(float));
    if (!lane->dist2 || samples_init(&lane->seconds) || samples_init(&lane->fma) ||
        samples_init(&lane->read))
        return km_fail(err, KM_E_MEM, "no memory for shape %s", s->name);
    return KM_OK;
}

void km_lane_done(struct km_lane *lane)
{
    km_assign_done(&lane->assign);
    km_centers_done(&lane->centers);
    km_sums_done(&lane->sums);
    km_sparse_done(&lane->sparse_step);
    km_sparse_centers_done(&lane->sparse_centers);
    km_free(lane->dist2);
    km_free(lane->seconds.v);
    km_free(lane->fma.v);
    km_free(lane->read.v);
    *lane = (struct km_lane){0};
}

/* All rows once, as train/train.c does it: sums with the squared distances for the metric, then the
 * centers move, batch by batch. */
static void run_pass(struct km_lane *lane)
{
    const struct km_bench_shape *s = &lane->data->shape;
    const struct km_mat *x = &lane->data->x;
    size_t batch = s->batch ? s->batch : x->n;

    if (s->nnz) {
        km_bench_sparse_pass(&lane->sparse_centers, &lane->sparse_step, &lane->data->sparse, s->nnz,
                             s->batch, 1);
        return;
    }
    for (size_t from = 0; from < x->n; from += batch) {
        struct km_mat rows = km_mat_view(x, from, km_min(x->n - from, batch));

        km_assign_add(&lane->assign, &lane->sums, &rows, NULL, &lane->centers, 1);
        km_centers_move(&lane->centers, &lane->sums, 1, lane->pool);
    }
}

static void run_seed(struct km_lane *lane)
{
    struct km_rng rng;

    km_rng_seed(&rng, 0, 'B', 0);
    km_seed_plusplus(&lane->centers, &lane->data->x, NULL, lane->kern, lane->pool, lane->dist2,
                     &rng);
}

static int run_shrink(struct km_lane *lane, struct km_err *err)
{
    const struct km_bench_shape *s = &lane->data->shape;
    struct km_shrink_options o = {.k = s->k,
                                  .trials = km_shrink_auto_trials(s->n, s->k, s->d),
                                  .plusplus = 1,
                                  .max_iter = 300, /* these two: the defaults of train */
                                  .tol = 1e-4};
    struct km_trial *trials;
    int rc = km_shrink(&trials, &lane->data->start, &o, lane->kern, lane->pool, err);

    if (rc == KM_OK)
        km_trials_free(trials, o.trials);
    return rc;
}

static void to_start(struct km_lane *lane)
{
    if (lane->data->shape.nnz)
        km_sparse_seed_evenly(&lane->sparse_centers, &lane->data->sparse);
    else
        km_centers_copy(&lane->centers, &lane->data->start);
}

double km_lane_once(struct km_lane *lane, struct km_err *err)
{
    double start;
    int rc = KM_OK;

    if (lane->data->shape.kind == KM_SHAPE_PASS)
        to_start(lane);
    start = km_peak_clock(lane->pool);
    if (lane->data->shape.kind == KM_SHAPE_PASS)
        run_pass(lane);
    else if (lane->data->shape.kind == KM_SHAPE_SEED)
        run_seed(lane);
    else
        rc = run_shrink(lane, err);
    return rc ? rc : km_peak_clock(lane->pool) - start;
}

int km_lane_round(struct km_lane *lane, const struct km_peak *peak, double seconds,
                  struct km_err *err)
{
    double first, t, sum = 0;

    add_sample(&lane->fma, km_peak_flops(peak, lane->pool));
    add_sample(&lane->read, km_peak_read(peak, lane->pool));
    /* The buffer of the read rate has driven everything out of the caches. */
    first = km_lane_once(lane, err);
    if (first < 0)
        return (int)first;
    if (first >= WARM_UP) {
        add_sample(&lane->seconds, first);
        sum = first;
    }
    for (int i = 0; sum < seconds && i < MAX_SAMPLES / 8; i++) {
        t = km_lane_once(lane, err);
        if (t < 0)
            return (int)t;
        add_sample(&lane->seconds, t);
        sum += t;
    }
    return KM_OK;
}

static double sparse_objective(struct km_lane *lane)
{
    const struct km_bench_shape *s = &lane->data->shape;
    struct km_sparse_centers *c = &lane->sparse_centers;
    const struct km_csr *x = &lane->data->sparse;

    km_bench_sparse_pass(c, &lane->sparse_step, x, s->nnz, s->batch, s->batch ? 1 : 0);
    return km_bench_sparse_pass(c, &lane->sparse_step, x, s->nnz, 0, 1) / (double)s->n;
}

double km_lane_objective(struct km_lane *lane)
{
    const struct km_shape_data *data = lane->data;
    const struct km_mat *x = &data->x;
    double ssd = 0;

    to_start(lane);
    if (data->shape.nnz)
        return sparse_objective(lane);
    if (data->shape.batch) {
        run_pass(lane);
    } else {
        km_assign_add(&lane->assign, &lane->sums, x, NULL, &lane->centers, 0);
        km_centers_to_means(&lane->centers, &lane->sums);
        km_sums_clear(&lane->sums);
    }
    for (size_t from = 0; from < x->n; from += lane->assign.max_rows) {
        size_t left = x->n - from;
        struct km_mat rows = km_mat_view(x, from, km_min(left, lane->assign.max_rows));

        ssd += km_assign_ssd(&lane->assign, &rows, &lane->centers);
    }
    return ssd / (double)x->n;
}
