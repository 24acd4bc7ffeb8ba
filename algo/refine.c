/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outline (docs/algorithm.md, 5). Candidates are results of the shrink and starts from the sample;
 * the budget is counted in floating point operations, so no clock decides.
 *
 *   choose_rows     how many rows the budget allows: all that are used, those of the first round
 *   look_at_coarse  trials leave optima in which Lloyd is stuck: looks at the coarse centers
 *   seed_extra      starts by k-means++ from the sample
 *   tournament      a few iterations for each candidate on few rows; the worse half drops out, the
 *                   others go on with twice as many rows; until one is left
 *   last_candidate  the winner: looks at rows, iterations on all rows until they gain nothing, last
 *                   looks
 *   attempt         bold changes, undone unless the loss falls
 *   finish          centers with few rows are drawn back (draw_back.c); the result stands only if
 *                   it can be expected to be better on all rows; else the best trial stands
 *                   (improve_best)
 */
#include "algo/refine.h"

#include "algo/draw_back.h"
#include "algo/lloyd.h"
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
#define FIRST_SHARE  16   /* the first cut is made on this part of the rows */
#define LAST_ITER    15   /* iterations on all rows that the budget must allow, or rows are cut */
#define EXTRA        10   /* starts from the sample itself */
#define EXTRA_BYTES  ((size_t)32 << 20) /* their centers */
#define BOUNDS_BYTES ((size_t)32 << 20) /* what bounds keep of centers */
#define LOOK_COST    1.3                /* of a look, in iterations, */
#define LOOK_READS   64                 /* and what its reads of the rows cost: as many centers */
#define FAR_SHARE    1e-3               /* of the loss: a row that far is worth a look by itself */
#define LAST_SHARE   0.1                /* of the budget: so much a last look may take */
#define LOOKS        8                  /* on rows, each with LOOK_ITER iterations behind it */
#define LOOK_SHARE   0.3                /* of the budget: so much they may take on all rows, */
#define LOOK_CLUSTER 400                /* or else so many rows for each center, */
#define LOOK_LEAST   4096               /* and at least these */
#define FINALISTS    16                 /* have looks on few rows, */
#define FINAL_SHARE  0.4                /* while so much of the budget is left */
#define LAST_LOOKS   3                  /* behind the last iteration */
#define COARSE_LOOKS 20
#define COARSE_SHARE 0.15 /* of the budget, for looks at coarse centers */
#define LOOK_ITER    2
#define BOLD_SHARE   0.25 /* of the budget, for attempts, */
#define BOLD_EACH    0.03 /* if one takes no more than this */
#define BOLD_ITER    5
#define BOLD_FAILS   30   /* in a row end them */
#define BOLD_GAIN    1e-5 /* of the loss, or an attempt is undone */
#define FEW_COST     250  /* iterations that everything on all rows takes, about */
#define FEW_WIDTH    16   /* a narrow row takes as long as one of so many features */
#define LEND         2    /* budgets more, for looks as long as each of them */
#define LEND_GAIN    0.02 /* gains so much of the loss */
#define GROW_FROM    8    /* the last candidate runs on an eighth */
#define GROW_TO      3    /* to a third of the rows before it runs on all: */
#define GROW_ITER    10   /* so many iterations on each part */
#define GROW_TOL     1e-4 /* that gain more of the loss */
#define RELAX_ITER   4    /* in shorter runs going beyond the means gains nothing */
#define LAST_TOL     1e-7 /* the last candidate has converged when an iteration gains less */

double km_refine_budget(double values, size_t from_k)
{
    double share = BUDGET_SHARE * 2.0 * values * (double)from_k;

    return share > BUDGET_FLOOR ? share : BUDGET_FLOOR;
}

struct candidate {
    struct km_centers *centers;
    double loss, weight; /* of the rows that it ran on last */
    size_t number;       /* decides between equal losses */
    /* knows the rows that it has competed on; NULL where that does not pay */
    struct km_step *bounded;
};

