/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `kmeans train`. */
#ifndef KM_TRAIN_COMMAND_LINE_H
#define KM_TRAIN_COMMAND_LINE_H

#include "train/settings.h"

#define KM_COMMAND_TESTS 64

/** What it says. All texts are of argv. */
struct km_command_line {
    const char *root; /* NULL: files are named */
    const char *output, *content_type, *threads;
    const char *header, *separator, *decimal;
    char *tests[KM_COMMAND_TESTS];
    size_t n_tests;
    char **files;
    size_t n_files;
    struct km_settings *settings; /* the caller's: hyperparameters go there */
};

/**
 * Takes the command line; only c->settings is set before. KM_OK; KM_MORE: only the help text is
 * wanted; KM_E_INPUT: it cannot be meant so.
 */
int km_command_line_take(struct km_command_line *c, int argc, char **argv, struct km_err *err);

/** Prints the help text. */
void km_command_line_help(void);

#endif
