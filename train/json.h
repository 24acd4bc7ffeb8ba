/* SPDX-License-Identifier: Apache-2.0 */
/* What the verb train needs of JSON beyond jansson: configuration files, and text in km_alloc. */
#ifndef KM_TRAIN_JSON_H
#define KM_TRAIN_JSON_H

#include "base/err.h"
#include "base/text.h"
#include <jansson.h>

/**
 * Reads a file that holds one JSON object; a byte order mark is skipped. *object is NULL, with
 * KM_OK, if there is no such file; end it with json_decref. KM_E_INPUT names line and column of
 * what is wrong (also a name that stands twice).
 */
int km_json_load(const char *path, json_t **object, struct km_err *err);

/** Adds a value as JSON on one line; a real number gets no more digits than it needs. */
void km_json_add(struct km_text *t, const json_t *value);

#endif