struct refine {
    const struct km_refine_options *o;
    size_t all, some; /* rows that are used, and those on which the first cut is made */
    double *norm2;    /* (all) |x_i|^2 of the first `normed` rows */
    size_t normed;
    double *weight; /* (all) of the first `weighed` rows, */
    size_t weighed;
    int weighted;  /* where they are not all alike */
    double *dist2; /* (all) squared distances to the centers that were measured last */
    const struct km_kernels *kern;
    struct km_pool *pool;
    struct km_step *step;  /* over up to all rows */
    struct km_look look;   /* at rows; .k is 0: there are none */
    struct km_relax relax; /* where there are looks */
    uint64_t looks;        /* how many there were: names their random numbers */
    int few;               /* so few rows that everything is done on all of them */
    struct candidate *list;
    size_t n;                       /* candidates left */
    size_t wanted;                  /* candidates that the budget allows */
    struct km_centers extra[EXTRA]; /* starts from the sample */
    size_t n_extra;
    double budget, flop; /* floating point operations to spend; what is left of them */
    double lent;         /* and was spent beyond them */
    struct km_refine_result *result;
};

static int by_loss(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->loss != y->loss)
        return x->loss < y->loss ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

static void swap_candidates(struct candidate *a, struct candidate *b)
{
    struct candidate c = *a;

    *a = *b;
    *b = c;
}

/* The first n go on. */
static void keep(struct refine *r, size_t n)
{
    for (size_t i = n; i < r->n; i++)
        km_step_free(r->list[i].bounded);
    r->n = n;
}

/* Sorts, and drops candidates that have run into the same optimum as a better one. */
static void sort_distinct(struct refine *r)
{
    size_t kept = 0;

    qsort(r->list, r->n, sizeof(*r->list), by_loss);
    for (size_t i = 0; i < r->n; i++)
        if (kept == 0 || r->list[i].loss > r->list[kept - 1].loss * (1 + 1e-9))
            swap_candidates(&r->list[kept++], &r->list[i]);
    keep(r, kept);
}

static double iteration_flop(const struct km_points *p, const struct km_centers *c)
{
    return 2.0 * km_step_cells(&p->rows) * (double)c->k;
}

/* Of fewer rows than bounds are of, as between looks at some, nothing is kept: what is known of the
 * others stays good. */
static struct km_step *step_of(const struct refine *r, const struct candidate *c,
                               const struct km_points *p)
{
    int is_bounded = c->bounded && km_points_n(p) >= km_step_rows(c->bounded);

    return is_bounded ? c->bounded : r->step;
}

static int run(struct refine *r, struct candidate *c, const struct km_points *p, int iterations,
               double tol, struct km_err *err)
{
    double each = iteration_flop(p, c->centers);
    struct km_step *step = step_of(r, c, p);
    struct km_relax *relax = r->relax.at && iterations >= RELAX_ITER ? &r->relax : NULL;
    struct km_lloyd_result l;
    int rc = km_step_reserve(step, km_points_n(p), err);

    if (rc)
        return rc;
    if (r->flop < each * iterations)
        iterations = (int)(r->flop / each);
    if (iterations < 1) /* its loss is what it was */
        return KM_OK;
    l = km_lloyd_beyond(step, c->centers, p, iterations, tol, r->o->deadline, relax);
    c->loss = l.loss;
    c->weight = p->total_weight;
    r->flop -= each * l.work;
    r->result->iterations += l.iterations;
    return KM_OK;
}

/* r->dist2, by the labels of the step's last call; returns the msd. */
static double measure_labelled(struct refine *r, struct km_step *step, const struct km_centers *c,
                               const struct km_points *p)
{
    double total = 0;

    km_step_dist2(step, r->dist2, &p->rows, c);
    for (size_t i = 0; i < km_points_n(p); i++)
        total += km_points_weight(p, i) * r->dist2[i];
    return total / p->total_weight;
}

/* The same with new labels. */
static double measure(struct refine *r, struct km_step *step, const struct km_centers *c,
                      const struct km_points *p)
{
    km_step_label(step, &p->rows, p->norm2, c);
    return measure_labelled(r, step, c, p);
}

