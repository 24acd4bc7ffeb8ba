/* SPDX-License-Identifier: Apache-2.0 */
#include "train/spend.h"

#include "algo/many.h"
#include "algo/refine.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stop.h"
#include "train/iterate.h"
#include "train/share.h"
#include <inttypes.h>
#include <math.h>

#define MOST        24  /* iterations, the work of as many of the data */
#define FEW         3   /* of them, beside what the pass was spared */
#define SMALL_K     15  /* up to here the sample tells as much */
#define PART_SHARE  0.5 /* of the work, for rows in memory that are not all */
#define CENTER_ROWS 10  /* in memory, that a center must have there if not all rows are */
/* for each center: what the refinement can do with fewer is lost in noise */
#define ALONE_ROWS   20
#define REFINE_STEPS 15 /* iterations that it needs */

static double most_of(const struct km_params *p, size_t factor)
{
    if (p->refine_rows == 0)
        return 0;
    if (p->refine_passes != KM_AUTO)
        return (double)p->refine_passes;
    if (p->extra_center_factor != KM_AUTO)
        return 0;
    if (factor == 1)
        return MOST;
    if (factor < KM_AUTO_CENTER_FACTOR)
        return (double)(FEW + KM_AUTO_CENTER_FACTOR - factor);
    return p->k > SMALL_K ? FEW : 0;
}

/* Whether the rows in memory are worth a search of their own. */
static int has_search(const struct km_rows *rows, const struct km_params *p, size_t factor,
                      int whole)
{
    size_t n = km_rows_n(rows), k = (size_t)p->k;

    return km_many_takes(rows) && n >= k && (whole || n >= CENTER_ROWS * k) &&
           (whole || factor < KM_AUTO_CENTER_FACTOR || p->refine_passes > 0);
}

/* Whether the refinement has had all rows, and nobody asks for more than that. */
static int has_done(const struct km_spend *s, const struct km_job *job)
{
    return s->refined == job->state.rows && job->plan.factor == KM_AUTO_CENTER_FACTOR &&
           job->request->params.refine_passes == KM_AUTO;
}

/* Whether the refinement's budget is for so few rows that it only costs. */
static int refines_little(double flop, size_t k, size_t d)
{
    double each = REFINE_STEPS * 2.0 * (double)k * (double)d;

    return flop / each < (double)(ALONE_ROWS * k);
}

/* By the pass of one rank; few when the job is to end. */
static int refine_flop(double *flop, const struct km_job *job, struct km_err *err)
{
    double values = (double)job->state.seen_values;
    int rc = km_comm_sum(job->team.comm, &values, 1, err);

    values = job->state.stopped ? 0 : values / job->team.ranks;
    *flop = km_refine_budget(values, job->plan.from_k);
    return rc;
}

int km_spend_plan(struct km_spend *s, const struct km_job *job, struct km_err *err)
{
    const struct km_params *p = &job->request->params;
    const struct km_state *state = &job->state;
    size_t factor = job->plan.factor;
    int rc;

    *s = (struct km_spend){.most = state->stopped ? 0 : most_of(p, factor)};
    s->whole = km_sample_rows(&state->sample) == state->rows;
    rc = refine_flop(&s->flop, job, err);
    s->again = job->plan.again;
    if (!s->whole && !s->again) /* centers of a sample alone would follow its noise */
        s->most = 0;
    s->search = s->most >= 1 && has_search(&state->sample.rows, p, factor, s->whole);
    s->alone = s->search && factor == 1 && refines_little(s->flop, job->plan.k, job->plan.shape.d);
    return rc;
}

/* What was done, and what it took. */
struct spent {
    double most, done; /* in iterations over all rows */
    struct km_many_result memory;
    struct km_iterated again;
};

