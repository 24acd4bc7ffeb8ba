/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A training request: what the platform lays out under /opt/ml (docs/formats.md), or what a command
 * line says instead.
 */
#ifndef KM_TRAIN_REQUEST_H
#define KM_TRAIN_REQUEST_H

#include "base/err.h"
#include "train/channels.h"
#include "train/config.h"
#include "train/settings.h"

struct km_request {
    struct km_params params;
    struct km_channel train, test;
    int rank, ranks;       /* of the processes that train together, set by the caller; 0 of 1 */
    char host[256];        /* current_host, for log lines; "algo-<rank + 1>" where nobody says */
    char model_path[4096]; /* where model_algo-1 goes; empty: nowhere (only a tarball is wanted) */
    char failure_path[4096];     /* output/failure; empty: none */
    struct km_problems problems; /* what is wrong with it */
};

/**
 * Fills the paths that a failure needs (failure_path, host) without reading anything that can fail;
 * the request is of one process. km_request_rank makes it one of several, before it is read.
 * Removes a failure file that an earlier run left; KM_E_SYS if that cannot be done, as a job that
 * succeeds must not leave one. root NULL: no layout.
 */
int km_request_init(struct km_request *r, const char *root, struct km_err *err);
void km_request_rank(struct km_request *r, int rank, int ranks);

/**
 * Understands the configuration of the layout at root and lists the files of the channels. What is
 * wrong with any of it becomes r->problems, so that one report names all; then km_settings_finish
 * fills r->params. Nothing of the data is opened. Notes for the log (ignored names, defaults taken)
 * are printed with km_log. At the end ROOT/model is made if it is missing, and a file is written
 * there and removed: KM_E_SYS if that fails.
 */
int km_request_read(struct km_request *r, const char *root, const struct km_config *config,
                    struct km_settings *settings, struct km_err *err);

/**
 * The same for files named on a command line: train_paths and test_paths (folders or files,
 * standard input as KM_STDIN), all of content_type (NULL: it is guessed).
 */
int km_request_files(struct km_request *r, char *const *train_paths, size_t n_train,
                     char *const *test_paths, size_t n_test, const char *content_type,
                     struct km_settings *settings, struct km_err *err);

/** Frees what it holds; zeroed is fine. */
void km_request_done(struct km_request *r);

#endif
