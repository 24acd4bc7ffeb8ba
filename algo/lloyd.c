/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/lloyd.h"

#include "algo/loss.h"

struct km_lloyd_result km_lloyd(struct km_step *step, struct km_centers *c,
                                const struct km_points *p, int max_iter, double tol,
                                const struct km_deadline *deadline)
{
    struct km_lloyd_result r = {.loss = p->total_norm2};

    while (r.iterations < max_iter && !r.converged && !(r.iterations > 0 && km_late(deadline))) {
        const struct km_sums *sums = km_step_sum(step, &p->rows, p->norm2, c);
        double before = r.loss;

        r.work += km_step_work(step);
        r.loss = p->total_norm2 - km_centers_to_means(c, sums);
        if (r.loss < KM_LOSS_SHARE * p->total_norm2)
            r.loss = km_step_loss(step, &p->rows, c);
        r.converged = r.iterations > 0 && before - r.loss <= tol * r.loss;
        r.iterations++;
    }
    return r;
}
