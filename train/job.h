/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one training job; private to train.c, job.c, start.c, pass.c, finish.c and what they use. */
#ifndef KM_TRAIN_JOB_H
#define KM_TRAIN_JOB_H

#include "algo/assign.h"
#include "algo/sample.h"
#include "algo/sparse_window.h"
#include "io/feed.h"
#include "train/held.h"
#include "train/report.h"
#include "train/train.h"

/** One pass over the rows. */
struct km_pass {
    uint64_t rows, batches;       /* of this host */
    double all_rows;              /* of all hosts, as the following */
    double ssd;                   /* of all batches, each against the centers of its time */
    double short_ssd, short_rows; /* since the last Iter line */
};

struct km_job {
    const struct km_request *request;
    const struct km_machine *m;
    const struct km_params *p;
    size_t d;      /* features */
    size_t factor; /* extra_center_factor */
    size_t from_k; /* K = k * factor, centers of the pass */
    uint64_t seed;
    int rank, ranks; /* of the hosts that train together */
    size_t *part;    /* (ranks + 1) scratch of what is gathered */

    /* features that are not clustered, as far as there has been a warning */
    struct km_record_extras extras;
    struct km_feed *feed, *test; /* test may be NULL */
    int read_once;               /* a file of the train channel is no regular file */
    int said_header[2];  /* what the log has told of the first lines of train and test files */
    int sparse_records;  /* among the first rows are sparse tensors, or nobody can look */
    float *origin;       /* (d) subtracted from every row; sparse rows: 0 */
    int exponent;        /* of the power of two that rows are taken times: train/frame.h */
    int agreed_exponent; /* on all hosts, at the last exchange */
    struct km_centers centers; /* K centers of the pass, as the rows relative to the origin */
    struct km_sums sums;       /* of the current mini-batch */
    struct km_assign assign;
    struct km_sample sample; /* of the rows of the first epoch */
    struct km_held held;     /* and others, that only measure */

    int sparse;        /* rows are sparse: then these stand for centers, sums, assign */
    size_t row_values; /* of a row that are not 0, about */
    uint64_t seen_values;
    struct km_sparse_centers sparse_centers; /* they become `centers` behind the pass */
    struct km_sparse sparse_step;
    struct km_sparse_window window; /* on several ranks: what moves sparse_centers */

    struct km_mat model; /* (k, d) what is written: not relative to the origin */

    struct km_pass pass;
    uint64_t rows;                    /* of the channel, on all hosts */
    uint64_t all_seen_rows;           /* of all hosts over all epochs */
    uint64_t seen_rows, seen_batches; /* of this host over all epochs */
    uint64_t window_batches; /* mini-batches of the windows so far, the same on all hosts */
    uint64_t exchanges;      /* of the pass, that succeeded */
    uint64_t sent_bytes;     /* in these, by this host */
    int stopped;             /* a pass over the rows ended early, as somebody asked to */
    double sample_optimism;  /* the msd of the model on the sample is too low by this factor */
    double pass_seconds;
    struct km_watch phases[KM_PHASES];
};

/** The end of a stage that went as rc says: a failure of one rank becomes one of all (km_comm_agree). */
int km_job_agree(const struct km_job *job, int rc, struct km_err *err);

/**
 * extra_center_factor = auto for so many rows (about; 0: not known): 10, as in the original, up to k = 50 or where a center
 * of the pass still sees 100 rows; with fewer rows it falls, to 1. A center with a few rows is noise, and what many of
 * them cost is better spent on iterations over all rows (train/iterate.h).
 */
size_t km_job_auto_factor(size_t k, double rows);

/** Most rows of a block of dense rows. */
size_t km_job_block_rows(const struct km_job *job);

/** Bytes of the train channel that this host reads in each pass. */
uint64_t km_job_bytes(const struct km_job *job);

/** Rows that the sample of the pass has room for, once all hosts' samples are one; dense rows. */
size_t km_job_sample_room(const struct km_job *job);

/** Most rows that the start centers are drawn from; dense rows. */
size_t km_job_start_rows(const struct km_job *job);

/** Trials of the shrink, of all hosts together. */
size_t km_job_trials(const struct km_job *job);

/** Rows of refine_rows, which is not auto; no more than the train channel's bytes can hold. */
size_t km_job_refine_rows(const struct km_job *job);

/** Rows of the sample that this rank keeps itself. */
size_t km_job_sample_capacity(const struct km_job *job);

/** Rows that are held back (train/held.h), of one rank or of all; dense rows. Memory for them is a part of what `auto` has for the sample. */
#define KM_JOB_HELD_PART 8
size_t km_job_held_rows(const struct km_job *job);

/**
 * Refuses what cannot fit before the first allocation, instead of being killed in the middle: the centers
 * in all their forms, the trials of the shrink, three blocks of rows, the sample.
 */
int km_job_check_memory(const struct km_job *job, struct km_err *err);

#endif
