/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/loss.h"

#define PARTS 64

struct measure {
    const struct km_points *p;
    const uint32_t *label;
    const struct km_centers *c;
    const struct km_kernels *kern;
    double part[PARTS];
};

static void measure_part(void *arg, size_t part, int worker)
{
    struct measure *m = arg;
    size_t n = m->p->x.n, d = m->c->d;
    double total = 0;

    (void)worker;
    for (size_t i = part * n / PARTS; i < (part + 1) * n / PARTS; i++)
        total += km_points_weight(m->p, i) *
                 m->kern->dist2(km_mat_row(&m->p->x, i), m->c->exact + m->label[i] * d, d);
    m->part[part] = total;
}

double km_loss(const struct km_points *p, const uint32_t *label, const struct km_centers *c,
               const struct km_kernels *kern, struct km_pool *pool)
{
    struct measure m = {p, label, c, kern, {0}};
    double total = 0;

    if (p->s.d)
        return km_sparse_measure(p->step, &p->s, c);
    km_pool_run(pool, measure_part, &m, PARTS);
    for (size_t i = 0; i < PARTS; i++)
        total += m.part[i];
    return total;
}
