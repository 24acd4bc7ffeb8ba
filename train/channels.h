/* SPDX-License-Identifier: Apache-2.0 */
/* The channels of a request: where their files are, and what is in them. */
#ifndef KM_TRAIN_CHANNELS_H
#define KM_TRAIN_CHANNELS_H

#include "io/file.h"
#include "io/format.h"
#include "train/config.h"
#include "train/problems.h"

/** One channel, ready to be read. */
struct km_channel {
    const char *name; /* "train", "test" */
    int present;      /* the request has it */
    struct km_files files;
    int replicated;          /* all hosts see the same files: each takes its part of the rows */
    struct km_format format; /* feature_dim is filled in from the hyperparameters */
    char content_type[128];  /* as understood, e.g. "application/x-recordio-protobuf" */
};

/**
 * Fills the channels train and test from inputdataconfig.json and lists their files; where the file
 * names no channel, from the folders that there are. What is wrong becomes a problem; other codes
 * leave no way to go on.
 */
int km_channels_read(struct km_channel *const channel[2], const struct km_config_file *file,
                     const char *root, int ranks, struct km_problems *problems, struct km_err *err);

/** Adds the files of one path to a channel. Bad input becomes a problem; so does no file, but with
 * may_be_empty. */
int km_channel_add(struct km_problems *problems, struct km_channel *c, const char *path,
                   int may_be_empty, struct km_err *err);

#endif