/* On the rows in memory, which are the same on all hosts: `work` iterations over them at most. */
static int search_memory(const struct km_sample *sample, struct km_centers *best, double work,
                         int whole, uint64_t seed, struct km_many_result *r,
                         const struct km_machine *m, struct km_err *err)
{
    size_t n = km_sample_rows(sample);
    double *weight = km_alloc(n, sizeof(*weight));
    int rc = weight ? KM_OK : km_fail(err, KM_E_MEM, "no memory for the search");

    if (rc == KM_OK) {
        struct km_rows rows = sample->rows;
        struct km_many_options o = {
            .work = work, .looks_only = !whole, .seed = seed, .deadline = &km_stop_deadline};
        struct km_points p;

        rows.weight = km_sample_weights(sample, n, weight) ? weight : NULL;
        p = km_points_of(&rows, m->kern);
        rc = km_many(best, r, &p, &o, m->kern, m->pool, err);
        r->before /= p.total_weight;
        r->after /= p.total_weight;
    }
    km_free(weight);
    return rc;
}

/* The same on all hosts. Losses become msd, in the data's own units. */
static int search(struct km_job *job, struct km_centers *best, double most, struct spent *s,
                  struct km_err *err)
{
    const struct km_sample *sample = &job->state.sample;
    double share = (double)km_sample_rows(sample) / (double)job->state.rows;
    double unit2 = km_row_frame_unit2(&job->state.frame);
    int rc = search_memory(sample, best, most / share, km_sample_rows(sample) == job->state.rows,
                           (uint64_t)job->request->params.seed, &s->memory, job->m, err);

    rc = km_team_agree(&job->team, rc, err);
    s->memory.before *= unit2;
    s->memory.after *= unit2;
    s->done = s->memory.work * share;
    /* One host may have been late to stop. */
    if (rc == KM_OK)
        rc = km_comm_broadcast(job->team.comm, &s->done, sizeof(s->done), 0, err);
    return rc ? rc : km_share_centers(&job->team, best, 0, err);
}

/* One line: what was spent, and on what. */
static void tell(const struct spent *s, const struct km_state *state)
{
    const struct km_many_result *m = &s->memory;
    const struct km_iterated *i = &s->again;
    double unit2 = km_row_frame_unit2(&state->frame);
    char memory[256] = "", again[256] = "";

    if (m->iterations > 0)
        snprintf(memory, sizeof(memory),
                 ", %zu step(s) and %zu look(s), which moved %zu centers, on %zu rows in memory: "
                 "msd there %.6g, was %.6g",
                 m->iterations, m->looks, m->moved, km_sample_rows(&state->sample), m->after,
                 m->before);
    if (i->iterations > 0 && isfinite(i->after) && isfinite(i->before))
        snprintf(again, sizeof(again),
                 ", %zu iteration(s) over all rows, read again: msd %.6g, after the first %.6g",
                 i->iterations, i->after * unit2, i->before * unit2);
    else if (i->iterations > 0)
        snprintf(again, sizeof(again), ", %zu iteration(s) over all rows, read again",
                 i->iterations);
    km_log(KM_INFO,
           "spent the work of %.1f of at most %.0f iterations over all %" PRIu64 " rows%s%s",
           s->done, s->most, state->rows, memory, again);
}

/* The search, then iterations with what is left. */
static int spend(const struct km_spend *plan, struct km_job *job, struct km_centers *best,
                 struct km_err *err)
{
    struct spent s = {.most = plan->most};
    int rc = KM_OK;

    if (plan->search)
        rc = search(job, best, plan->whole ? s.most : PART_SHARE * s.most, &s, err);
    if (rc == KM_OK && !plan->whole && s.most - s.done >= 1)
        rc = km_iterate(job, best, (size_t)(s.most - s.done), &s.again, err);
    s.done += (double)s.again.iterations;
    if (s.done > 0) /* the centers are no longer means of the refinement's rows alone */
        job->result.optimism = 1;
    if (rc == KM_OK && job->team.rank == 0 && s.done > 0)
        tell(&s, &job->state);
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
