/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/step.h"

#include "algo/bounds.h"
#include "algo/loss.h"
#include "algo/sparse_centers.h"
#include "base/mem.h"
#include <assert.h>
#include <math.h>
#include <string.h>

/* As an iteration writes them: see km_step_cells. */
#define CENTER_FORMS 8

/* What a kind of rows needs its own way for; `label` is to set step->label. */
struct kind {
    void (*label)(struct km_step *step, const struct km_rows *rows, const double *norm2,
                  const struct km_centers *c);
    void (*add)(struct km_step *step, struct km_sums *sums, const struct km_rows *rows,
                const struct km_centers *c, int want_norms);
    void (*dist2)(struct km_step *step, double *dist2, const struct km_rows *rows,
                  const struct km_centers *c);
    double (*loss)(struct km_step *step, const struct km_rows *rows, const struct km_centers *c);
    double (*given)(struct km_step *step, double *dist2, const struct km_rows *rows,
                    struct km_given *g);
    int (*seed)(struct km_step *step, struct km_seed_start *starts, size_t n,
                const struct km_rows *rows, int greedy, struct km_err *err);
};

struct km_step {
    const struct kind *kind;
    const struct km_kernels *kern;
    struct km_pool *pool;
    struct km_assign assign; /* of dense rows, or */
    struct km_sparse sparse; /* of sparse ones, or */
    struct km_bounds bounds; /* of rows that come again, which are measured */
    struct km_assign *on;    /* with this */
    struct km_sums sums;     /* of the last km_step_sum; .k is 0: it will not be called */
    const uint32_t *label;   /* of the last call, */
    size_t rows;             /* and how many rows it had */
    double work;             /* of the last km_step_sum */
};

/* ---- dense rows ---- */

static void label_dense(struct km_step *step, const struct km_rows *rows, const double *norm2,
                        const struct km_centers *c)
{
    (void)norm2;
    km_assign_rows(&step->assign, &rows->dense, c);
    step->label = step->assign.label;
}

static void add_dense(struct km_step *step, struct km_sums *sums, const struct km_rows *rows,
                      const struct km_centers *c, int want_norms)
{
    km_assign_add(&step->assign, sums, &rows->dense, rows->weight, c, want_norms);
    step->label = step->assign.label;
}

static void dist2_dense(struct km_step *step, double *dist2, const struct km_rows *rows,
                        const struct km_centers *c)
{
    km_loss_dist2(dist2, &rows->dense, step->label, c, step->kern, step->pool);
}

static double loss_dense(struct km_step *step, const struct km_rows *rows,
                         const struct km_centers *c)
{
    return km_loss(rows, step->label, c, step->kern, step->pool);
}

static double given_dense(struct km_step *step, double *dist2, const struct km_rows *rows,
                          struct km_given *g)
{
    step->label = step->assign.label;
    return km_assign_ssd_given(&step->assign, dist2, &rows->dense, g);
}

static int seed_dense(struct km_step *step, struct km_seed_start *starts, size_t n,
                      const struct km_rows *rows, int greedy, struct km_err *err)
{
    const struct km_mat *x = &rows->dense;
    float *dist2 = km_alloc(x->n, (greedy ? KM_SEED_FLOATS : n) * sizeof(*dist2));
    int rc = KM_OK;

    if (!dist2)
        return km_fail(err, KM_E_MEM, "no memory for k-means++ on %zu rows", x->n);
    for (size_t s = 0; s < n; s++) {
        starts[s].dist2 = greedy ? dist2 : dist2 + s * x->n;
        if (greedy)
            km_seed_greedy(starts[s].c, x, rows->weight, step->kern, step->pool, dist2,
                           &starts[s].rng);
    }
    if (!greedy)
        rc = km_seed_together(starts, n, x, rows->weight, step->kern, step->pool, err);
    km_free(dist2);
    return rc;
}

static const struct kind dense = {label_dense, add_dense,   dist2_dense,
                                  loss_dense,  given_dense, seed_dense};

/* ---- sparse rows ---- */

static void label_sparse(struct km_step *step, const struct km_rows *rows, const double *norm2,
                         const struct km_centers *c)
{
    (void)norm2;
    km_sparse_rows(&step->sparse, &rows->sparse, c);
    step->label = step->sparse.label;
}

