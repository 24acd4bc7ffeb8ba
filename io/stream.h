/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes in order, through one buffer, wherever they come from: a file, a FIFO or what else read(2)
 * reads, memory, or another stream decompressed (io/gunzip.h).
 */
#ifndef KM_IO_STREAM_H
#define KM_IO_STREAM_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

/** The name under which standard input is read: by km_stream_open, and by whoever asks stat for its
 * kind. */
#define KM_STDIN "/dev/stdin"

struct km_stream;

/** Opens a file. On failure *s is NULL. Never blocks: the first peek waits for a FIFO's writer. The
 * path is the caller's, and stays as it is until the stream is closed. */
int km_stream_open(struct km_stream **s, const char *path, struct km_err *err);

/** The n bytes at `bytes`, which are the caller's; `name` stands for the path in messages. */
int km_stream_open_memory(struct km_stream **s, const char *name, const void *bytes, size_t n,
                          struct km_err *err);

/** The same, but the bytes, from km_alloc, are the stream's from now on, also after a failure. */
int km_stream_own_memory(struct km_stream **s, const char *name, void *bytes, size_t n,
                         struct km_err *err);

/** NULL is fine. */
void km_stream_close(struct km_stream *s);

/**
 * From now on waiting for bytes of a FIFO, terminal or device ends with KM_E_SYS as soon as stop_fd
 * (an eventfd or pipe; -1 for none; kept by the caller) is readable. A read of a regular file is
 * never interrupted: it takes as long as the disk or the file server does.
 */
void km_stream_until(struct km_stream *s, int stop_fd);

/** While `keep`, nothing that is read is dropped, where it cannot be read again: km_stream_seek
 * finds it. */
void km_stream_keep(struct km_stream *s, int keep);

/**
 * From now on what km_stream_peek and km_stream_scratch show stays where it is, whatever is peeked
 * behind it, until km_stream_release. So bytes can be looked at by other threads while more are
 * read. Memory is taken for what is shown in between; km_stream_seek does not happen.
 */
void km_stream_hold(struct km_stream *s);
void km_stream_release(struct km_stream *s);

/** The same passed on: from now on s keeps what it reads if `in`, which it reads from, did; and
 * `in` does not. */
void km_stream_keep_from(struct km_stream *s, struct km_stream *in);

/**
 * Makes at least `want` bytes available, growing the buffer when it must, and points *p at them.
 * *got is how many there are: at least `want`, or fewer only at the end of the file. The pointer
 * holds until the next call. KM_OK or a failure (KM_E_SYS: read error; KM_E_MEM).
 */
int km_stream_peek(struct km_stream *s, size_t want, const unsigned char **p, size_t *got,
                   struct km_err *err);

/** Reads on, if there is little left to show, so that the next peek finds its bytes; of what can be
 * read again only (else it might wait). A failure is told by that peek. */
void km_stream_ahead(struct km_stream *s);

/** Room for n bytes beside the buffer, for who puts some of them together; holds until the next
 * such call. */
int km_stream_scratch(struct km_stream *s, size_t n, unsigned char **p, struct km_err *err);

/** Steps over n bytes that the last peek showed. */
void km_stream_skip(struct km_stream *s, size_t n);

/** Goes to byte `at`, back or on: anywhere in a regular file or memory, in others where it has been
 * read and is still there (km_stream_keep; else KM_E_BUG). */
int km_stream_seek(struct km_stream *s, uint64_t at, struct km_err *err);

/** Whether any byte can be read twice, and nobody waits for a writer: a regular file, memory. */
int km_stream_again(const struct km_stream *s);

/** Position of the next byte in the file; and the file's path, for messages. */
uint64_t km_stream_at(const struct km_stream *s);
const char *km_stream_path(const struct km_stream *s);

#endif
