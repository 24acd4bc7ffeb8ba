/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hyperparameters: one table of name, type, range and default (params.c), from which the parser,
 * the command line options and the help text are made. Names and defaults are the original's; seed,
 * refine_rows, refine_passes and those of several hosts are ours.
 */
#ifndef KM_TRAIN_PARAMS_H
#define KM_TRAIN_PARAMS_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define KM_AUTO (-1) /* value of a parameter that was set to "auto" */
#define KM_AUTO_CENTER_FACTOR                                                                      \
    10 /* what extra_center_factor = auto stands for, as in the original */

enum km_init { KM_INIT_RANDOM, KM_INIT_PLUSPLUS };

/** One field per hyperparameter; filled by km_params_finish and const after. */
struct km_params {
    int64_t k;
    int64_t feature_dim; /* 0: not given (allowed on the command line only) */
    int64_t mini_batch_size;
    int64_t epochs;
    int64_t extra_center_factor; /* or KM_AUTO */
    int64_t half_life_time_size; /* rows; 0 = no decay */
    int64_t local_lloyd_max_iter;
    int64_t local_lloyd_num_trials;                     /* or KM_AUTO */
    int64_t refine_rows;                                /* or KM_AUTO; 0 = off */
    int64_t refine_passes;                              /* or KM_AUTO; 0 = none */
    int64_t seed;                                       /* 0 .. 2^63-1 */
    int64_t launch_port, launch_timeout, stall_timeout; /* of several hosts; seconds */
    double local_lloyd_tol;                             /* 0..1, relative */
    enum km_init init_method;
    enum km_init local_lloyd_init_method;
    int force_dense;
    int eval_msd, eval_ssd; /* eval_metrics */
};

/** Settings on their way in: raw text per name, and the problems found so far. */
struct km_settings;

/** Settings without any value or problem. */
int km_settings_open(struct km_settings **s, struct km_err *err);
void km_settings_close(struct km_settings *s); /* NULL is fine */

/**
 * Takes every name of a JSON object {name: value} (hyperparameters.json). Values are strings, bare
 * or JSON-quoted inside; numbers, booleans and lists are taken as well. Names with a leading '_'
 * and `sagemaker_*` are kept aside as ignored. Unknown names, and a text that is no JSON object,
 * become problems (with the nearest known name). A missing file is a problem too. KM_E_MEM only.
 */
int km_settings_read(struct km_settings *s, const char *path, struct km_err *err);

/**
 * Takes one name and value, e.g. from the command line; replaces an earlier one. A file does not
 * replace it, whichever comes first.
 */
int km_settings_set(struct km_settings *s, const char *name, const char *value, struct km_err *err);

/**
 * Adds a problem found elsewhere in the request, to be reported with the others. The result need
 * not be checked: if there is no memory for it, km_settings_finish fails with KM_E_MEM.
 */
int km_settings_problem(struct km_settings *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * Checks everything and fills *p; called once. need_feature_dim: feature_dim is required (a
 * training request). If there are problems, KM_E_INPUT with all of them in err->msg, one after the
 * other ("; "), and each for itself by km_settings_problem_at.
 */
int km_settings_finish(struct km_settings *s, int need_feature_dim, struct km_params *p,
                       struct km_err *err);
size_t km_settings_problems(const struct km_settings *s);
const char *km_settings_problem_at(const struct km_settings *s, size_t i);

/** The settings as a JSON object on one line: what was provided, and (finished) with the defaults
 * filled in. To be freed with km_free; NULL when there is no memory. */
char *km_settings_provided_json(const struct km_settings *s);
char *km_settings_final_json(const struct km_settings *s);

/**
 * The value of an integer as far as it is known now, for what must be known before the request is
 * read as a whole: the default if it is not given or wrong (which km_settings_finish reports).
 */
int64_t km_settings_integer(const struct km_settings *s, const char *name);

/** Names that were given but mean nothing here, "a, b"; empty string if none. */
const char *km_settings_ignored(const struct km_settings *s);

/** Hyperparameter names in table order (NULL at the end of the list), for the command line. */
const char *km_param_name(size_t i);

/** The nearest known name to a misspelt one, NULL if none is near. */
const char *km_param_nearest(const char *name);

/** The table as help text: --name VALUE, meaning, range, [default]. */
void km_params_help(FILE *out);

#endif