/* The same for a candidate, whose bounds know most of them. */
static int measure_candidate(struct refine *r, struct candidate *c, const struct km_points *p,
                             double *msd, struct km_err *err)
{
    struct km_step *step = step_of(r, c, p);
    int rc = km_step_reserve(step, km_points_n(p), err);

    if (rc == KM_OK)
        *msd = measure(r, step, c->centers, p);
    return rc;
}

/* The first n of the rows (as nested), without their norms. */
static struct km_points view_rows(struct refine *r, size_t n)
{
    struct km_sample *s = r->o->sample;
    struct km_points p = {.rows = km_rows_view(&s->rows, 0, n), .total_weight = (double)n};

    if (n != r->weighed) {
        r->weighted = km_sample_weights(s, n, r->weight);
        r->weighed = n;
    }
    if (!r->weighted)
        return p;
    p.rows.weight = r->weight;
    p.total_weight = 0;
    for (size_t i = 0; i < n; i++)
        p.total_weight += r->weight[i];
    return p;
}

/* The first n of the rows, as nested. */
static struct km_points first_rows(struct refine *r, size_t n)
{
    struct km_points p = view_rows(r, n);

    if (r->normed < n) {
        km_points_norms(r->norm2, &p.rows, r->normed, n, r->kern);
        r->normed = n;
    }
    for (size_t i = 0; i < n; i++)
        p.total_norm2 += km_points_weight(&p, i) * r->norm2[i];
    p.norm2 = r->norm2;
    return p;
}

/* Which rows the budget allows: all that are used, and those of the first cut. */
static void choose_rows(struct refine *r, size_t k)
{
    struct km_sample *s = r->o->sample;
    size_t have = km_sample_rows(s), n, part;
    double wide = km_step_cells(&s->rows) / (double)have, each = 2.0 * (double)k * wide, fit;

    r->budget = km_rows_are_sparse(&s->rows) ? r->o->flop : fmax(r->o->flop, r->o->few_flop);
    r->few = FEW_COST * (double)have * fmax(each, 2.0 * (double)k * FEW_WIDTH) <= r->budget;
    if (!r->few)
        r->budget = r->o->flop;
    fit = r->budget / each / LAST_ITER;
    n = fit < (double)have ? (size_t)fit : have;
    part = r->few ? n : n / FIRST_SHARE;
    if (n < 2 * k)
        n = km_min(2 * k, have);
    if (!r->few && part < 100 * k) /* too few rows to tell the candidates apart */
        part = km_min(100 * k, n);
    r->all = n;
    r->some = part;
    km_sample_nest(s, part, n);
}

/* The next larger of the numbers of rows that are samples. */
static size_t nested_rows(const struct refine *r, size_t least)
{
    size_t n = r->some;

    while (n < least)
        n *= 2;
    return km_min(n, r->all);
}

/* Whether there are rows that do not take part. */
static int is_sample(const struct refine *r)
{
    return r->all < r->o->total_rows;
}

/* On how many rows the candidates compete in a round: twice as many as in the one before. */
static size_t rows_of_round(const struct refine *r, size_t round)
{
    return nested_rows(r, round < 32 ? r->some << round : r->all);
}

/* Iterations, in rows, of all rounds that n candidates need until one is left. */
static double rows_of_tournament(const struct refine *r, size_t n)
{
    double rows = 0;

    for (size_t round = 0; n > 1; round++, n = (n + 1) / 2)
        rows += ROUND_ITER * (double)n * (double)rows_of_round(r, round);
    return rows;
}

/* What a look costs, in iterations: rows are read several times, however few the centers are. */
static double look_cost(size_t k)
{
    return LOOK_COST + LOOK_READS / (double)k;
}

/* Whether another look is within the budget; beyond it, one that follows a good one is lent. */
static int can_look(struct refine *r, double each, const struct candidate *c, double gain)
{
    double need = (look_cost(c->centers->k) + LOOK_ITER) * each;

    if (km_late(r->o->deadline))
        return 0;
    if (r->flop > need)
        return 1;
    if (gain < LEND_GAIN * c->loss / c->weight || r->lent + need > LEND * r->budget)
        return 0;
    r->flop += need;
    r->lent += need;
    return 1;
}

