/* SPDX-License-Identifier: Apache-2.0 */
/* One input object as rows: what a format (RecordIO-protobuf, CSV) offers to the feed. */
#ifndef KM_IO_SHARD_H
#define KM_IO_SHARD_H

#include "base/csr.h"
#include "base/err.h"
#include "base/mat.h"
#include "io/header.h"
#include "io/record.h"
#include <stdint.h>

/** KM_SPARSE is RecordIO whose rows are kept as their values that are not 0 (km_shard_read_sparse).
 */
enum km_format_kind { KM_RECORDIO, KM_CSV, KM_SPARSE };

/** How the bytes of a channel are to be understood; the same for all its files. */
struct km_format {
    enum km_format_kind kind;
    /** CSV: columns in front of the features. -1: not said; then decided by the first row: none if
     * it has exactly feature_dim columns or feature_dim is unknown, else one. */
    int label_size;
    /** Features of each row; 0: not said, then the first row decides. */
    size_t feature_dim;
    /** The first row, if it decided: its file (a path of the caller's, not a copy), and its record
     * or line there; for messages about rows of another width. NULL: it was said. */
    const char *dim_path;
    uint64_t dim_row;
    /** The first file that had a row of this width, once there is one; a path of the caller's. */
    const char *good_path;
    /** Whose width this is, for messages, as "the train channel"; NULL: the format's own. */
    const char *dim_of;
    /** CSV: how columns and numbers are written, and what first lines are. */
    struct km_dialect dialect;
    enum km_header_rule header_rule;
    /** CSV: learns the names of the columns; the caller's. NULL: nobody wants them, and files are
     * not compared. */
    struct km_header *header;
    /** RecordIO: the features under other names that the rows decoded so far had. */
    struct km_record_extras extras;
};

struct km_shard;

/**
 * Opens a file. *format is completed from the first row where it says "not said", so that later
 * shards must agree with it. The pointer must stay valid until km_shard_close, and path as long as
 * *format is used.
 * The first row is decoded here, so that a wrong file fails at once. A file without rows is fine.
 */
int km_shard_open(struct km_shard **s, const char *path, struct km_format *format,
                  struct km_err *err);

/** Which rows of its file a shard gives; all zero: all. */
struct km_range {
    /** Those whose record or line begins at byte `from` or later, and before byte `to` (0: up to
     * the end). A regular file only, and feature_dim must be known. Numbers in messages are those
     * in the file. */
    uint64_t from, to;
    /** Of these, counted from 0, those whose number modulo `turns` is `turn` (turns 0: all). The
     * others are not decoded, except that the first decides on the format for all. */
    size_t turn, turns;
};

/** The same for a range, with a descriptor that ends waiting for bytes (km_stream_open_until). */
int km_shard_open_range(struct km_shard **s, const char *path, struct km_format *format,
                        const struct km_range *range, int stop_fd, struct km_err *err);

/** NULL is fine. */
void km_shard_close(struct km_shard *s);

/** KM_MORE if there is another row (it is decoded and kept for km_shard_read), KM_OK at the end of
 * the file, else the failure of that row. */
int km_shard_more(struct km_shard *s, struct km_err *err);

/**
 * Decodes the next rows into rows `from`, from + 1, ... of x, until x is full or the file ends;
 * *rows says how many. x->d is format->feature_dim. Values are finite, and no larger than
 * 0.99 sqrt(FLT_MAX / 4 / feature_dim), so that squared distances are finite, too. 0 rows = end of
 * file.
 *
 * Bad data is KM_E_INPUT, naming file, record (counted from 1) or line, byte offset, what was
 * found, what was expected and what to do. *rows then says how many rows before the bad one are in
 * x. After a failure the shard can only be closed.
 */
int km_shard_read(struct km_shard *s, struct km_mat *x, size_t from, size_t *rows,
                  struct km_err *err);

/**
 * The same for a shard of KM_SPARSE: adds rows to x, until it has max_rows or the file ends, or
 * values or more values in all; x has room for max_rows rows, and for x->d values on top of
 * `values`.
 */
int km_shard_read_sparse(struct km_shard *s, struct km_csr *x, size_t max_rows, size_t values,
                         size_t *rows, struct km_err *err);

/** Records decoded so far that were sparse tensors; counted where the format is KM_SPARSE. */
uint64_t km_shard_sparse_records(const struct km_shard *s);

/** Bytes of the range consumed so far, and rows gone by so far, also those of other turns. */
uint64_t km_shard_bytes(const struct km_shard *s);
uint64_t km_shard_records(const struct km_shard *s);

#endif
