/* SPDX-License-Identifier: Apache-2.0 */
/* How large the parts of a job are: made once, before the first row of the pass, and const from
 * then on. */
#ifndef KM_TRAIN_PLAN_H
#define KM_TRAIN_PLAN_H

#include "io/feed.h"
#include "train/params.h"
#include "train/team.h"

struct km_plan {
    struct km_shape shape;     /* of the rows of the train channel */
    size_t k, factor;          /* clusters; extra_center_factor */
    size_t from_k;             /* K = k * factor, centers of the pass */
    size_t trials;             /* of the shrink, of all hosts together */
    size_t mini_batch;         /* rows */
    size_t window;             /* mini-batches of the longest window of the pass */
    struct km_room start;      /* most that the start centers are drawn from, of all hosts */
    struct km_room sample;     /* most that this host keeps of the pass */
    struct km_room all_sample; /* and all of them, once their samples are one */
    struct km_room held;       /* rows that only measure, of one host or of all; none if `again` */
    int read_once;             /* a file of the train channel is no regular file */
    int again; /* all hosts can read the train data again, and it is at most 512 MiB */
};

/**
 * extra_center_factor = auto for so many rows (about; 0: not known): 10, as in the original, up to
 * k = 50 or where a center of the pass still sees 100 rows; with fewer rows it falls, to 1. A
 * center with a few rows is noise, and what many of them cost is better spent on iterations over
 * all rows (train/iterate.h).
 */
size_t km_plan_auto_factor(size_t k, double rows);

/**
 * The plan for rows of d features of the train channel, of `bytes` in its files, the same on all
 * hosts but for `sample`. Says in the log what `auto` and sparse rows are taken for.
 */
int km_plan_make(struct km_plan *plan, const struct km_params *p, const struct km_team *team,
                 const struct km_feed *train, size_t d, uint64_t bytes, int read_once,
                 struct km_err *err);

/** Cuts the rows of a channel into blocks; mini_batch 0: each block is one. */
void km_plan_cut(const struct km_plan *plan, struct km_feed *feed, size_t mini_batch);

/** Most rows of a block of rows of that shape. */
struct km_room km_plan_block(const struct km_plan *plan, const struct km_shape *shape);

/**
 * Refuses what cannot fit before the first allocation, instead of being killed in the middle: the
 * centers in all their forms, the trials of the shrink, three blocks of rows, the sample.
 */
int km_plan_check_memory(const struct km_plan *plan, const struct km_params *p, int ranks,
                         struct km_err *err);

#endif