/* Looks at the first n rows, with iterations in between, until none finds anything; up to
 * `most`. */
static int look_at(struct refine *r, struct candidate *c, size_t n, size_t most, size_t *moved,
                   struct km_err *err)
{
    struct km_points p = first_rows(r, n);
    double each = iteration_flop(&p, c->centers),
           gain = r->few ? HUGE_VAL : 0; /* the first is lent, too */
    int rc = KM_OK;

    *moved = 0;
    for (size_t i = 0; rc == KM_OK && i < most && can_look(r, each, c, gain); i++) {
        double before = c->loss / c->weight;
        size_t found =
            km_look(&r->look, c->centers, &p, c->centers->k, r->o->seed ^ ++r->looks << 32);

        r->flop -= look_cost(c->centers->k) * each;
        *moved += found;
        if (found == 0)
            break;
        rc = run(r, c, &p, LOOK_ITER, 0, err);
        gain = before - c->loss / c->weight;
    }
    r->result->moved += *moved;
    return rc;
}

/* Rows that looks have memory for. */
static size_t look_rows(const struct refine *r)
{
    size_t n = r->some;

    while (n <= KM_REFINE_LOOK_ROWS / 2 && n < r->all)
        n *= 2;
    return km_min(n, r->all);
}

/* Whether a row is so far from its center, as it was labelled last, that it should have one of its
 * own. */
static int has_far_row(struct refine *r, const struct candidate *c, const struct km_points *p)
{
    struct km_step *step = step_of(r, c, p);
    double most = 0;

    if (km_step_most_dist2(step, &p->rows, c->centers) <= FAR_SHARE * c->loss)
        return 0;
    if (km_step_rows(step) == km_points_n(p))
        measure_labelled(r, step, c->centers, p);
    else
        measure(r, step, c->centers, p);
    for (size_t i = 0; i < km_points_n(p); i++)
        most = fmax(most, km_points_weight(p, i) * r->dist2[i]);
    return most > FAR_SHARE * c->loss;
}

/* Whether `looks` at all rows are cheap, or a far row asks for them. */
static int are_worth_it(struct refine *r, const struct candidate *c, const struct km_points *p,
                        int looks, double share)
{
    double each = look_cost(c->centers->k) * iteration_flop(p, c->centers);

    return looks * each <= share * r->budget || has_far_row(r, c, p);
}

/* Rows of the first looks: all where that is little work or one is far, else enough to know the
 * clusters by. */
static size_t first_look_rows(struct refine *r, const struct candidate *c,
                              const struct km_points *p)
{
    size_t n = LOOK_CLUSTER * c->centers->k;

    if (are_worth_it(r, c, p, LOOKS, LOOK_SHARE))
        return look_rows(r);
    n = n > LOOK_LEAST ? n : LOOK_LEAST;
    n = n > r->all / FIRST_SHARE ? n : r->all / FIRST_SHARE;
    return n < look_rows(r) ? nested_rows(r, n) : look_rows(r);
}

/* Bold changes, with iterations behind each; what does not make the loss smaller is undone. */
static int attempt(struct refine *r, struct candidate *c, const struct km_points *p, size_t *moved,
                   struct km_err *err)
{
    double each = (look_cost(c->centers->k) + BOLD_ITER) * iteration_flop(p, c->centers);
    double least = r->flop - BOLD_SHARE * r->budget;
    struct km_centers before = {0};
    int rc, fails = 0;

    *moved = 0;
    if (each > BOLD_EACH * r->budget)
        return KM_OK;
    rc = km_centers_init(&before, c->centers->k, c->centers->d, err);
    while (rc == KM_OK && fails < BOLD_FAILS && r->flop - each > (least > 0 ? least : 0) &&
           !km_late(r->o->deadline)) {
        double loss = c->loss;

        km_centers_copy(&before, c->centers);
        if (!km_look_boldly(&r->look, c->centers, p, (size_t)fails, r->o->seed ^ ++r->looks << 32))
            break;
        r->flop -= look_cost(c->centers->k) * iteration_flop(p, c->centers);
        rc = run(r, c, p, BOLD_ITER, 0, err);
        if (rc == KM_OK && c->loss < loss * (1 - BOLD_GAIN)) {
            ++*moved;
            fails = 0;
            continue;
        }
        km_centers_copy(c->centers, &before);
        c->loss = loss;
        fails++;
    }
    r->result->moved += *moved;
    km_centers_done(&before);
    return rc;
}

