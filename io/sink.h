/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as files of any format that can be written: one file or several shards, or standard
 * output. */
#ifndef KM_IO_SINK_H
#define KM_IO_SINK_H

#include "base/err.h"
#include "io/format.h"
#include <stddef.h>
#include <stdint.h>

struct km_sink;

/**
 * Starts writing rows of dim values. shards = 1: to path, or to standard output if path is "-".
 * shards > 1: to path with _0, _1, ... (zero padded to equal width) in front of its suffix; row i
 * goes to shard i mod shards. Files appear at commit only. On failure *s is NULL.
 */
int km_sink_open(struct km_sink **s, const char *path, const struct km_format_kind *kind,
                 size_t shards, size_t dim, struct km_err *err);

/** The name of a shard of several: to be freed with km_free; NULL when there is no memory. */
char *km_sink_path(const char *path, size_t shard, size_t shards);

/** Appends one row of dim finite values. */
int km_sink_put(struct km_sink *s, const float *row, struct km_err *err);

/** Makes the files appear, and frees the sink whatever the result. *bytes: size of all files. */
int km_sink_commit(struct km_sink *s, uint64_t *bytes, struct km_err *err);

/** Throws the unfinished files away and frees the sink; NULL is fine. */
void km_sink_abort(struct km_sink *s);

#endif
