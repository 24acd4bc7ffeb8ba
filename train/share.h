/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each rank has becomes what all have. Every call is made by all ranks; with one rank it
 * changes nothing, or copies.
 */
#ifndef KM_TRAIN_SHARE_H
#define KM_TRAIN_SHARE_H

#include "algo/centers.h"
#include "base/rows.h"
#include "train/team.h"

/**
 * How many things each rank has: (*part)[r] to (*part)[r + 1] are rank r's of (*part)[ranks] in
 * all; n of this one. (ranks + 1) offsets, which the caller frees with km_free.
 */
int km_share_counts(const struct km_team *team, size_t n, size_t **part, struct km_err *err);

/**
 * Deals `most` things out in proportion to what each rank has: part (km_share_counts) becomes the
 * ranks' shares of `most`. A rank never gets more than it has, as long as `most` is not above
 * part[ranks].
 */
void km_share_out(size_t most, size_t *part, int ranks);

/** This rank's share of `most` things, or of all where that is fewer, when it has n. */
int km_share_own(const struct km_team *team, size_t most, size_t n, size_t *own,
                 struct km_err *err);

/** A list of part[ranks] items of so many bytes, of which each rank has filled in its own: all of
 * them. */
int km_share_list(const struct km_team *team, void *list, const size_t *part, size_t bytes,
                  struct km_err *err);

/**
 * Rows of all ranks, in rank order, in *all: of each rank n of its own (at most as many as it has),
 * at even distances. All give rows of one shape, also a rank without rows. The caller frees *all,
 * also after a failure.
 */
int km_share_rows(const struct km_team *team, const struct km_rows *own, size_t n,
                  struct km_rows *all, struct km_err *err);

/** Every rank gets the positions and weights of the centers that `owner` has. */
int km_share_centers(const struct km_team *team, struct km_centers *c, int owner,
                     struct km_err *err);

#endif