/* How many candidates have looks before one is chosen: where one is stuck another one may not
 * be. */
static size_t finalists(const struct refine *r)
{
    return r->look.k && r->few ? FINALISTS : 1;
}

/* Looks at rows for each that is left and within the budget; the best one stays. */
static int final(struct refine *r, struct km_err *err)
{
    size_t rows = 0, moved;

    for (size_t i = 0; r->look.k && i < r->n; i++) {
        struct candidate *c = &r->list[i];
        struct km_points p = first_rows(r, r->all);
        int rc;

        if (i > 0 && (r->flop < FINAL_SHARE * r->budget || km_late(r->o->deadline))) {
            keep(r, i);
            break;
        }
        rc = run(r, c, &p, 1, 0, err);
        if (rc == KM_OK && rows == 0)
            rows = first_look_rows(r, c, &p);
        if (rc == KM_OK)
            rc = look_at(r, c, rows, LOOKS, &moved, err);
        if (rc)
            return rc;
    }
    qsort(r->list, r->n, sizeof(*r->list), by_loss);
    keep(r, 1);
    return KM_OK;
}

/* Iterations on parts of the rows, which lead to about where those on all rows would, for less. */
static int grow(struct refine *r, struct candidate *c, struct km_err *err)
{
    int rc = KM_OK;

    if (r->few || c->bounded) /* whose iterations on all rows cost little */
        return KM_OK;
    for (size_t n = nested_rows(r, r->all / GROW_FROM); rc == KM_OK && n < r->all / GROW_TO;
         n *= 2) {
        struct km_points p = first_rows(r, n);

        rc = run(r, c, &p, GROW_ITER, GROW_TOL, err);
    }
    return rc;
}

/* The winner: iterations on all rows until they gain nothing any more; then whether a look does. */
static int last_candidate(struct refine *r, struct km_err *err)
{
    struct candidate *c = &r->list[0];
    struct km_points p = first_rows(r, r->all);
    size_t moved = 0;
    int rc;

    if (r->flop < iteration_flop(&p, c->centers))
        return KM_OK;
    rc = grow(r, c, err);
    for (int i = 0; rc == KM_OK; i++) {
        p = first_rows(r, r->all);
        rc = run(r, c, &p, 1000, LAST_TOL, err);
        if (rc || !r->look.k || i == LAST_LOOKS || !are_worth_it(r, c, &p, 1, LAST_SHARE))
            break;
        rc = look_at(r, c, look_rows(r), 1, &moved, err);
        if (moved == 0)
            break;
    }
    if (rc == KM_OK && r->look.k && look_rows(r) == r->all)
        rc = attempt(r, c, &p, &moved, err);
    if (rc == KM_OK && moved > 0)
        rc = run(r, c, &p, 1000, LAST_TOL, err);
    return rc;
}

/* Looks at the coarse centers, which stand for all rows, for the trials that take part. */
static int look_at_coarse(struct refine *r, struct km_err *err)
{
    const struct km_centers *coarse = r->o->coarse;
    size_t k = r->list[0].centers->k, d = coarse->d;
    struct km_rows rows = {.dense = coarse->c, .weight = coarse->weight};
    struct km_points p = km_points_of(&rows, r->kern);
    struct km_step_size size = km_step_size_of(&rows, k);
    double each = iteration_flop(&p, r->list[0].centers);
    double left = COARSE_SHARE * r->budget;
    struct km_step *step = NULL;
    struct km_look look = {0};
    int rc = km_step_new(&step, &size, r->kern, r->pool, err);

    if (rc == KM_OK)
        rc = km_look_init(&look, r->kern, r->pool, coarse->k, k, d, 0, err);
    for (size_t i = 0; rc == KM_OK && i < r->n && !km_late(r->o->deadline); i++)
        for (int n = 0; n < COARSE_LOOKS && left > (LOOK_COST + LOOK_ITER) * each; n++) {
            struct candidate *c = &r->list[i];
            size_t moved = km_look(&look, c->centers, &p, k, r->o->seed ^ ++r->looks << 32);

            left -= (LOOK_COST + LOOK_ITER) * each;
            r->flop -= (LOOK_COST + LOOK_ITER) * each;
            r->result->moved += moved;
            if (moved == 0)
                break;
            c->loss = km_lloyd(step, c->centers, &p, LOOK_ITER, 0, r->o->deadline).loss;
        }
    km_look_done(&look);
    km_step_free(step);
    return rc;
}

