/* SPDX-License-Identifier: Apache-2.0 */
/* The content type of files that nobody described. */
#ifndef KM_TRAIN_GUESS_H
#define KM_TRAIN_GUESS_H

#include "io/file.h"
#include "train/problems.h"

/**
 * RecordIO if the first file begins with its magic, else text/csv;label_size=0; NULL if there is no
 * file. A FIFO's first bytes are waited for, and held by the list of files; on several ranks they
 * would come to one of them only, which is a problem.
 */
int km_guess_content_type(const char **content_type, const struct km_files *files, int ranks,
                          struct km_problems *problems, struct km_err *err);

#endif
