/* SPDX-License-Identifier: Apache-2.0 */
/* From the text of one hyperparameter to its field. */
#ifndef KM_TRAIN_PARAM_VALUE_H
#define KM_TRAIN_PARAM_VALUE_H

#include "train/param_table.h"
#include "train/problems.h"

/** Parses text, which is bare, into the field of *p; what is wrong becomes a problem. */
void km_param_set(struct km_params *p, const struct km_param *q, const char *text,
                  struct km_problems *problems);

/** Parses the text of an integer parameter. 0, or -1: it is none, or out of range. */
int km_param_integer(const struct km_param *q, const char *text, int64_t *value);

#define KM_SHOWN 128

/** As much of a value as a message should quote, in out. */
const char *km_param_shown(char out[KM_SHOWN], const char *value);

#endif