/*
 * Many candidates on few rows, then fewer on more: each round costs about the same, and a bad
 * optimum shows on few rows. After the deadline it leaves out the candidates that have not run.
 */
static int tournament(struct refine *r, struct km_err *err)
{
    struct km_points p;
    int rc;

    for (size_t round = 0; r->n > finalists(r); round++) {
        size_t n = rows_of_round(r, round);

        p = first_rows(r, n);
        if (r->flop < (double)r->n * iteration_flop(&p, r->list[0].centers)) {
            keep(r, 1); /* not all would run, and losses of different rows say nothing */
            break;
        }
        for (size_t i = 0; i < r->n; i++) {
            rc = run(r, &r->list[i], &p, ROUND_ITER, 0, err);
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
static size_t starts_that_fit(const struct refine *r, size_t most)
{
    const struct km_centers *c = r->list[0].centers;
    size_t fit = EXTRA_BYTES / (sizeof(float) + sizeof(double)) / (c->k * c->d);

    fit = fit < 1 ? 1 : km_min(fit, EXTRA);
    return km_min(fit, most);
}

/*
 * The candidates: the best different trials, and up to EXTRA starts from the sample itself. The
 * trials all descend from the first mini-batch; where that is not like the rest (a sorted file),
 * they share its blind spots, and a start from the sample does not.
 */
static int prepare(struct refine *r, struct km_trial *trials, size_t n_trials, struct km_err *err)
{
    struct km_points p;
    double each, fit;
    size_t extra;

    choose_rows(r, trials[0].centers.k);
    r->flop = r->budget;
    r->list = km_alloc(n_trials + EXTRA, sizeof(*r->list));
    r->norm2 = km_alloc(r->all, sizeof(*r->norm2));
    r->weight = km_alloc(r->all, sizeof(*r->weight));
    r->dist2 = km_alloc(r->all, sizeof(*r->dist2));
    if (!r->list || !r->norm2 || !r->weight || !r->dist2)
        return km_fail(err, KM_E_MEM, "no memory for refining");
    for (size_t t = 0; t < n_trials; t++)
        r->list[t] =
            (struct candidate){.centers = &trials[t].centers, .loss = trials[t].loss, .number = t};
    r->n = n_trials;
    sort_distinct(r);
    p = view_rows(r, r->all);
    each = iteration_flop(&p, &trials[0].centers);
    fit = fmin(r->flop - LAST_ITER * each, TEAM_SHARE * r->flop) / each * (double)r->all;
    r->wanted = n_trials + EXTRA;
    while (r->wanted > 2 && rows_of_tournament(r, r->wanted) > fit)
        r->wanted--;
    extra = starts_that_fit(r, r->wanted / 2);
    if (r->n > r->wanted - extra)
        r->n = r->wanted - extra;
    return KM_OK;
}

/* Starts by k-means++ on the rows that candidates compete on. */
static int seed_starts(struct refine *r, size_t from, size_t n, size_t k, size_t d,
                       struct km_err *err)
{
    struct km_seed_start starts[EXTRA];
    struct km_points p = view_rows(r, r->some);
    int rc = KM_OK;

    for (size_t s = 0; rc == KM_OK && s < n; s++) {
        starts[s] = (struct km_seed_start){.c = &r->extra[from + s]};
        km_rng_seed(&starts[s].rng, r->o->seed, 'E', r->o->rank * EXTRA + from + s);
        rc = km_centers_init(starts[s].c, k, d, err);
    }
    if (rc)
        return rc;
    r->flop -= iteration_flop(&p, starts->c) * (double)n * (double)(r->few ? km_seed_draws(k) : 1);
    return km_step_seed(r->step, starts, n, &p.rows, r->few, err);
}

/* Plain k-means++ of dense rows goes faster for all starts together; else a job that is late to
 * stop does with fewer. */
static int seed_extra(struct refine *r, size_t n_trials, size_t k, size_t d, struct km_err *err)
{
    int together = !r->few && !km_rows_are_sparse(&r->o->sample->rows), rc = KM_OK;
    size_t n = together ? r->n_extra : 1;

    for (size_t e = 0; rc == KM_OK && e < r->n_extra && !km_late(r->o->deadline); e += n) {
        rc = seed_starts(r, e, n, k, d, err);
        for (size_t i = e; rc == KM_OK && i < e + n; i++)
            r->list[r->n++] = (struct candidate){
                .centers = &r->extra[i], .loss = HUGE_VAL, .number = n_trials + i};
    }
    return rc;
}

/* Bounds for every candidate, where they pay and what they keep of the centers fits. */
static int init_bounds(struct refine *r, size_t k, size_t d, struct km_err *err)
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
static int improve_best(struct refine *r, struct km_centers *best, struct km_err *err)
{
    struct candidate c = {.centers = best};
    struct km_points p = first_rows(r, r->all);
    int rc = run(r, &c, &p, 1000, LAST_TOL, err);

    if (rc == KM_OK)
        rc = measure_candidate(r, &c, &p, &r->result->after, err);
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
static int finish(struct refine *r, struct candidate *c, struct km_err *err)
{
    struct km_points p = first_rows(r, r->all);
    struct km_sample_view view = {NULL, r->dist2, p.rows.weight, r->all, r->o->total_rows};
    struct km_refine_result *result = r->result;
    double *noise = NULL, excess, msd;
    int rc = measure_candidate(r, c, &p, &result->after, err);

    result->optimism = 1;
    if (rc || !is_sample(r))
        return rc;
    msd = result->after;
    view.label = km_step_labels(step_of(r, c, &p));
    noise = km_alloc(c->centers->k, sizeof(*noise));
    if (!noise)
        return km_fail(err, KM_E_MEM, "no memory for refining");
    rc = km_sample_noise(noise, &excess, c->centers->k, &view, err);
    if (rc == KM_OK)
        rc = km_draw_back(c->centers, noise, r->o->coarse, r->kern, r->pool, err);
    if (rc == KM_OK)
        rc = measure_candidate(r, c, &p, &result->after, err);
    if (excess > 0)
        result->optimism = optimism_of(2 * excess / (msd * (double)r->o->total_rows));
    km_free(noise);
    return rc;
}

/* What serves the search where there is memory for it. */
static int init_looks(struct refine *r, const struct km_step_size *size, struct km_err *err)
{
    int rc =
        km_look_init(&r->look, r->kern, r->pool, look_rows(r), size->k, size->d, size->sparse, err);

    return rc ? rc : km_relax_init(&r->relax, size->k, size->d, err);
}

int km_refine(struct km_centers *best, struct km_refine_result *result, struct km_trial *trials,
              size_t n_trials, const struct km_refine_options *o, const struct km_kernels *kern,
              struct km_pool *pool, struct km_err *err)
{
    struct refine r = {.o = o, .kern = kern, .pool = pool, .result = result};
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
        rc = look_at_coarse(&r, err);
    if (rc == KM_OK && (!size.sparse || k * d <= KM_REFINE_LOOK_CELLS))
        rc = init_looks(&r, &size, err);
    if (rc)
        goto out;
    result->rows = r.all;
    sort_distinct(
        &r); /* looks lead some trials to the same place; starts from the sample fill up */
    r.n_extra = starts_that_fit(&r, r.wanted - r.n);
    km_centers_copy(best, r.list[0].centers);
    every = view_rows(&r, r.all);
    result->before = measure(&r, r.step, best, &every);
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
    else if (!is_sample(&r))
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
