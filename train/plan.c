/* SPDX-License-Identifier: Apache-2.0 */
#include "train/plan.h"

#include "algo/learner.h"
#include "algo/refine.h"
#include "algo/shrink.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/size.h"
#include "train/exchange.h"
#include "train/shape.h"

/* A block of rows is at most this large, so that memory does not grow with mini_batch_size. */
#define BLOCK_BYTES ((size_t)16 << 20)
/* The sample of `refine_rows = auto`. */
#define SAMPLE_BYTES ((size_t)64 << 20)
/* Rows that only measure the model, where the train data is not read again. */
#define HELD_BYTES ((size_t)8 << 20)
/* Up to this size it is. */
#define AGAIN_BYTES ((uint64_t)512 << 20)
/* Bytes of one value of a trial's centers, in all their forms. */
#define TRIAL_CELL_BYTES 16.0
/* Beside the trials: the best one, a start from the sample, sums of the refinement, of looks, and
 * of iterations, and where centers were before they went beyond their means. */
#define OTHER_CENTERS 6
#define FULL_FACTOR_K 50  /* up to here K is small */
#define CENTER_ROWS   100 /* that a center of the pass is to see */

size_t km_plan_auto_factor(size_t k, double rows)
{
    double fit = rows / CENTER_ROWS / (double)k;

    if (k <= FULL_FACTOR_K || !(rows > 0) || fit >= KM_AUTO_CENTER_FACTOR)
        return KM_AUTO_CENTER_FACTOR;
    return fit < 1 ? 1 : (size_t)fit;
}

/* The number of centers of the pass, which depends on how many rows there are, about, on all hosts;
 * and whether these are read again. */
static int choose_factor(struct km_plan *plan, const struct km_params *p,
                         const struct km_team *team, const struct km_feed *train,
                         struct km_err *err)
{
    double each = km_feed_row_bytes(train), bytes = (double)km_feed_bytes(train);
    double told[] = {each > 0 ? bytes / each : 0, plan->read_once, bytes};
    int rc = km_comm_sum(team->comm, told, 3, err);

    if (rc)
        return rc;
    plan->again = told[1] == 0 && told[2] <= (double)AGAIN_BYTES;
    plan->factor = (size_t)p->extra_center_factor;
    if (p->extra_center_factor == KM_AUTO) {
        int known = told[1] == 0 && p->refine_rows != 0; /* 0: exactly what is documented */

        plan->factor = km_plan_auto_factor(plan->k, known ? told[0] : 0);
        km_log(KM_INFO, "'extra_center_factor' was set to 'auto', evaluated to %zu.", plan->factor);
    }
    plan->from_k = plan->k * plan->factor;
    return KM_OK;
}

static size_t choose_trials(const struct km_plan *plan, const struct km_params *p)
{
    if (plan->factor == 1)
        return 1;
    if (p->local_lloyd_num_trials == KM_AUTO)
        return km_shrink_auto_trials(plan->from_k, plan->k, plan->shape.d);
    return (size_t)p->local_lloyd_num_trials;
}

/* A sample of so many rows, if these are not above what `bytes` of files can hold (0: nobody
 * knows). */
static struct km_room sample_of(const struct km_shape *shape, int64_t refine_rows, uint64_t bytes,
                                size_t least_row_bytes)
{
    struct km_room fit = km_shape_fit(shape, SAMPLE_BYTES, KM_SAMPLE_ROW_BYTES, 0), room;
    size_t rows = (size_t)refine_rows;

    if (refine_rows == KM_AUTO)
        return fit;
    if (bytes > 0)
        rows = km_min(rows, bytes / least_row_bytes + 1);
    room = km_shape_fit(shape, SAMPLE_BYTES, KM_SAMPLE_ROW_BYTES, 2 * rows);
    room.rows = rows;
    if (bytes > 0) /* a value takes a byte at least */
        room.values = km_min(room.values, km_max(fit.values, bytes));
    return room;
}

/* Large enough to draw K different centers. */
static struct km_room start_of(const struct km_shape *shape, size_t from_k)
{
    return km_shape_fit(shape, BLOCK_BYTES, 0, 2 * from_k);
}

int km_plan_make(struct km_plan *plan, const struct km_params *p, const struct km_team *team,
                 const struct km_feed *train, size_t d, uint64_t bytes, int read_once,
                 struct km_err *err)
{
    struct km_first_look look;
    int rc;

