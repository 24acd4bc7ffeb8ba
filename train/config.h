/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON files under ROOT/input/config: read once, all of them, and const after. */
#ifndef KM_TRAIN_CONFIG_H
#define KM_TRAIN_CONFIG_H

#include "train/problems.h"
#include <jansson.h>

/** One file, which holds one JSON object. */
struct km_config_file {
    char path[4096];   /* empty: it is too long for any file */
    json_t *object;    /* NULL: there is no such file, or it is bad */
    struct km_err err; /* code other than 0: it is bad, and the text says how */
};

struct km_config {
    struct km_config_file hyperparameters, channels, resources;
};

/**
 * Reads hyperparameters.json, inputdataconfig.json and resourceconfig.json. Cannot fail: what is
 * wrong with a file stands beside it, for whoever needs the file.
 */
void km_config_load(struct km_config *c, const char *root);

/** What is wrong with a file becomes a problem. KM_OK, or KM_E_MEM when there was no memory to read
 * it. */
int km_config_check(const struct km_config_file *file, struct km_problems *problems,
                    struct km_err *err);

/** Frees the objects; a zeroed configuration is fine. */
void km_config_done(struct km_config *c);

#endif
