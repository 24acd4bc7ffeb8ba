/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/loss.h"

#include "base/size.h"

#define PARTS 64

struct measure {
    const struct km_rows *rows;
    const struct km_mat *x;
    const uint32_t *label;
    const struct km_centers *c;
    const struct km_kernels *kern;
    double *dist2;
    double part[PARTS];
};

static double dist2_of(const struct measure *m, size_t i)
{
    return m->kern->dist2(km_mat_row(m->x, i), m->c->exact + m->label[i] * m->c->d, m->c->d);
}

static void measure_rows(void *arg, size_t task, int worker)
{
    const struct measure *m = arg;
    size_t end = km_min((task + 1) * KM_KERN_ROWS, m->x->n);

    (void)worker;
    for (size_t i = task * KM_KERN_ROWS; i < end; i++)
        m->dist2[i] = dist2_of(m, i);
}

void km_loss_dist2(double *dist2, const struct km_mat *x, const uint32_t *label,
                   const struct km_centers *c, const struct km_kernels *kern, struct km_pool *pool)
{
    struct measure m = {.x = x, .label = label, .c = c, .kern = kern, .dist2 = dist2};

    km_pool_run(pool, measure_rows, &m, km_ceil_div(x->n, KM_KERN_ROWS));
}

static void measure_part(void *arg, size_t part, int worker)
{
    struct measure *m = arg;
    size_t n = m->x->n;
    double total = 0;

    (void)worker;
    for (size_t i = part * n / PARTS; i < (part + 1) * n / PARTS; i++)
        total += km_rows_weight(m->rows, i) * dist2_of(m, i);
    m->part[part] = total;
}

double km_loss(const struct km_rows *rows, const uint32_t *label, const struct km_centers *c,
               const struct km_kernels *kern, struct km_pool *pool)
{
    struct measure m = {.rows = rows, .x = &rows->dense, .label = label, .c = c, .kern = kern};
    double total = 0;

    km_pool_run(pool, measure_part, &m, PARTS);
    for (size_t i = 0; i < PARTS; i++)
        total += m.part[i];
    return total;
}
