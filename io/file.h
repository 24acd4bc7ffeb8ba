/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a channel, and their streams as far as they are open. */
#ifndef KM_IO_FILE_H
#define KM_IO_FILE_H

#include "io/stream.h"

/** The data files under a path, in the order in which they are read. */
struct km_files {
    char **path;             /* (n) */
    uint64_t *bytes;         /* (n) sizes when listed; 0 for what has no size (FIFO) */
    struct km_stream **held; /* (n) open already, with what was read of them; NULL: closed */
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

/** Whether file i is a regular one: it can be read twice, and nobody waits for its writer. */
int km_files_regular(const struct km_files *files, size_t i);

/**
 * Opens file i at its first byte for a look, which km_files_hold ends: the stream stays open, and
 * nothing that was read is lost, for the next look or for km_files_take, which reads on to the end.
 * So a FIFO can be looked at as often as a file, and a file is opened once. Of many regular files
 * only the first few are held, the others are closed and opened again. One thread at a time may
 * open or hold file i.
 */
int km_files_look(const struct km_files *files, size_t i, struct km_stream **s, struct km_err *err);
void km_files_hold(const struct km_files *files, size_t i, struct km_stream *s);

/** The same for whoever reads it, and then closes it; stop_fd as km_stream_until. */
int km_files_take(const struct km_files *files, size_t i, int stop_fd, struct km_stream **s,
                  struct km_err *err);

/**
 * After a call on path failed and set errno: if path is a symbolic link and that is why (what it
 * names does not exist, or it leads back to itself), KM_E_INPUT with both names and what to do;
 * else KM_OK, errno as it was.
 */
int km_link_fail(const char *path, struct km_err *err);

/**
 * Puts KM_STDIN, which is static, in the place of each "-" (or other name of standard input) among
 * n paths of a command line, and counts them in *times, which starts at 0. KM_E_INPUT when that is
 * more than one, when standard input is closed, or a file of which a part has been read already.
 */
int km_stdin_name(char **paths, size_t n, int *times, struct km_err *err);

#endif
