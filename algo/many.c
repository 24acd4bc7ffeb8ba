/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/many.h"

#include "algo/lloyd.h"
#include "algo/near_rows.h"

#define LEAST_GAIN 1e-4 /* of the loss */
#define PAYS       50   /* another look follows one that moved a center in so many */
#define NEAR       32   /* centers of a list */
/* What a look costs, in iterations: two trials of a split for each row, however few the centers
 * are; and a list of the nearest for each center. Measured with 8-bit screens (Zen 4, d = 54 to
 * 784), where iterations are cheapest. */
#define LOOK_COST 0.25
#define LOOK_READ 1200 /* as many centers */
#define LIST_COST 12   /* rows for each center */

struct search {
    struct km_centers *c;
    const struct km_points *p;
    const struct km_many_options *o;
    struct km_many_result *r;
    const struct km_kernels *kern;
    struct km_pool *pool;
    struct km_step *step;
    struct km_near_lists lists;
    struct km_near_rows near;
    struct km_look look; /* .k is 0: no looks */
};

static int search_init(struct search *s, struct km_err *err)
{
    struct km_step_size size = km_step_size_of(&s->p->rows, s->c->k);
    size_t n = size.rows, k = size.k, d = size.d;
    int rc = km_step_new(&s->step, &size, s->kern, s->pool, err);

    if (n > KM_MANY_ROWS || k > KM_MANY_CENTERS || k < 2)
        return rc;
    if (rc == KM_OK)
        rc = km_near_lists_init(&s->lists, s->pool, k, NEAR, err);
    if (rc == KM_OK)
        rc = km_near_rows_init(&s->near, s->kern, s->pool, n, k, d, s->lists.each, err);
    if (rc == KM_OK)
        rc = km_look_init(&s->look, s->kern, s->pool, n, k, d, 0, err);
    return rc;
}

static void search_done(struct search *s)
{
    km_step_free(s->step);
    km_near_lists_done(&s->lists);
    km_near_rows_done(&s->near);
    km_look_done(&s->look);
}

static double look_cost(const struct search *s)
{
    double k = (double)s->c->k;

    return LOOK_COST + LOOK_READ / k + LIST_COST * k / (double)km_points_n(s->p);
}

static int can_spend(const struct search *s, double work)
{
    return s->r->work + work <= s->o->work && !km_late(s->o->deadline);
}

/* One step of Lloyd; its loss is that of the new labels against their means. */
static void iterate(struct search *s)
{
    s->r->after = km_lloyd(s->step, s->c, s->p, 1, 0, NULL).loss;
    s->r->work += 1;
    s->r->iterations++;
}

/* A look at the rows whose labels are those of the last iteration; returns how many centers it
 * moved. */
static size_t look(struct search *s)
{
    size_t moved;

    km_near_lists_find(&s->lists, s->c, s->kern, s->pool);
    km_near_rows_measure(&s->near, &s->look, s->p, km_step_labels(s->step), s->c, &s->lists);
    moved = km_look_measured(&s->look, s->c, s->p, s->c->k, s->o->seed ^ (s->r->looks + 1) << 32);
    s->r->work += look_cost(s);
    s->r->looks++;
    s->r->moved += moved;
    return moved;
}

/* Looks while they pay, then iterations until they gain nothing, and one more look whether that is
 * the end. */
static void search(struct search *s)
{
    size_t moved = s->look.k; /* by the last look */
    int pays = s->look.k > 0;

    while (can_spend(s, 1)) {
        double before = s->r->after;
        int affordable = can_spend(s, look_cost(s) + 1), looks = pays && affordable, gains;

        if (looks)
            moved = look(s);
        if (s->o->looks_only && !looks)
            break;
        iterate(s);
        gains = before - s->r->after >= LEAST_GAIN * s->r->after;
        if (!gains && (looks || moved == 0 || !affordable))
            break;
        pays = looks ? moved * PAYS >= s->c->k : !gains;
    }
}

int km_many_takes(const struct km_rows *rows)
{
    return !km_rows_are_sparse(rows);
}

int km_many(struct km_centers *c, struct km_many_result *result, const struct km_points *p,
            const struct km_many_options *options, const struct km_kernels *kern,
            struct km_pool *pool, struct km_err *err)
{
    struct search s = {.c = c, .p = p, .o = options, .r = result, .kern = kern, .pool = pool};
    int rc = search_init(&s, err);

    *result = (struct km_many_result){0};
    if (rc == KM_OK && can_spend(&s, options->looks_only ? look_cost(&s) + 2 : 1)) {
        iterate(&s);
        result->before = result->after;
        search(&s);
    }
    search_done(&s);
    return rc;
}
