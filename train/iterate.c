/* SPDX-License-Identifier: Apache-2.0 */
#include "train/iterate.h"

#include "algo/refine.h"
#include "algo/relax.h"
#include "base/log.h"
#include "base/stop.h"
#include "train/frame.h"
#include "train/sparse.h"
#include <math.h>

#define LEAST_GAIN 1e-4
#define NO_DIGITS  1e-5 /* of the sum of |x|^2 */
/* Up to this size the train data is read again. */
#define AGAIN_BYTES ((uint64_t)512 << 20)

/* One pass over the rows of this host, and what it takes. */
struct round {
    struct km_assign assign; /* dense rows, or */
    struct km_sparse step;   /* sparse ones */
    struct km_sums sums;
    struct km_relax relax;
    int sparse;
};

static int round_init(struct round *r, const struct km_job *job, size_t k, struct km_err *err)
{
    int rc = km_sums_init(&r->sums, k, job->d, err);

    r->sparse = km_feed_format(job->feed)->kind == KM_SPARSE;
    if (rc == KM_OK && r->sparse)
        rc = km_sparse_init(&r->step, job->m->kern, job->m->pool, km_sparse_block_rows(job), k,
                            job->d, err);
    else if (rc == KM_OK)
        rc = km_assign_init(&r->assign, job->m->kern, job->m->pool, km_job_block_rows(job), k,
                            job->d, err);
    if (rc == KM_OK && (!r->sparse || k * job->d <= KM_REFINE_LOOK_CELLS))
        rc = km_relax_init(&r->relax, k, job->d, err);
    return rc;
}

static void round_done(struct round *r)
{
    km_assign_done(&r->assign);
    km_sparse_done(&r->step);
    km_sums_done(&r->sums);
    km_relax_done(&r->relax);
}

/* Adds up this host's rows, in sums.ssd their squared norms; *stopped: not all of them. */
static int read_rows(struct round *r, struct km_job *job, const struct km_centers *c, int *stopped,
                     struct km_err *err)
{
    struct km_batch *b;
    int rc = km_feed_rewind(job->feed, err);

    km_sums_clear(&r->sums);
    while (rc == KM_OK && (rc = km_feed_next(job->feed, &b, err)) == KM_MORE) {
        rc = km_frame_bring(job, b, err);
        if (rc)
            break;
        if (r->sparse) {
            *r->sums.ssd += km_sparse_norms(&r->step, &b->s, NULL);
            km_sparse_add(&r->step, &r->sums, &b->s, NULL, c);
        } else {
            km_assign_add(&r->assign, &r->sums, &b->x, NULL, c, 1);
        }
        if (km_stop_asked())
            break;
    }
    *stopped = km_stop_asked() || km_feed_stopped(job->feed);
    return rc;
}

int km_iterate_can(struct km_job *job, int *can, struct km_err *err)
{
    double told[] = {job->read_once, (double)km_job_bytes(job)};
    int rc = km_comm_sum(job->m->comm, told, 2, err);

    *can = told[0] == 0 && told[1] <= (double)AGAIN_BYTES;
    return rc;
}

/* NaN where the difference has no digits: |x|^2 is good to float32. */
static double msd_of(const struct km_sums *s, double means)
{
    double ssd = *s->ssd - means;

    return (ssd > NO_DIGITS * *s->ssd ? ssd : (double)NAN) / *s->rows;
}

int km_iterate(struct km_job *job, struct km_centers *c, size_t most, struct km_iterated *result,
               struct km_err *err)
{
    struct round r = {0};
    double before = 0, means, gain, msd = 0;
    size_t done = 0;
    int rc = km_job_agree(job, round_init(&r, job, c->k, err), err);

    if (rc == KM_OK && job->rank == 0)
        km_log(KM_INFO, "reading the train data for up to %zu iteration(s) over all rows", most);
    for (; rc == KM_OK && done < most; done++) {
        int stopped = 0;

        if (done > 0)
            km_relax_beyond(&r.relax, c);
        rc = km_job_agree(job, read_rows(&r, job, c, &stopped, err), err);
        r.sums.flags[KM_FLAG_STOP] = stopped;
        if (rc == KM_OK)
            rc = km_comm_sum(job->m->comm, r.sums.block, r.sums.len, err);
        job->stopped |= rc == KM_OK && r.sums.flags[KM_FLAG_STOP] > 0; /* on all hosts */
        if (rc || job->stopped)
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
