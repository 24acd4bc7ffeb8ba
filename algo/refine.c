/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outline (docs/algorithm.md, 5). Candidates are results of the shrink and starts from the sample;
 * the budget is counted in floating point operations, so no clock decides.
 *
 *   refining.c      how many rows the budget allows: all that are used, those of the first round
 *   refine_looks.c  trials leave optima in which Lloyd is stuck: looks at the coarse centers
 *   seed_extra      starts by k-means++ from the sample
 *   tournament      a few iterations for each candidate on few rows; the worse half drops out, the
 *                   others go on with twice as many rows; until one is left
 *   last_candidate  the winner: looks at rows, iterations on all rows until they gain nothing, last
 *                   looks
 *   refine_looks.c  bold changes, undone unless the loss falls
 *   finish          centers with few rows are drawn back (draw_back.c); the result stands only if
 *                   it can be expected to be better on all rows; else the best trial stands
 *                   (improve_best)
 */
#include "algo/refine.h"

#include "algo/draw_back.h"
#include "algo/refine_looks.h"
#include "algo/seed.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/size.h"
#include <math.h>
#include <stdlib.h>

#define BUDGET_SHARE 0.3  /* of the floating point operations of the pass */
#define BUDGET_FLOOR 15e9 /* floating point operations */
#define ROUND_ITER   3    /* iterations of each candidate between two cuts */
#define TEAM_SHARE   0.25 /* of the budget: so much all candidates but the last one may take */
#define EXTRA_BYTES  ((size_t)32 << 20) /* centers of starts from the sample */
#define BOUNDS_BYTES ((size_t)32 << 20) /* what bounds keep of centers */
#define LAST_SHARE   0.1                /* of the budget: so much a last look may take */
#define FINALISTS    16                 /* have looks on few rows, */
#define FINAL_SHARE  0.4                /* while so much of the budget is left */
#define LAST_LOOKS   3                  /* behind the last iteration */
#define GROW_FROM    8                  /* the last candidate runs on an eighth */
#define GROW_TO      3                  /* to a third of the rows before it runs on all: */
#define GROW_ITER    10                 /* so many iterations on each part */
#define GROW_TOL     1e-4               /* that gain more of the loss */
#define LAST_TOL     1e-7 /* the last candidate has converged when an iteration gains less */

double km_refine_budget(double values, size_t from_k)
{
    double share = BUDGET_SHARE * 2.0 * values * (double)from_k;

    return share > BUDGET_FLOOR ? share : BUDGET_FLOOR;
}

