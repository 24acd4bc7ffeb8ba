/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of params.h: the table of hyperparameters, for params.c, param_value.c and settings.c
 * only. */
#ifndef KM_TRAIN_PARAM_TABLE_H
#define KM_TRAIN_PARAM_TABLE_H

#include "train/params.h"

enum km_param_kind {
    KM_P_INTEGER,
    KM_P_INTEGER_OR_AUTO,
    KM_P_REAL,
    KM_P_BOOLEAN,
    KM_P_INIT_METHOD,
    KM_P_METRICS
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

/** Parses text, which is bare, into the field of *p; what is wrong becomes a problem in s. */
void km_param_set(struct km_settings *s, const struct km_param *q, const char *text,
                  struct km_params *p);

/** Parses the text of an integer parameter. 0, or -1: it is none, or out of range. */
int km_param_integer(const struct km_param *q, const char *text, int64_t *value);

#define KM_SHOWN 128

/** As much of a value as a message should quote, in out. */
const char *km_param_shown(char out[KM_SHOWN], const char *value);

#endif
