/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a channel, a byte stream over one of them, and atomic writing. */
#ifndef KM_IO_FILE_H
#define KM_IO_FILE_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

/** The data files under a path, in the order in which they are read. */
struct km_files {
    char **path;     /* (n) */
    uint64_t *bytes; /* (n) sizes when listed; 0 for what has no size (FIFO) */
    size_t n;
    uint64_t total; /* sum of bytes */
};

/**
 * Lists a file, or everything below a folder, in bytewise order of the path below it. Skipped, as
 * they are no data: names that begin with '.' or '_' (also folders), names that end in "_$folder$",
 * ".sagemaker-ignore" (unfinished files of km_writer), ".sagemaker-uploading" or
 * ".sagemaker-uploaded" (the platform's),
 * files of zero bytes, and what is neither file nor folder. A file named by path itself is always
 * taken, whatever its name, size or kind (a FIFO is not opened here). Symbolic links are followed;
 * loops end in an error.
 * A missing path is KM_E_INPUT; an empty folder gives n = 0. Appends to *files, which starts
 * zeroed; km_files_done frees it, also after a failure.
 */
int km_files_add(struct km_files *files, const char *path, struct km_err *err);
void km_files_done(struct km_files *files);

/** Bytes of one file in order, through one buffer; works on files, FIFOs and anything read(2) does.
 */
struct km_stream;

/** Opens path. On failure *s is NULL. Never blocks: the first peek waits for a FIFO's writer. */
int km_stream_open(struct km_stream **s, const char *path, struct km_err *err);

/**
 * The same, and waiting for bytes of a FIFO, terminal or device ends with KM_E_SYS as soon as
 * stop_fd (an eventfd or pipe; -1 for none; kept by the caller) is readable. A read of a regular
 * file is never interrupted: it takes as long as the disk or the file server does.
 */
int km_stream_open_until(struct km_stream **s, const char *path, int stop_fd, struct km_err *err);

/** NULL is fine. */
void km_stream_close(struct km_stream *s);

/**
 * Makes at least `want` bytes available, growing the buffer when it must, and points *p at them.
 * *got is how many there are: at least `want`, or fewer only at the end of the file. The pointer
 * holds until the next call. KM_OK or a failure (KM_E_SYS: read error; KM_E_MEM).
 */
int km_stream_peek(struct km_stream *s, size_t want, const unsigned char **p, size_t *got,
                   struct km_err *err);

/** The bytes that the last peek showed, for the caller to change before stepping over all of those
 * that changed. */
unsigned char *km_stream_bytes(struct km_stream *s);

/** Steps over n bytes that the last peek showed. */
void km_stream_skip(struct km_stream *s, size_t n);

/** Goes to byte `at`, back or on, of a regular file (KM_E_BUG for others). */
int km_stream_seek(struct km_stream *s, uint64_t at, struct km_err *err);

/** Whether it is a regular file, which can be read twice and never makes anybody wait for a writer. */
int km_stream_is_regular(const struct km_stream *s);

/** Position of the next byte in the file; and the file's path, for messages. */
uint64_t km_stream_at(const struct km_stream *s);
const char *km_stream_path(const struct km_stream *s);

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
