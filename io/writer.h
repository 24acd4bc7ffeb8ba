/* SPDX-License-Identifier: Apache-2.0 */
/* Atomic writing of a file. */
#ifndef KM_IO_WRITER_H
#define KM_IO_WRITER_H

#include "base/err.h"
#include <stddef.h>

/**
 * A file that appears whole or not at all: written under a temporary name in the target's folder
 * (NAME.PID.sagemaker-ignore), flushed to disk, renamed over the target, and the folder flushed.
 * A target that is a device or a FIFO (/dev/null, /dev/stdout) is written to directly.
 */
struct km_writer;

/** Starts writing path; nothing is visible under that name before km_writer_commit. */
int km_writer_open(struct km_writer **w, const char *path, struct km_err *err);

/** Appends bytes (buffered). */
int km_writer_put(struct km_writer *w, const void *bytes, size_t n, struct km_err *err);

/**
 * Makes the file appear, and frees the writer whatever the result; after a failure nothing is left
 * behind (only when the last step, flushing the folder, fails is the new file there).
 */
int km_writer_commit(struct km_writer *w, struct km_err *err);

/** Throws the unfinished file away and frees the writer; NULL is fine. */
void km_writer_abort(struct km_writer *w);

#endif
