/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/lloyd.h"

#include "algo/loss.h"

/* The loss of the labels of the last step against the means of their rows; the centers go there. */
static double to_means(struct km_step *step, struct km_centers *c, const struct km_sums *sums,
                       const struct km_points *p)
{
    double loss = p->total_norm2 - km_centers_to_means(c, sums);

    return loss < KM_LOSS_SHARE * p->total_norm2 ? km_step_loss(step, &p->rows, c) : loss;
}

struct km_lloyd_result km_lloyd_beyond(struct km_step *step, struct km_centers *c,
                                       const struct km_points *p, int max_iter, double tol,
                                       const struct km_deadline *deadline, struct km_relax *relax)
{
    struct km_lloyd_result r = {.loss = p->total_norm2};

    while (r.iterations < max_iter && !r.converged && !(r.iterations > 0 && km_late(deadline))) {
        const struct km_sums *sums;
        double before = r.loss;
        int rose;

        if (relax && r.iterations > 0)
            km_relax_beyond(relax, c);
        sums = km_step_sum(step, &p->rows, p->norm2, c);
        if (relax)
            km_relax_remember(relax, c);
        r.work += km_step_work(step);
        r.loss = to_means(step, c, sums, p);
        rose = relax && r.loss > before;
        if (rose)
            relax = NULL;
        r.converged = r.iterations > 0 && !rose && before - r.loss <= tol * r.loss;
        r.iterations++;
    }
    return r;
}

struct km_lloyd_result km_lloyd(struct km_step *step, struct km_centers *c,
                                const struct km_points *p, int max_iter, double tol,
                                const struct km_deadline *deadline)
{
    return km_lloyd_beyond(step, c, p, max_iter, tol, deadline, NULL);
}
