/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of hyperparameters: name, type, range and default, from which the parser, the command
 * line options and the help text are made. Names and defaults are the original's; seed,
 * refine_rows, refine_passes, bad_records, missing and those of several hosts are ours.
 */
#ifndef KM_TRAIN_PARAM_TABLE_H
#define KM_TRAIN_PARAM_TABLE_H

#include "train/params.h"

#include <stddef.h>
#include <stdio.h>

enum km_param_kind {
    KM_P_INTEGER,
    KM_P_INTEGER_OR_AUTO,
    KM_P_INTEGER_OR_ERROR, /* error: 0 */
    KM_P_REAL,
    KM_P_BOOLEAN,
    KM_P_INIT_METHOD,
    KM_P_METRICS,
    KM_P_MISSING
};

struct km_param {
    const char *name;
    enum km_param_kind kind;
    int64_t least, most;  /* of numbers; least is 0 or 1 */
    const char *fallback; /* text of the default; NULL: required */
    size_t offset;        /* of the field in struct km_params */
    const char *meaning;
};

/** The table; its end is an entry whose name is NULL. */
extern const struct km_param km_param_table[];

/** The entry of a name, or NULL. */
const struct km_param *km_param_find(const char *name);

/** The nearest known name to a misspelt one, NULL if none is near. */
const char *km_param_nearest(const char *name);

/** The table as help text: --name VALUE, meaning, range, [default]. */
void km_params_help(FILE *out);

#endif
