/* SPDX-License-Identifier: Apache-2.0 */
/* Private to train: a job whose rows are clustered as sparse. What is not here, sparse and dense
 * share. */
#ifndef KM_TRAIN_SPARSE_H
#define KM_TRAIN_SPARSE_H

#include "train/job.h"

/**
 * Decides whether the job's rows are sparse (job->sparse), and says so in the log: the first rows
 * of the train channel are looked at. force_dense=true: mostly sparse records, and so few values
 * that it pays (docs/algorithm.md); false: any sparse record is enough.
 */
int km_sparse_choose(struct km_job *job, struct km_err *err);

/** Most rows and values of a block. */
size_t km_sparse_block_rows(const struct km_job *job);
size_t km_sparse_block_values(const struct km_job *job);

/** Bytes that the job will need: for the centers, for rows. */
void km_sparse_memory(const struct km_job *job, double *centers, double *rows);

int km_sparse_job_init(struct km_job *job, struct km_err *err);
void km_sparse_job_done(struct km_job *job);

/** Room of the sample of all hosts together, in rows and in values. */
size_t km_sparse_sample_rows(const struct km_job *job);
size_t km_sparse_sample_values(const struct km_job *job);

/** Room for the rows that are held back (train/held.h), of one rank or of all. */
void km_sparse_held_room(const struct km_job *job, size_t *rows, size_t *values);

/** K start centers from the first block (NULL: this rank has none) of all ranks. */
int km_sparse_start(struct km_job *job, const struct km_csr *first, struct km_err *err);

/** A block of the pass: the sample, the centers, the sums of job->pass; on several ranks, in place of
 * these two, the window. */
void km_sparse_take(struct km_job *job, const struct km_batch *b, int epoch);

/** The pass is over: its centers become dense, job->centers. */
int km_sparse_finish(struct km_job *job, struct km_err *err);

#endif
