/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/shrink.h"

#include "algo/seed.h"
#include "base/mem.h"
#include "base/size.h"
#include <math.h>

#define NEARLY_FREE_FLOP 4e9
#define ITERATIONS_GUESS 20 /* of a typical trial, for the formula of auto */

size_t km_shrink_auto_trials(size_t from_k, size_t k, size_t d)
{
    double flop = 2.0 * (double)from_k * (double)k * (double)d * (ITERATIONS_GUESS + 1);
    double fit = NEARLY_FREE_FLOP / flop;

    return fit < 10 ? 10 : fit > 100 ? 100 : (size_t)fit;
}

/* What one thread needs to run a trial; its steps run in that thread alone. */
struct bench {
    struct km_step *step;
    uint32_t *order;
};

struct shrink {
    const struct km_shrink_options *o;
    const struct km_kernels *kern;
    struct km_points points;
    struct bench *benches;
    struct km_trial *trials;
};

/* Random start: k distinct points, by the first k steps of a Fisher-Yates shuffle. */
static void seed_distinct(struct km_centers *c, const struct km_mat *x, uint32_t *order,
                          struct km_rng *rng)
{
    for (size_t i = 0; i < x->n; i++)
        order[i] = (uint32_t)i;
    for (size_t j = 0; j < c->k; j++) {
        size_t other = j + km_rng_below(rng, x->n - j);
        uint32_t row = order[other];

        order[other] = order[j];
        order[j] = row;
        km_centers_set(c, j, km_mat_row(x, row), 1);
    }
}

static struct km_rng rng_of(const struct shrink *s, size_t trial)
{
    struct km_rng rng;

    km_rng_seed(&rng, s->o->seed, 'S', s->o->parts ? s->o->part + trial * s->o->parts : trial);
    return rng;
}

/* Starts by k-means++, some at a time; a job that is late to stop does with fewer. */
static int seed_trials(struct shrink *s, size_t count, struct km_pool *pool, struct km_err *err)
{
    const struct km_mat *x = &s->points.rows.dense;
    float *dist2 = km_alloc(x->n, KM_SEED_STARTS * sizeof(*dist2));
    int rc = dist2 ? KM_OK : km_fail(err, KM_E_MEM, "no memory for shrinking %zu centers", x->n);

    for (size_t t = 0; rc == KM_OK && t < count && !(t > 0 && km_late(s->o->deadline));
         t += KM_SEED_STARTS) {
        struct km_seed_start starts[KM_SEED_STARTS];
        size_t n = km_min(count - t, KM_SEED_STARTS);

        for (size_t i = 0; i < n; i++)
            starts[i] = (struct km_seed_start){&s->trials[t + i].centers, rng_of(s, t + i),
                                               dist2 + i * x->n};
        rc = km_seed_together(starts, n, x, s->points.rows.weight, s->kern, pool, err);
    }
    km_free(dist2);
    return rc;
}

static void run_trial(void *arg, size_t task, int worker)
{
    struct shrink *s = arg;
    struct bench *b = &s->benches[worker];
    struct km_trial *trial = &s->trials[task];
    const struct km_mat *x = &s->points.rows.dense;
    struct km_rng rng = rng_of(s, task);

    if (task > 0 && km_late(s->o->deadline)) {
        trial->loss = (double)INFINITY;
        return;
    }
    if (!s->o->plusplus)
        seed_distinct(&trial->centers, x, b->order, &rng);
    trial->loss =
        km_lloyd(b->step, &trial->centers, &s->points, s->o->max_iter, s->o->tol, s->o->deadline)
            .loss;
}

static int bench_init(struct bench *b, const struct shrink *s, struct km_err *err)
{
    struct km_step_size size = km_step_size_of(&s->points.rows, s->o->k);
    size_t n = size.rows;
    int rc = km_step_new(&b->step, &size, s->kern, NULL, err);

    if (rc)
        return rc;
    b->order = km_alloc(n, sizeof(*b->order));
    if (!b->order)
        return km_fail(err, KM_E_MEM, "no memory for shrinking %zu centers", n);
    return KM_OK;
}

static void benches_free(struct bench *benches, int n)
{
    for (int i = 0; benches && i < n; i++) {
        km_step_free(benches[i].step);
        km_free(benches[i].order);
    }
    km_free(benches);
}

void km_trials_free(struct km_trial *trials, size_t n)
{
    for (size_t t = 0; trials && t < n; t++)
        km_centers_done(&trials[t].centers);
    km_free(trials);
}

size_t km_shrink_count(const struct km_shrink_options *o)
{
    if (o->parts == 0)
        return o->trials;
    return o->part < o->trials ? (o->trials - o->part - 1) / o->parts + 1 : 0;
}

int km_shrink(struct km_trial **trials, const struct km_centers *from,
              const struct km_shrink_options *o, const struct km_kernels *kern,
              struct km_pool *pool, struct km_err *err)
{
    struct km_rows rows = {.dense = from->c, .weight = from->weight};
    struct shrink s = {.o = o, .kern = kern};
    size_t count = km_shrink_count(o);
    int threads = km_pool_threads(pool);
    int rc = KM_OK;

    s.points = km_points_of(&rows, kern);
    s.trials = km_alloc(count, sizeof(*s.trials));
    s.benches = km_alloc((size_t)threads, sizeof(*s.benches));
    if (!s.trials || !s.benches)
        rc = km_fail(err, KM_E_MEM, "no memory for %zu trials", count);
    for (size_t t = 0; rc == KM_OK && t < count; t++)
        rc = km_centers_init(&s.trials[t].centers, o->k, from->d, err);
    for (int i = 0; rc == KM_OK && i < threads; i++)
        rc = bench_init(&s.benches[i], &s, err);
    if (rc == KM_OK && o->plusplus && count > 0)
        rc = seed_trials(&s, count, pool, err);
    if (rc == KM_OK)
        km_pool_run(pool, run_trial, &s, count);
    benches_free(s.benches, threads);
    if (rc) {
        km_trials_free(s.trials, count);
        s.trials = NULL;
    }
    *trials = s.trials;
    return rc;
}
