/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A training request: what the platform lays out under /opt/ml (docs/formats.md), or what a command
 * line says instead. Only this file knows the names of the platform's files.
 */
#ifndef KM_TRAIN_REQUEST_H
#define KM_TRAIN_REQUEST_H

#include "base/err.h"
#include "io/file.h"
#include "io/shard.h"
#include "train/params.h"

/** One channel, ready to be read. */
struct km_channel {
    const char *name; /* "train", "test" */
    int present;      /* the request has it */
    struct km_files files;
    int replicated;          /* all hosts see the same files: each takes its part of the rows */
    struct km_format format; /* feature_dim is filled in from the hyperparameters */
    char content_type[128];  /* as understood, e.g. "application/x-recordio-protobuf" */
};

struct km_request {
    struct km_params params;
    struct km_channel train, test;
    int rank, ranks;       /* of the processes that train together, set by the caller; 0 of 1 */
    char host[256];        /* current_host, for log lines; "algo-<rank + 1>" where nobody says */
    char model_path[4096]; /* where model_algo-1 goes; empty: nowhere (only a tarball is wanted) */
    char failure_path[4096]; /* output/failure; empty: none */
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
 * Reads ROOT/input/config/{hyperparameters,inputdataconfig,resourceconfig}.json and lists the files
 * of the channels. Problems of any of the three are added to `settings`, so that one report names
 * all; then km_settings_finish fills r->params. Nothing of the data is opened. Notes for the log
 * (ignored names, defaults taken) are printed with km_log. At the end ROOT/model is made if it is
 * missing, and a file is written there and removed: KM_E_SYS if that fails.
 */
int km_request_read(struct km_request *r, const char *root, struct km_settings *settings,
                    struct km_err *err);

/**
 * The same for files named on a command line: train_paths and test_paths (folders or files, standard
 * input as KM_STDIN), all of content_type (NULL: RecordIO if the first file begins with its magic,
 * else text/csv;label_size=0; a FIFO's bytes are waited for, and kept by km_stream_keep).
 */
int km_request_files(struct km_request *r, char *const *train_paths, size_t n_train,
                     char *const *test_paths, size_t n_test, const char *content_type,
                     struct km_settings *settings, struct km_err *err);

/** Frees what it holds; zeroed is fine. */
void km_request_done(struct km_request *r);

/** Parses a content type as MIME: lower case, parameters; KM_E_INPUT names what is not known. */
int km_content_type_parse(const char *text, struct km_format *format, char *name, size_t name_size,
                          struct km_err *err);

/** "auto", "present" or "absent"; -1 for another word. */
int km_header_rule(enum km_header_rule *rule, const char *text);

/**
 * Reports a failure: the prefixed text as an ERROR line for each problem, and at most 1,024
 * characters of valid UTF-8 in the failure file (when there is one). Returns the exit code:
 * 1 algorithm, 2 customer, 3 platform. A failure file that cannot be written is logged.
 */
int km_request_fail(const struct km_request *r, const struct km_settings *settings,
                    const struct km_err *err);

/** The exit code alone, for a rank whose supervisor reports. */
int km_request_exit(const struct km_err *err);

#endif
