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
    size_t n, room;
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
 * A missing path is KM_E_INPUT, and so is a link that leads nowhere or round in a circle, also in a
 * folder; an empty folder gives n = 0. Appends to *files, which starts
 * zeroed; km_files_done frees it, also after a failure.
 */
int km_files_add(struct km_files *files, const char *path, struct km_err *err);
void km_files_done(struct km_files *files);

/**
 * After a call on path failed and set errno: if path is a symbolic link and that is why (what it
 * names does not exist, or it leads back to itself), KM_E_INPUT with both names and what to do;
 * else KM_OK, errno as it was.
 */
int km_link_fail(const char *path, struct km_err *err);

/** The name under which standard input is read: by km_stream, and by whoever asks stat for its
 * kind. */
#define KM_STDIN "/dev/stdin"

/**
 * Puts KM_STDIN, which is static, in the place of each "-" (or other name of standard input) among
 * n paths of a command line, and counts them in *times, which starts at 0. KM_E_INPUT when that is
 * more than one, when standard input is closed, or a file of which a part has been read already.
 */
int km_stdin_name(char **paths, size_t n, int *times, struct km_err *err);

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
 * For a look at what can be read only once (a FIFO, standard input): from now on each opening of
 * path begins at its first byte, as closing keeps all that was read, until km_stream_unkeep. Then
 * the next opening gives the bytes that were kept and all that follow, once. Both do nothing for a
 * regular file. KM_OK, or why it cannot be opened; waits for nobody. One thread at a time may open
 * or close kept paths.
 */
int km_stream_keep(const char *path, struct km_err *err);
void km_stream_unkeep(const char *path);

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

/** Whether it is a regular file, which can be read twice and never makes anybody wait for a
 * writer. */
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