static void add_sparse(struct km_step *step, struct km_sums *sums, const struct km_rows *rows,
                       const struct km_centers *c, int want_norms)
{
    double total = 0;

    km_sparse_add(&step->sparse, sums, &rows->sparse, rows->weight, c);
    step->label = step->sparse.label;
    for (size_t i = 0; want_norms && i < rows->sparse.n; i++)
        total += step->sparse.norm2[i];
    *sums->ssd += total;
}

static void dist2_sparse(struct km_step *step, double *dist2, const struct km_rows *rows,
                         const struct km_centers *c)
{
    km_sparse_measure(&step->sparse, &rows->sparse, c);
    memcpy(dist2, step->sparse.dist2, rows->sparse.n * sizeof(*dist2));
}

static double loss_sparse(struct km_step *step, const struct km_rows *rows,
                          const struct km_centers *c)
{
    double total = 0;

    km_sparse_measure(&step->sparse, &rows->sparse, c);
    for (size_t i = 0; i < rows->sparse.n; i++)
        total += km_rows_weight(rows, i) * step->sparse.dist2[i];
    return total;
}

static double given_sparse(struct km_step *step, double *dist2, const struct km_rows *rows,
                           struct km_given *g)
{
    double total = km_sparse_ssd_given(&step->sparse, &rows->sparse, g);

    step->label = step->sparse.label;
    for (size_t i = 0; dist2 && i < rows->sparse.n; i++)
        dist2[i] = step->sparse.dist2[i] * km_given_unit2(g);
    return total;
}

static int seed_one_sparse(struct km_step *step, struct km_centers *c, const struct km_rows *rows,
                           int greedy, struct km_rng *rng, struct km_err *err)
{
    struct km_sparse_centers sparse = {0};
    size_t draws = greedy ? km_seed_draws(c->k) : 1;
    int rc = km_sparse_centers_init(&sparse, c->k, c->d, err);

    if (rc == KM_OK)
        rc = km_sparse_seed_plusplus(&sparse, &rows->sparse, rows->weight, draws, &step->sparse,
                                     rng, err);
    if (rc == KM_OK) {
        km_centers_done(c); /* the next call makes it anew */
        rc = km_sparse_centers_to_dense(c, &sparse, err);
    }
    km_sparse_centers_done(&sparse);
    return rc;
}

static int seed_sparse(struct km_step *step, struct km_seed_start *starts, size_t n,
                       const struct km_rows *rows, int greedy, struct km_err *err)
{
    int rc = KM_OK;

    for (size_t s = 0; rc == KM_OK && s < n; s++)
        rc = seed_one_sparse(step, starts[s].c, rows, greedy, &starts[s].rng, err);
    return rc;
}

static const struct kind sparse = {label_sparse, add_sparse,   dist2_sparse,
                                   loss_sparse,  given_sparse, seed_sparse};

/* ---- dense rows that come again ---- */

static void label_bounded(struct km_step *step, const struct km_rows *rows, const double *norm2,
                          const struct km_centers *c)
{
    struct km_bounds_rows r = {rows->dense, norm2, rows->weight};

    km_bounds_step(&step->bounds, step->on, &r, c);
    step->label = step->bounds.label;
}

static const struct kind bounded = {
    .label = label_bounded, .dist2 = dist2_dense, .loss = loss_dense};

/* ---- the interface ---- */

struct km_step_size km_step_size_of(const struct km_rows *rows, size_t k)
{
    return (struct km_step_size){.rows = km_rows_n(rows),
                                 .k = k,
                                 .d = km_rows_d(rows),
                                 .sparse = km_rows_are_sparse(rows),
                                 .has_sums = 1};
}

static int init(struct km_step *s, const struct km_step_size *size, struct km_err *err)
{
    int rc = KM_OK;

    if (size->has_sums)
        rc = km_sums_init(&s->sums, size->k, size->d, err);
    if (rc)
        return rc;
    if (size->sparse)
        return km_sparse_init(&s->sparse, s->kern, s->pool, size->rows, size->k, size->d, err);
    return km_assign_init(&s->assign, s->kern, s->pool, size->rows, size->k, size->d, err);
}

