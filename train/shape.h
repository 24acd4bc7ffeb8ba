/* SPDX-License-Identifier: Apache-2.0 */
/* What the rows of a job are like: the one place that decides whether they are clustered as
 * sparse. */
#ifndef KM_TRAIN_SHAPE_H
#define KM_TRAIN_SHAPE_H

#include "base/rows.h"
#include "io/feed.h"
#include "train/team.h"

/** What the first rows say. */
struct km_first_look {
    struct km_shape shape;
    size_t least_row_bytes; /* the fewest bytes of a file that a row takes */
};

/**
 * Looks at the first rows of the train channel of all ranks, of d features, and says in the log
 * what sparse rows are taken for. force_dense: as sparse only mostly sparse records, and so few
 * values that it pays (docs/algorithm.md); else any sparse record is enough. The same on all ranks.
 */
int km_shape_choose(struct km_first_look *look, const struct km_team *team,
                    const struct km_feed *feed, size_t d, int force_dense, struct km_err *err);

#endif
