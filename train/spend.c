/* SPDX-License-Identifier: Apache-2.0 */
#include "train/spend.h"

#include "algo/many.h"
#include "algo/refine.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stop.h"
#include "train/frame.h"
#include "train/iterate.h"
#include <inttypes.h>
#include <math.h>

#define MOST         24  /* iterations, the work of as many of the data */
#define FEW          3   /* of them, beside what the pass was spared */
#define SMALL_K      15  /* up to here the sample tells as much */
#define PART_SHARE   0.5 /* of the work, for rows in memory that are not all */
#define CENTER_ROWS  10  /* in memory, that a center must have there if not all rows are */
#define ALONE_ROWS   20 /* for each center: what the refinement can do with fewer is lost in noise */
#define REFINE_STEPS 15 /* iterations that it needs */

static double most_of(const struct km_job *job)
{
    if (job->p->refine_rows == 0)
        return 0;
    if (job->p->refine_passes != KM_AUTO)
        return (double)job->p->refine_passes;
    if (job->p->extra_center_factor != KM_AUTO)
        return 0;
    if (job->factor == 1)
        return MOST;
    if (job->factor < KM_AUTO_CENTER_FACTOR)
        return (double)(FEW + KM_AUTO_CENTER_FACTOR - job->factor);
    return job->p->k > SMALL_K ? FEW : 0;
}

/* Whether the rows in memory are worth a search of their own. */
static int has_search(const struct km_job *job, int whole)
{
    size_t rows = job->sample.rows.n, k = (size_t)job->p->k;

    return !job->sparse && rows >= k && (whole || rows >= CENTER_ROWS * k) &&
           (whole || job->factor < KM_AUTO_CENTER_FACTOR || job->p->refine_passes > 0);
}

/* Whether the refinement has had all rows, and nobody asks for more than that. */
static int has_done(const struct km_spend *s, const struct km_job *job)
{
    return s->refined == job->rows && job->factor == KM_AUTO_CENTER_FACTOR &&
           job->p->refine_passes == KM_AUTO;
}

/* Whether the refinement's budget is for so few rows that it only costs. */
static int refines_little(const struct km_job *job)
{
    size_t k = (size_t)job->p->k;
    double each = REFINE_STEPS * 2.0 * (double)k * (double)job->d;

    return km_refine_budget(job->all_seen_rows / (uint64_t)job->ranks, job->from_k, job->d) / each <
           (double)(ALONE_ROWS * k);
}

int km_spend_plan(struct km_spend *s, struct km_job *job, struct km_err *err)
{
    int rc = KM_OK;

    *s = (struct km_spend){.most = job->stopped ? 0 : most_of(job)};
    s->whole = km_sample_rows(&job->sample) == job->rows;
    if (s->most >= 1 && !s->whole)
        rc = km_iterate_can(job, &s->again, err);
    if (!s->whole && !s->again) /* centers of a sample alone would follow its noise */
        s->most = 0;
    s->search = s->most >= 1 && has_search(job, s->whole);
    s->alone = s->search && job->factor == 1 && refines_little(job);
    return rc;
}

/* On the rows in memory, which are the same on all hosts; *spent is what it took, in iterations over all rows. Losses in *r become
 * msd, in the data's own units. */
static int search(struct km_job *job, struct km_centers *best, double most,
                  struct km_many_result *r, double *spent, struct km_err *err)
{
    const struct km_mat *rows = &job->sample.rows;
    double share = (double)rows->n / (double)job->rows;
    double *weight = km_alloc(rows->n, sizeof(*weight));
    int rc = weight ? KM_OK : km_fail(err, KM_E_MEM, "no memory for the search");

    if (rc == KM_OK) {
        int weighted = km_sample_weights(&job->sample, rows->n, weight);
        struct km_points p = km_points_of(rows, weighted ? weight : NULL, job->m->kern);
        struct km_many_options o = {
            .work = most / share,
            .looks_only = rows->n < job->rows,
            .seed = job->seed,
            .deadline = &km_stop_deadline,
        };

        rc = km_many(best, r, &p, &o, job->m->kern, job->m->pool, err);
        r->before *= km_frame_unit2(job) / p.total_weight;
        r->after *= km_frame_unit2(job) / p.total_weight;
    }
    km_free(weight);
    rc = km_job_agree(job, rc, err);
    *spent = r->work * share;
    /* One host may have been late to stop. */
    if (rc == KM_OK)
        rc = km_comm_broadcast(job->m->comm, spent, sizeof(*spent), 0, err);
    if (rc == KM_OK)
        rc = km_comm_broadcast(job->m->comm, best->exact, best->k * best->d * sizeof(double), 0,
                               err);
    if (rc == KM_OK)
        km_centers_refresh(best);
    return rc;
}

/* One line: what was spent, and on what. */
static void tell(const struct km_job *job, double spent, double most,
                 const struct km_many_result *m, const struct km_iterated *i)
{
    char memory[256] = "", again[256] = "";

    if (m->iterations > 0)
        snprintf(memory, sizeof(memory),
                 ", %zu step(s) and %zu look(s), which moved %zu centers, on %zu rows in memory: "
                 "msd there %.6g, "
                 "was %.6g",
                 m->iterations, m->looks, m->moved, job->sample.rows.n, m->after, m->before);
    if (i->iterations > 0 && isfinite(i->after) && isfinite(i->before))
        snprintf(again, sizeof(again),
                 ", %zu iteration(s) over all rows, read again: msd %.6g, after the first %.6g",
                 i->iterations, i->after * km_frame_unit2(job), i->before * km_frame_unit2(job));
    else if (i->iterations > 0)
        snprintf(again, sizeof(again), ", %zu iteration(s) over all rows, read again",
                 i->iterations);
    km_log(KM_INFO,
           "spent the work of %.1f of at most %.0f iterations over all %" PRIu64 " rows%s%s", spent,
           most, job->rows, memory, again);
}

/* The search, then iterations with what is left. */
static int spend(const struct km_spend *s, struct km_job *job, struct km_centers *best,
                 struct km_err *err)
{
    struct km_many_result many = {0};
    struct km_iterated iterated = {0};
    double spent = 0;
    int rc = KM_OK;

    if (s->search)
        rc = search(job, best, s->whole ? s->most : PART_SHARE * s->most, &many, &spent, err);
    if (rc == KM_OK && !s->whole && s->most - spent >= 1)
        rc = km_iterate(job, best, (size_t)(s->most - spent), &iterated, err);
    spent += (double)iterated.iterations;
    if (spent > 0) /* the centers are no longer means of the refinement's rows alone */
        job->sample_optimism = 1;
    if (rc == KM_OK && job->rank == 0 && spent > 0)
        tell(job, spent, s->most, &many, &iterated);
    return rc;
}

int km_spend(const struct km_spend *s, struct km_job *job, struct km_centers *best,
             struct km_err *err)
{
    int rc;

    if (s->most < 1 || has_done(s, job))
        return KM_OK;
    km_crash_stage("in the iterations over all rows", 0);
    km_watch_start(&job->phases[KM_PHASE_REFINE]);
    rc = spend(s, job, best, err);
    km_watch_stop(&job->phases[KM_PHASE_REFINE]);
    return rc;
}