static int by_loss(const void *a, const void *b)
{
    const struct km_candidate *x = a, *y = b;

    if (x->loss != y->loss)
        return x->loss < y->loss ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

static void swap_candidates(struct km_candidate *a, struct km_candidate *b)
{
    struct km_candidate c = *a;

    *a = *b;
    *b = c;
}

/* The first n go on. */
static void keep(struct km_refining *r, size_t n)
{
    for (size_t i = n; i < r->n; i++)
        km_step_free(r->list[i].bounded);
    r->n = n;
}

/* Sorts, and drops candidates that have run into the same optimum as a better one. */
static void sort_distinct(struct km_refining *r)
{
    size_t kept = 0;

    qsort(r->list, r->n, sizeof(*r->list), by_loss);
    for (size_t i = 0; i < r->n; i++)
        if (kept == 0 || r->list[i].loss > r->list[kept - 1].loss * (1 + 1e-9))
            swap_candidates(&r->list[kept++], &r->list[i]);
    keep(r, kept);
}

/* On how many rows the candidates compete in a round: twice as many as in the one before. */
static size_t rows_of_round(const struct km_refining *r, size_t round)
{
    return km_refining_nested(r, round < 32 ? r->some << round : r->all);
}

/* Iterations, in rows, of all rounds that n candidates need until one is left. */
static double rows_of_tournament(const struct km_refining *r, size_t n)
{
    double rows = 0;

    for (size_t round = 0; n > 1; round++, n = (n + 1) / 2)
        rows += ROUND_ITER * (double)n * (double)rows_of_round(r, round);
    return rows;
}

/* How many candidates have looks before one is chosen: where one is stuck another one may not
 * be. */
static size_t finalists(const struct km_refining *r)
{
    return r->look.k && r->few ? FINALISTS : 1;
}

/* Looks at rows for each that is left and within the budget; the best one stays. */
static int final(struct km_refining *r, struct km_err *err)
{
    size_t rows = 0, moved;

    for (size_t i = 0; r->look.k && i < r->n; i++) {
        struct km_candidate *c = &r->list[i];
        struct km_points p = km_refining_rows(r, r->all);
        int rc;

        if (i > 0 && (r->flop < FINAL_SHARE * r->budget || km_late(r->o->deadline))) {
            keep(r, i);
            break;
        }
        rc = km_refining_run(r, c, &p, 1, 0, err);
        if (rc == KM_OK && rows == 0)
            rows = km_refine_first_look_rows(r, c, &p);
        if (rc == KM_OK)
            rc = km_refine_look(r, c, rows, KM_REFINE_LOOKS, &moved, err);
        if (rc)
            return rc;
    }
    qsort(r->list, r->n, sizeof(*r->list), by_loss);
    keep(r, 1);
    return KM_OK;
}

/* Iterations on parts of the rows, which lead to about where those on all rows would, for less. */
static int grow(struct km_refining *r, struct km_candidate *c, struct km_err *err)
{
    int rc = KM_OK;

    if (r->few || c->bounded) /* whose iterations on all rows cost little */
        return KM_OK;
    for (size_t n = km_refining_nested(r, r->all / GROW_FROM); rc == KM_OK && n < r->all / GROW_TO;
         n *= 2) {
        struct km_points p = km_refining_rows(r, n);

        rc = km_refining_run(r, c, &p, GROW_ITER, GROW_TOL, err);
    }
    return rc;
}

/* The winner: iterations on all rows until they gain nothing any more; then whether a look does. */
static int last_candidate(struct km_refining *r, struct km_err *err)
{
    struct km_candidate *c = &r->list[0];
    struct km_points p = km_refining_rows(r, r->all);
    size_t moved = 0;
    int rc;

    if (r->flop < km_refining_flop(&p, c->centers))
        return KM_OK;
    rc = grow(r, c, err);
    for (int i = 0; rc == KM_OK; i++) {
        p = km_refining_rows(r, r->all);
        rc = km_refining_run(r, c, &p, 1000, LAST_TOL, err);
        if (rc || !r->look.k || i == LAST_LOOKS || !km_refine_looks_pay(r, c, &p, 1, LAST_SHARE))
            break;
        rc = km_refine_look(r, c, km_refine_look_rows(r), 1, &moved, err);
        if (moved == 0)
            break;
    }
    if (rc == KM_OK && r->look.k && km_refine_look_rows(r) == r->all)
        rc = km_refine_attempt(r, c, &p, &moved, err);
    if (rc == KM_OK && moved > 0)
        rc = km_refining_run(r, c, &p, 1000, LAST_TOL, err);
    return rc;
}

/*
 * Many candidates on few rows, then fewer on more: each round costs about the same, and a bad
 * optimum shows on few rows. After the deadline it leaves out the candidates that have not run.
 */
static int tournament(struct km_refining *r, struct km_err *err)
{
    struct km_points p;
    int rc;

    for (size_t round = 0; r->n > finalists(r); round++) {
        size_t n = rows_of_round(r, round);

        p = km_refining_rows(r, n);
        if (r->flop < (double)r->n * km_refining_flop(&p, r->list[0].centers)) {
            keep(r, 1); /* not all would run, and losses of different rows say nothing */
            break;
        }
        for (size_t i = 0; i < r->n; i++) {
            rc = km_refining_run(r, &r->list[i], &p, ROUND_ITER, 0, err);
            if (rc)
                return rc;
            if (km_late(r->o->deadline))
                keep(r, i + 1);
        }
        sort_distinct(r);
        keep(r, (r->n + 1) / 2);
    }
    rc = final(r, err);
    return rc ? rc : last_candidate(r, err);
}

/* Starts from the sample that EXTRA_BYTES of centers hold, up to `most`; at least one. */
static size_t starts_that_fit(const struct km_refining *r, size_t most)
{
    const struct km_centers *c = r->list[0].centers;
    size_t fit = EXTRA_BYTES / (sizeof(float) + sizeof(double)) / (c->k * c->d);

    fit = fit < 1 ? 1 : km_min(fit, KM_REFINE_EXTRA);
    return km_min(fit, most);
}

/*
 * The candidates: the best different trials, and starts from the sample itself. The trials all
 * descend from the first mini-batch; where that is not like the rest (a sorted file), they share
 * its blind spots, and a start from the sample does not.
 */
static int prepare(struct km_refining *r, struct km_trial *trials, size_t n_trials,
                   struct km_err *err)
{
    struct km_points p;
    double each, fit;
    size_t extra;

    km_refining_choose_rows(r, trials[0].centers.k);
    r->flop = r->budget;
    r->list = km_alloc(n_trials + KM_REFINE_EXTRA, sizeof(*r->list));
    r->norm2 = km_alloc(r->all, sizeof(*r->norm2));
    r->weight = km_alloc(r->all, sizeof(*r->weight));
    r->dist2 = km_alloc(r->all, sizeof(*r->dist2));
    if (!r->list || !r->norm2 || !r->weight || !r->dist2)
        return km_fail(err, KM_E_MEM, "no memory for refining");
    for (size_t t = 0; t < n_trials; t++)
        r->list[t] = (struct km_candidate){
            .centers = &trials[t].centers, .loss = trials[t].loss, .number = t};
    r->n = n_trials;
    sort_distinct(r);
    p = km_refining_view(r, r->all);
    each = km_refining_flop(&p, &trials[0].centers);
    fit = fmin(r->flop - KM_REFINE_LAST_ITER * each, TEAM_SHARE * r->flop) / each * (double)r->all;
    r->wanted = n_trials + KM_REFINE_EXTRA;
    while (r->wanted > 2 && rows_of_tournament(r, r->wanted) > fit)
        r->wanted--;
    extra = starts_that_fit(r, r->wanted / 2);
    if (r->n > r->wanted - extra)
        r->n = r->wanted - extra;
    return KM_OK;
}

/* Starts by k-means++ on the rows that candidates compete on. */
static int seed_starts(struct km_refining *r, size_t from, size_t n, size_t k, size_t d,
                       struct km_err *err)
{
    struct km_seed_start starts[KM_REFINE_EXTRA];
    struct km_points p = km_refining_view(r, r->some);
    int rc = KM_OK;

    for (size_t s = 0; rc == KM_OK && s < n; s++) {
        starts[s] = (struct km_seed_start){.c = &r->extra[from + s]};
        km_rng_seed(&starts[s].rng, r->o->seed, 'E', r->o->rank * KM_REFINE_EXTRA + from + s);
        rc = km_centers_init(starts[s].c, k, d, err);
    }
    if (rc)
        return rc;
    r->flop -=
        km_refining_flop(&p, starts->c) * (double)n * (double)(r->few ? km_seed_draws(k) : 1);
    return km_step_seed(r->step, starts, n, &p.rows, r->few, err);
}

/* Where they do not go faster together, a job that is late to stop does with fewer. */
static int seed_extra(struct km_refining *r, size_t n_trials, size_t k, size_t d,
                      struct km_err *err)
{
    size_t n = km_step_seeds_together(r->step, r->few) ? r->n_extra : 1;
    int rc = KM_OK;

    for (size_t e = 0; rc == KM_OK && e < r->n_extra && !km_late(r->o->deadline); e += n) {
        rc = seed_starts(r, e, n, k, d, err);
        for (size_t i = e; rc == KM_OK && i < e + n; i++)
            r->list[r->n++] = (struct km_candidate){
                .centers = &r->extra[i], .loss = HUGE_VAL, .number = n_trials + i};
    }
    return rc;
}

/* Bounds for every candidate, where they pay and what they keep of the centers fits. */
static int init_bounds(struct km_refining *r, size_t k, size_t d, struct km_err *err)
{
    int rc = KM_OK;

    if (!km_step_bounds_pay(r->step, k) ||
        r->n * k * d * (sizeof(double) + sizeof(float)) > BOUNDS_BYTES)
        return KM_OK;
    for (size_t i = 0; rc == KM_OK && i < r->n; i++)
        rc = km_step_bounded(&r->list[i].bounded, r->step, k, err);
    return rc;
}

/* The winner is worse on all rows than the best trial was from the start; that one has not moved
 * yet, and where every row is at hand an iteration can only make it better. */
static int improve_best(struct km_refining *r, struct km_centers *best, struct km_err *err)
{
    struct km_candidate c = {.centers = best};
    struct km_points p = km_refining_rows(r, r->all);
    int rc = km_refining_run(r, &c, &p, 1000, LAST_TOL, err);

    if (rc == KM_OK)
        rc = km_refining_measure_candidate(r, &c, &p, &r->result->after, err);
    r->result->kept = rc == KM_OK && r->result->after < r->result->before;
    return rc;
}

/*
 * From the loss that the means of the sample are expected to have on other rows beyond that on
 * their own, relative to the latter. With few rows for each center that is not all: among many
 * partitions the search finds one that fits these rows by luck (planted clusters, 5 and 10 rows for
 * each center: up to 1.6 and 1.3 where 1 + beyond is 1.3 and 1.2).
 */
static double optimism_of(double beyond)
{
    return 1 + beyond + 4 * beyond * beyond;
}

/* The winner in its final place, and its msd. */
static int finish(struct km_refining *r, struct km_candidate *c, struct km_err *err)
{
    struct km_points p = km_refining_rows(r, r->all);
    struct km_sample_view view = {NULL, r->dist2, p.rows.weight, r->all, r->o->total_rows};
    struct km_refine_result *result = r->result;
    double *noise = NULL, excess, msd;
    int rc = km_refining_measure_candidate(r, c, &p, &result->after, err);

    result->optimism = 1;
    if (rc || !km_refining_is_sample(r))
        return rc;
    msd = result->after;
    view.label = km_step_labels(km_refining_step(r, c, &p));
    noise = km_alloc(c->centers->k, sizeof(*noise));
    if (!noise)
        return km_fail(err, KM_E_MEM, "no memory for refining");
    rc = km_sample_noise(noise, &excess, c->centers->k, &view, err);
    if (rc == KM_OK)
        rc = km_draw_back(c->centers, noise, r->o->coarse, r->kern, r->pool, err);
    if (rc == KM_OK)
        rc = km_refining_measure_candidate(r, c, &p, &result->after, err);
    if (excess > 0)
        result->optimism = optimism_of(2 * excess / (msd * (double)r->o->total_rows));
    km_free(noise);
    return rc;
}

/* What serves the search where there is memory for it. */
static int init_looks(struct km_refining *r, const struct km_step_size *size, struct km_err *err)
{
    int rc = km_look_init(&r->look, r->kern, r->pool, km_refine_look_rows(r), size->k, size->d,
                          size->sparse, err);

    return rc ? rc : km_relax_init(&r->relax, size->k, size->d, err);
}

int km_refine(struct km_centers *best, struct km_refine_result *result, struct km_trial *trials,
              size_t n_trials, const struct km_refine_options *o, const struct km_kernels *kern,
              struct km_pool *pool, struct km_err *err)
{
    struct km_refining r = {.o = o, .kern = kern, .pool = pool, .result = result};
    size_t k = trials[0].centers.k, d = trials[0].centers.d;
    struct km_step_size size = km_step_size_of(&o->sample->rows, k);
    struct km_points every;
    int rc;

    *result = (struct km_refine_result){0};
    rc = prepare(&r, trials, n_trials, err);
    size.rows = r.all;
    if (rc == KM_OK)
        rc = km_step_new(&r.step, &size, kern, pool, err);
    if (rc)
        goto out;
    if (o->coarse->k > k)
        rc = km_refine_look_at_coarse(&r, err);
    if (rc == KM_OK && km_look_fits(k, d, size.sparse))
        rc = init_looks(&r, &size, err);
    if (rc)
        goto out;
    result->rows = r.all;
    sort_distinct(
        &r); /* looks lead some trials to the same place; starts from the sample fill up */
    r.n_extra = starts_that_fit(&r, r.wanted - r.n);
    km_centers_copy(best, r.list[0].centers);
    every = km_refining_view(&r, r.all);
    result->before = km_refining_measure(&r, r.step, best, &every);
    rc = seed_extra(&r, n_trials, k, d, err);
    if (rc == KM_OK)
        rc = init_bounds(&r, k, d, err);
    result->candidates = r.n;
    if (rc == KM_OK)
        rc = tournament(&r, err);
    if (rc == KM_OK)
        rc = finish(&r, &r.list[0], err);
    if (rc)
        goto out;
    result->kept = result->after * result->optimism < result->before;
    if (result->kept)
        km_centers_copy(best, r.list[0].centers);
    else if (!km_refining_is_sample(&r))
        rc = improve_best(&r, best, err);
out:
    keep(&r, 0);
    for (size_t e = 0; e < r.n_extra; e++)
        km_centers_done(&r.extra[e]);
    km_free(r.list);
    km_free(r.norm2);
    km_free(r.weight);
    km_free(r.dist2);
    km_step_free(r.step);
    km_look_done(&r.look);
    km_relax_done(&r.relax);
    return rc;
}
