/* SPDX-License-Identifier: Apache-2.0 */
/* The hyperparameters of a training, checked. Where they come from: settings.h, and the table that
 * names them. */
#ifndef KM_TRAIN_PARAMS_H
#define KM_TRAIN_PARAMS_H

#include <stdint.h>

#define KM_AUTO (-1) /* value of a parameter that was set to "auto" */
/** What extra_center_factor = auto stands for, as in the original. */
#define KM_AUTO_CENTER_FACTOR 10

enum km_init { KM_INIT_RANDOM, KM_INIT_PLUSPLUS };

/** What to do with rows that lack values. */
struct km_missing {
    int skip;         /* pass over them; else they are bad */
    int has_stand_in; /* stand_in is written for a missing value */
    float stand_in;
};

/** One field per hyperparameter; filled by km_settings_finish and const after. */
struct km_params {
    int64_t k;
    int64_t feature_dim; /* 0: not given (allowed on the command line only) */
    int64_t mini_batch_size;
    int64_t epochs;
    int64_t extra_center_factor; /* or KM_AUTO */
    int64_t half_life_time_size; /* rows; 0 = no decay */
    int64_t local_lloyd_max_iter;
    int64_t local_lloyd_num_trials; /* or KM_AUTO */
    int64_t refine_rows;            /* or KM_AUTO; 0 = off */
    int64_t refine_passes;          /* or KM_AUTO; 0 = none */
    int64_t bad_records;            /* to skip, at most */
    struct km_missing missing;
    int64_t seed;                                       /* 0 .. 2^63-1 */
    int64_t launch_port, launch_timeout, stall_timeout; /* of several hosts; seconds */
    double local_lloyd_tol;                             /* 0..1, relative */
    enum km_init init_method;
    enum km_init local_lloyd_init_method;
    int force_dense;
    int eval_msd, eval_ssd; /* eval_metrics */
};

#endif
