/* SPDX-License-Identifier: Apache-2.0 */
/* Hyperparameters on their way in: what was given, by name, from a file and from a command line. */
#ifndef KM_TRAIN_SETTINGS_H
#define KM_TRAIN_SETTINGS_H

#include "base/err.h"
#include "train/params.h"
#include "train/problems.h"
#include <jansson.h>

/** Raw text of each name. */
struct km_settings;

/** Settings without any value or problem. */
int km_settings_open(struct km_settings **s, struct km_err *err);
void km_settings_close(struct km_settings *s); /* NULL is fine */

/**
 * Takes every name of a JSON object {name: value} (hyperparameters.json). Values are strings, bare
 * or JSON-quoted inside; numbers, booleans and lists are taken as well. Names with a leading '_'
 * and `sagemaker_*` are kept aside as ignored. KM_E_MEM only.
 */
int km_settings_take(struct km_settings *s, const json_t *object, struct km_err *err);

/**
 * Takes one name and value, e.g. from the command line; replaces an earlier one. A file does not
 * replace it, whichever comes first.
 */
int km_settings_set(struct km_settings *s, const char *name, const char *value, struct km_err *err);

/** Which hyperparameters must be there: none (their file could not be used, so that what is missing
 * is no news), all that have no default but feature_dim (a command line), or all of them (a
 * training request). */
enum km_need { KM_NEED_NONE, KM_NEED_K, KM_NEED_ALL };

/**
 * Checks everything and fills *p; called once. What is wrong with values, unknown names (with the
 * nearest known one) and missing ones become problems. KM_E_INPUT if there are problems, old ones
 * or new, as km_problems_check.
 */
int km_settings_finish(const struct km_settings *s, enum km_need need, struct km_params *p,
                       struct km_problems *problems, struct km_err *err);

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

#endif
