/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/refining.h"

#include <math.h>

#define FEW_COST   250 /* iterations that everything on all rows takes, about */
#define FEW_WIDTH  16  /* a narrow row takes as long as one of so many features */
#define RELAX_ITER 4   /* in shorter runs going beyond the means gains nothing */

double km_refining_flop(const struct km_points *p, const struct km_centers *c)
{
    return 2.0 * km_step_cells(&p->rows) * (double)c->k;
}

struct km_step *km_refining_step(const struct km_refining *r, const struct km_candidate *c,
                                 const struct km_points *p)
{
    int is_bounded = c->bounded && km_points_n(p) >= km_step_rows(c->bounded);

    return is_bounded ? c->bounded : r->step;
}

int km_refining_run(struct km_refining *r, struct km_candidate *c, const struct km_points *p,
                    int iterations, double tol, struct km_err *err)
{
    double each = km_refining_flop(p, c->centers);
    struct km_step *step = km_refining_step(r, c, p);
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

double km_refining_measure_labelled(struct km_refining *r, struct km_step *step,
                                    const struct km_centers *c, const struct km_points *p)
{
    double total = 0;

    km_step_dist2(step, r->dist2, &p->rows, c);
    for (size_t i = 0; i < km_points_n(p); i++)
        total += km_points_weight(p, i) * r->dist2[i];
    return total / p->total_weight;
}

double km_refining_measure(struct km_refining *r, struct km_step *step, const struct km_centers *c,
                           const struct km_points *p)
{
    km_step_label(step, &p->rows, p->norm2, c);
    return km_refining_measure_labelled(r, step, c, p);
}

int km_refining_measure_candidate(struct km_refining *r, struct km_candidate *c,
                                  const struct km_points *p, double *msd, struct km_err *err)
{
    struct km_step *step = km_refining_step(r, c, p);
    int rc = km_step_reserve(step, km_points_n(p), err);

    if (rc == KM_OK)
        *msd = km_refining_measure(r, step, c->centers, p);
    return rc;
}

struct km_points km_refining_view(struct km_refining *r, size_t n)
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

struct km_points km_refining_rows(struct km_refining *r, size_t n)
{
    struct km_points p = km_refining_view(r, n);

    if (r->normed < n) {
        km_points_norms(r->norm2, &p.rows, r->normed, n, r->kern);
        r->normed = n;
    }
    for (size_t i = 0; i < n; i++)
        p.total_norm2 += km_points_weight(&p, i) * r->norm2[i];
    p.norm2 = r->norm2;
    return p;
}

void km_refining_choose_rows(struct km_refining *r, size_t k)
{
    struct km_sample *s = r->o->sample;
    size_t have = km_sample_rows(s), n, part;
    double wide = km_step_cells(&s->rows) / (double)have, each = 2.0 * (double)k * wide, fit;

    r->budget = km_rows_are_sparse(&s->rows) ? r->o->flop : fmax(r->o->flop, r->o->few_flop);
    r->few = FEW_COST * (double)have * fmax(each, 2.0 * (double)k * FEW_WIDTH) <= r->budget;
    if (!r->few)
        r->budget = r->o->flop;
    fit = r->budget / each / KM_REFINE_LAST_ITER;
    n = fit < (double)have ? (size_t)fit : have;
    part = r->few ? n : n / KM_REFINE_FIRST_SHARE;
    if (n < 2 * k)
        n = km_min(2 * k, have);
    if (!r->few && part < 100 * k) /* too few rows to tell the candidates apart */
        part = km_min(100 * k, n);
    r->all = n;
    r->some = part;
    km_sample_nest(s, part, n);
}

size_t km_refining_nested(const struct km_refining *r, size_t least)
{
    size_t n = r->some;

    while (n < least)
        n *= 2;
    return km_min(n, r->all);
}

int km_refining_is_sample(const struct km_refining *r)
{
    return r->all < r->o->total_rows;
}
