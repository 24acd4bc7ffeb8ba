/* SPDX-License-Identifier: Apache-2.0 */
#include "train/iterate.h"

#include "algo/look.h"
#include "algo/relax.h"
#include "algo/step.h"
#include "base/log.h"
#include "base/stop.h"
#include <math.h>

#define LEAST_GAIN 1e-4
#define NO_DIGITS  1e-5 /* of the sum of |x|^2 */

/* One pass over the rows of this host, and what it takes. */
struct round {
    struct km_step *step;
    struct km_sums sums;
    struct km_relax relax;
};

static int round_init(struct round *r, const struct km_plan *plan, const struct km_feed *feed,
                      const struct km_machine *m, struct km_err *err)
{
    const struct km_shape shape = km_feed_shape(feed);
    const struct km_step_size size = {.rows = km_plan_block(plan, &shape).rows,
                                      .k = plan->k,
                                      .d = shape.d,
                                      .sparse = shape.sparse};
    int rc = km_sums_init(&r->sums, plan->k, shape.d, err);

    if (rc == KM_OK)
        rc = km_step_new(&r->step, &size, m->kern, m->pool, err);
    if (rc == KM_OK && km_look_fits(plan->k, shape.d, shape.sparse)) /* it takes as much memory */
        rc = km_relax_init(&r->relax, plan->k, shape.d, err);
    return rc;
}

static void round_done(struct round *r)
{
    km_step_free(r->step);
    km_sums_done(&r->sums);
    km_relax_done(&r->relax);
}

/* Adds up this host's rows, in sums.ssd their squared norms; *stopped: not all of them. */
static int read_rows(struct round *r, const struct km_row_frame *frame, struct km_feed *feed,
                     const struct km_centers *c, int *stopped, struct km_err *err)
{
    struct km_batch *b;
    int rc = km_feed_rewind(feed, err);

    km_sums_clear(&r->sums);
    while (rc == KM_OK && (rc = km_feed_next(feed, &b, err)) == KM_MORE) {
        rc = km_row_frame_bring(frame, b, err);
        if (rc)
            break;
        km_step_add(r->step, &r->sums, &b->rows, c, 1);
        if (km_stop_asked())
            break;
    }
    *stopped = km_stop_asked() || km_feed_stopped(feed);
    return rc;
}

/* NaN where the difference has no digits: |x|^2 is good to float32. */
static double msd_of(const struct km_sums *s, double means)
{
    double ssd = *s->ssd - means;

    return (ssd > NO_DIGITS * *s->ssd ? ssd : (double)NAN) / *s->rows;
}

/* The sums of all hosts' rows; job->state.stopped where one of them has not come to the end. */
static int sum_rows(struct round *r, struct km_job *job, const struct km_centers *c,
                    struct km_err *err)
{
    int stopped = 0;
    int rc = read_rows(r, &job->state.frame, job->feed, c, &stopped, err);

    rc = km_team_agree(&job->team, rc, err);
    r->sums.flags[KM_FLAG_STOP] = stopped;
    if (rc == KM_OK)
        rc = km_comm_sum(job->team.comm, r->sums.block, r->sums.len, err);
    job->state.stopped |= rc == KM_OK && r->sums.flags[KM_FLAG_STOP] > 0;
    return rc;
}

int km_iterate(struct km_job *job, struct km_centers *c, size_t most, struct km_iterated *result,
               struct km_err *err)
{
    struct round r = {0};
    double before = 0, means, gain, msd = 0;
    size_t done = 0;
    int rc = round_init(&r, &job->plan, job->feed, job->m, err);

    rc = km_team_agree(&job->team, rc, err);
    if (rc == KM_OK && job->team.rank == 0)
        km_log(KM_INFO, "reading the train data for up to %zu iteration(s) over all rows", most);
    for (; rc == KM_OK && done < most; done++) {
        if (done > 0)
            km_relax_beyond(&r.relax, c);
        rc = sum_rows(&r, job, c, err);
        if (rc || job->state.stopped)
            break;
        km_relax_remember(&r.relax, c);
        means = km_centers_to_means(c, &r.sums);
        msd = msd_of(&r.sums, means);
        result->before = done == 0 ? msd : result->before;
        gain = (means - before) / *r.sums.rows; /* |x|^2 is the same in each */
        if (done > 0 && (gain <= 0 || gain < LEAST_GAIN * msd))
            most = done; /* enough */
        before = means;
    }
    km_relax_undo(&r.relax, c); /* where they went beyond and not all rows followed */
    round_done(&r);
    result->iterations = done;
    result->after = msd;
    return rc;
}
