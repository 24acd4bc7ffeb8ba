/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each rank has becomes what all have. Every call is made by all ranks; with one rank it changes
 * nothing.
 */
#ifndef KM_TRAIN_MERGE_H
#define KM_TRAIN_MERGE_H

#include "algo/refine.h"
#include "train/job.h"

/**
 * Deals `most` things out in proportion to what each rank has: part[r] to part[r + 1] are rank r's of
 * part[ranks] in all, and become its share of `most`. A rank never gets more than it has, as long as
 * `most` is not above part[ranks].
 */
void km_share(size_t most, size_t *part, int ranks);

/** Each rank has rows job->part[rank] to job->part[rank + 1] of *rows; afterwards all of them. */
int km_merge_rows(struct km_job *job, struct km_mat *rows, struct km_err *err);

/**
 * Sparse rows of all ranks, in rank order, in *all: of each rank n of its own (at most own->n), at even
 * distances. The caller frees *all, also after a failure.
 */
int km_merge_csr(struct km_job *job, const struct km_csr *own, size_t n, struct km_csr *all,
                 struct km_err *err);

/** One sample of the rows of all ranks, in rank order, in place of each rank's own (algo/sample.h); and of those held back. */
int km_merge_sample(struct km_job *job, struct km_err *err);

/**
 * After a shrink whose trials were dealt out (trial t on rank t mod ranks): loss[0..all-1] become the
 * losses of all trials, and the best of them is then a trial of every rank.
 */
int km_merge_trials(struct km_job *job, struct km_trial **trials, size_t *n, double *loss,
                    size_t all, struct km_err *err);

/** Of what each rank has refined, the best: *best (its `exact`) and *result become the same on all. */
int km_merge_refined(struct km_job *job, struct km_centers *best, struct km_refine_result *result,
                     struct km_err *err);

#endif
