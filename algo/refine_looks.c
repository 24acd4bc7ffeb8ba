/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/refine_looks.h"

#include <math.h>

#define LOOK_COST    1.3  /* of a look, in iterations, */
#define LOOK_READS   64   /* and what its reads of the rows cost: as many centers */
#define FAR_SHARE    1e-3 /* of the loss: a row that far is worth a look by itself */
#define LOOK_SHARE   0.3  /* of the budget: so much they may take on all rows, */
#define LOOK_CLUSTER 400  /* or else so many rows for each center, */
#define LOOK_LEAST   4096 /* and at least these */
#define COARSE_LOOKS 20
#define COARSE_SHARE 0.15 /* of the budget, for looks at coarse centers */
#define LOOK_ITER    2
#define BOLD_SHARE   0.25 /* of the budget, for attempts, */
#define BOLD_EACH    0.03 /* if one takes no more than this */
#define BOLD_ITER    5
#define BOLD_FAILS   30   /* in a row end them */
#define BOLD_GAIN    1e-5 /* of the loss, or an attempt is undone */
#define LEND         2    /* budgets more, for looks as long as each of them */
#define LEND_GAIN    0.02 /* gains so much of the loss */

/* What a look costs, in iterations: rows are read several times, however few the centers are. */
static double look_cost(size_t k)
{
    return LOOK_COST + LOOK_READS / (double)k;
}

/* Whether another look is within the budget; beyond it, one that follows a good one is lent. */
static int can_look(struct km_refining *r, double each, const struct km_candidate *c, double gain)
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

int km_refine_look(struct km_refining *r, struct km_candidate *c, size_t n, size_t most,
                   size_t *moved, struct km_err *err)
{
    struct km_points p = km_refining_rows(r, n);
    double each = km_refining_flop(&p, c->centers),
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
        rc = km_refining_run(r, c, &p, LOOK_ITER, 0, err);
        gain = before - c->loss / c->weight;
    }
    r->result->moved += *moved;
    return rc;
}

size_t km_refine_look_rows(const struct km_refining *r)
{
    size_t n = r->some;

    while (n <= KM_REFINE_LOOK_ROWS / 2 && n < r->all)
        n *= 2;
    return km_min(n, r->all);
}

/* Whether a row is so far from its center, as it was labelled last, that it should have one of its
 * own. */
static int has_far_row(struct km_refining *r, const struct km_candidate *c,
                       const struct km_points *p)
{
    struct km_step *step = km_refining_step(r, c, p);
    double most = 0;

    if (km_step_most_dist2(step, &p->rows, c->centers) <= FAR_SHARE * c->loss)
        return 0;
    if (km_step_rows(step) == km_points_n(p))
        km_refining_measure_labelled(r, step, c->centers, p);
    else
        km_refining_measure(r, step, c->centers, p);
    for (size_t i = 0; i < km_points_n(p); i++)
        most = fmax(most, km_points_weight(p, i) * r->dist2[i]);
    return most > FAR_SHARE * c->loss;
}

int km_refine_looks_pay(struct km_refining *r, const struct km_candidate *c,
                        const struct km_points *p, int looks, double share)
{
    double each = look_cost(c->centers->k) * km_refining_flop(p, c->centers);

    return looks * each <= share * r->budget || has_far_row(r, c, p);
}

size_t km_refine_first_look_rows(struct km_refining *r, const struct km_candidate *c,
                                 const struct km_points *p)
{
    size_t n = LOOK_CLUSTER * c->centers->k;

    if (km_refine_looks_pay(r, c, p, KM_REFINE_LOOKS, LOOK_SHARE))
        return km_refine_look_rows(r);
    n = n > LOOK_LEAST ? n : LOOK_LEAST;
    n = n > r->all / KM_REFINE_FIRST_SHARE ? n : r->all / KM_REFINE_FIRST_SHARE;
    return n < km_refine_look_rows(r) ? km_refining_nested(r, n) : km_refine_look_rows(r);
}

int km_refine_attempt(struct km_refining *r, struct km_candidate *c, const struct km_points *p,
                      size_t *moved, struct km_err *err)
{
    double each = (look_cost(c->centers->k) + BOLD_ITER) * km_refining_flop(p, c->centers);
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
        r->flop -= look_cost(c->centers->k) * km_refining_flop(p, c->centers);
        rc = km_refining_run(r, c, p, BOLD_ITER, 0, err);
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

int km_refine_look_at_coarse(struct km_refining *r, struct km_err *err)
{
    const struct km_centers *coarse = r->o->coarse;
    size_t k = r->list[0].centers->k, d = coarse->d;
    struct km_rows rows = {.dense = coarse->c, .weight = coarse->weight};
    struct km_points p = km_points_of(&rows, r->kern);
    struct km_step_size size = km_step_size_of(&rows, k);
    double each = km_refining_flop(&p, r->list[0].centers);
    double left = COARSE_SHARE * r->budget;
    struct km_step *step = NULL;
    struct km_look look = {0};
    int rc = km_step_new(&step, &size, r->kern, r->pool, err);

    if (rc == KM_OK)
        rc = km_look_init(&look, r->kern, r->pool, coarse->k, k, d, 0, err);
    for (size_t i = 0; rc == KM_OK && i < r->n && !km_late(r->o->deadline); i++)
        for (int n = 0; n < COARSE_LOOKS && left > (LOOK_COST + LOOK_ITER) * each; n++) {
            struct km_candidate *c = &r->list[i];
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