int km_step_new(struct km_step **step, const struct km_step_size *size,
                const struct km_kernels *kern, struct km_pool *pool, struct km_err *err)
{
    struct km_step *s = km_alloc(1, sizeof(*s));
    int rc;

    *step = NULL;
    if (!s)
        return km_fail(err, KM_E_MEM, "no memory for a step");
    *s = (struct km_step){.kind = size->sparse ? &sparse : &dense, .kern = kern, .pool = pool};
    rc = init(s, size, err);
    if (rc)
        km_step_free(s);
    else
        *step = s;
    return rc;
}

int km_step_bounded(struct km_step **step, struct km_step *on, size_t k, struct km_err *err)
{
    struct km_step *s = km_alloc(1, sizeof(*s));
    int rc;

    assert(on->kind == &dense);
    *step = NULL;
    if (!s)
        return km_fail(err, KM_E_MEM, "no memory for a step");
    *s = (struct km_step){.kind = &bounded, .kern = on->kern, .pool = on->pool, .on = &on->assign};
    rc = km_bounds_init(&s->bounds, k, on->assign.d, err);
    if (rc)
        km_step_free(s);
    else
        *step = s;
    return rc;
}

int km_step_bounds_pay(const struct km_step *on, size_t k)
{
    return on->kind == &dense && km_bounds_pay(k, on->assign.d);
}

void km_step_free(struct km_step *step)
{
    if (!step)
        return;
    km_assign_done(&step->assign);
    km_sparse_done(&step->sparse);
    km_bounds_done(&step->bounds);
    km_sums_done(&step->sums);
    km_free(step);
}

int km_step_reserve(struct km_step *step, size_t rows, struct km_err *err)
{
    return step->kind == &bounded ? km_bounds_reserve(&step->bounds, rows, err) : KM_OK;
}

void km_step_label(struct km_step *step, const struct km_rows *rows, const double *norm2,
                   const struct km_centers *c)
{
    step->kind->label(step, rows, norm2, c);
    step->rows = km_rows_n(rows);
}

void km_step_add(struct km_step *step, struct km_sums *sums, const struct km_rows *rows,
                 const struct km_centers *c, int want_norms)
{
    assert(!want_norms || !rows->weight);
    step->kind->add(step, sums, rows, c, want_norms);
    step->rows = km_rows_n(rows);
}

const struct km_sums *km_step_sum(struct km_step *step, const struct km_rows *rows,
                                  const double *norm2, const struct km_centers *c)
{
    if (step->kind == &bounded) {
        km_step_label(step, rows, norm2, c);
        step->work = step->bounds.work / (double)step->rows;
        return &step->bounds.sums;
    }
    km_sums_clear(&step->sums);
    km_step_add(step, &step->sums, rows, c, 0);
    step->work = 1;
    return &step->sums;
}

double km_step_work(const struct km_step *step)
{
    return step->work;
}

const uint32_t *km_step_labels(const struct km_step *step)
{
    return step->label;
}

size_t km_step_rows(const struct km_step *step)
{
    return step->rows;
}

void km_step_dist2(struct km_step *step, double *dist2, const struct km_rows *rows,
                   const struct km_centers *c)
{
    assert(step->rows == km_rows_n(rows));
    step->kind->dist2(step, dist2, rows, c);
}

double km_step_loss(struct km_step *step, const struct km_rows *rows, const struct km_centers *c)
{
    assert(step->rows == km_rows_n(rows));
    return step->kind->loss(step, rows, c);
}

double km_step_given(struct km_step *step, double *dist2, struct km_rows *rows, struct km_given *g)
{
    step->rows = km_rows_n(rows);
    return step->kind->given(step, dist2, rows, g);
}

double km_step_most_dist2(const struct km_step *step, const struct km_rows *rows,
                          const struct km_centers *c)
{
    if (step->kind != &bounded || step->rows != km_rows_n(rows))
        return (double)INFINITY;
    return km_bounds_most_dist2(&step->bounds, c, rows->weight);
}

int km_step_seed(struct km_step *step, struct km_seed_start *starts, size_t n,
                 const struct km_rows *rows, int greedy, struct km_err *err)
{
    step->rows = 0; /* there are no labels in its memory any more */
    return step->kind->seed(step, starts, n, rows, greedy, err);
}

int km_step_seeds_together(const struct km_step *step, int greedy)
{
    return step->kind == &dense && !greedy;
}

double km_step_cells(const struct km_rows *rows)
{
    double values = (double)km_rows_values(rows);

    return km_rows_are_sparse(rows) ? values + CENTER_FORMS * (double)km_rows_d(rows) : values;
}