    *plan = (struct km_plan){
        .k = (size_t)p->k, .mini_batch = (size_t)p->mini_batch_size, .read_once = read_once};
    rc = choose_factor(plan, p, team, train, err);
    if (rc == KM_OK)
        rc = km_shape_choose(&look, team, train, d, p->force_dense, err);
    if (rc)
        return rc;
    plan->shape = look.shape;
    plan->trials = choose_trials(plan, p);
    plan->window = km_window_most(plan->from_k, &plan->shape, plan->mini_batch, team->ranks);
    plan->start = start_of(&plan->shape, plan->from_k);
    plan->sample =
        sample_of(&plan->shape, p->refine_rows, read_once ? 0 : bytes, look.least_row_bytes);
    plan->all_sample = sample_of(&plan->shape, p->refine_rows, 0, 1);
    if (!plan->again && p->refine_rows != 0)
        plan->held = km_shape_fit(&plan->shape, HELD_BYTES, KM_SAMPLE_ROW_BYTES, 0);
    return KM_OK;
}

/* The start is drawn from the first one. */
struct km_room km_plan_block(const struct km_plan *plan, const struct km_shape *shape)
{
    struct km_room room = start_of(shape, plan->from_k);

    room.rows = km_min(room.rows, plan->mini_batch);
    return room;
}

void km_plan_cut(const struct km_plan *plan, struct km_feed *feed, size_t mini_batch)
{
    struct km_shape shape = km_feed_shape_for(feed, &plan->shape);
    struct km_room block = km_plan_block(plan, &shape);

    km_feed_cut(feed, &shape, mini_batch ? mini_batch : block.rows, block);
}

/* ---- memory ---- */

/* The numbers that make the largest part of the memory; the advice to lower some is the
 * verdict's. */
static const char *largest_part(double centers, double trials, double rows)
{
    if (trials > centers && trials > rows)
        return "k or local_lloyd_num_trials";
    return centers > rows ? "k or extra_center_factor" : "mini_batch_size or refine_rows";
}

/* Of a sample, without what the refinement keeps. */
static double sample_bytes(const struct km_plan *plan, struct km_room room)
{
    return km_shape_bytes(&plan->shape, room) + (double)room.rows * KM_SAMPLE_ROW_BYTES;
}

static double rows_bytes(const struct km_plan *plan, int ranks)
{
    struct km_room block = km_plan_block(plan, &plan->shape);
    double kept = (double)plan->sample.rows * KM_REFINE_ROW_BYTES;
    double looked = (double)km_min(plan->sample.rows, KM_REFINE_LOOK_ROWS) * KM_LOOK_ROW_BYTES;
    double bytes = 3 * km_shape_bytes(&plan->shape, block) + sample_bytes(plan, plan->sample) +
                   sample_bytes(plan, plan->held) + kept + looked;

    if (ranks > 1) /* all ranks' samples beside our own */
        bytes += sample_bytes(plan, plan->all_sample) + sample_bytes(plan, plan->held);
    return bytes;
}

int km_plan_check_memory(const struct km_plan *plan, const struct km_params *p, int ranks,
                         struct km_err *err)
{
    const struct km_learner_size size = {.k = plan->from_k, .shape = plan->shape, .ranks = ranks};
    double centers = km_learner_bytes(&size), rows = rows_bytes(plan, ranks);
    double trials = (double)plan->trials, have = (double)km_memory_available(), need;

    if (ranks > 1) /* and the best of others' trials */
        trials = trials / ranks + 2;
    trials = (trials + OTHER_CENTERS) * (double)p->k * (double)plan->shape.d * TRIAL_CELL_BYTES;
    need = centers + trials + rows;
    km_log(KM_INFO,
           "memory: %.1f MB for %zu centers of %zu features, %.1f MB for %zu trials, %.1f MB for "
           "rows",
           centers / 1e6, plan->from_k, plan->shape.d, trials / 1e6, plan->trials, rows / 1e6);
    if (need <= have)
        return KM_OK;
    return km_fail(
        err, KM_E_MEM,
        "training needs %.0f MB (%.0f for k * extra_center_factor = %zu centers of %zu "
        "features, %.0f for %zu trials, %.0f for rows), %.0f MB are free; the largest part "
        "goes with %s",
        need / 1e6, centers / 1e6, plan->from_k, plan->shape.d, trials / 1e6, plan->trials,
        rows / 1e6, have / 1e6, largest_part(centers, trials, rows));
}
