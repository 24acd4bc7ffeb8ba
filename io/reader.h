/* SPDX-License-Identifier: Apache-2.0 */
/* One input object as rows, whatever its format. */
#ifndef KM_IO_READER_H
#define KM_IO_READER_H

#include "base/rows.h"
#include "io/decoder.h"
#include "io/format.h"

struct km_reader;

/** Which rows of its file a reader gives; all zero: all. */
struct km_range {
    /** Those whose record or line begins at byte `from` or later, and before byte `to` (0: up to
     * the end). Where the stream can be read again only, and feature_dim must be known. Numbers in
     * messages are those in the file. */
    uint64_t from, to;
    /** Of these, counted from 0, those whose number modulo `turns` is `turn` (turns 0: all). The
     * others are not decoded, except that the first decides on the format for all. */
    size_t turn, turns;
};

/**
 * Reads a stream from where it is, its first byte; range NULL: all. *format is completed from the
 * first row where it says "not said", so that later readers must agree with it; it must stay valid
 * until km_reader_close, and the stream's path as long as *format is used. The first row is decoded
 * here, so that a wrong file fails at once. A file without rows is fine. The stream is the reader's
 * from now on, also after a failure; then *r is NULL.
 */
int km_reader_open(struct km_reader **r, struct km_stream *stream, struct km_format *format,
                   const struct km_range *range, struct km_err *err);

/** Closes the stream, too; NULL is fine. */
void km_reader_close(struct km_reader *r);

/** The same, but the stream stays open, and is the caller's again. */
struct km_stream *km_reader_leave(struct km_reader *r);

/** KM_MORE if there is another row, KM_OK at the end of the file, else a failure. */
int km_reader_more(struct km_reader *r, struct km_err *err);

/**
 * Decodes the next rows behind those that x has, into the same kind of rows: until x has room.rows
 * rows, or, if they are sparse, room.values values or more, or the file ends. There is memory for
 * room.rows rows, and for room.values + d values of sparse ones. *rows says how many came; 0 and
 * KM_OK: the file has ended, if there was room. Values are finite.
 *
 * Bad data is KM_E_INPUT, naming file, record (counted from 1) or line, byte offset, what was
 * found, what was expected and what to do. The rows before the bad one are in x. After a failure
 * the reader can only be closed. Bad rows that format.skip allows are passed over, and counted
 * there.
 */
int km_reader_read(struct km_reader *r, struct km_rows *x, struct km_room room, size_t *rows,
                   struct km_err *err);

/** The same for dense rows, which d, of the reader's format, decodes on several threads; the
 * same rows and the same failures. */
int km_reader_read_many(struct km_reader *r, struct km_decoder *d, struct km_rows *x,
                        struct km_room room, size_t *rows, struct km_err *err);

/** Rows that came as sparse ones and were sparse in the file, too. */
uint64_t km_reader_sparse(const struct km_reader *r);

/** Bytes of the range consumed so far, and rows gone by so far, also those of other turns. */
uint64_t km_reader_bytes(const struct km_reader *r);
uint64_t km_reader_rows(const struct km_reader *r);

#endif
