/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a channel's files, or of one part of them, cut into blocks, one after the other. */
#ifndef KM_IO_BLOCKS_H
#define KM_IO_BLOCKS_H

#include "io/move.h"
#include "io/part.h"

/** A block of rows. */
struct km_batch {
    struct km_rows rows; /* with its memory, which km_blocks_next makes */
    int exponent;        /* values are times 2^exponent, after km_feed_move */
    const char *path;    /* where its first row came from */
    uint64_t first_row;  /* number of its first row within this pass, from 0 */
    int ends_mini_batch; /* the mini-batch is complete with this block */
};

/** Where a pass stands. Zeroed but for the first members, which the caller sets. */
struct km_blocks {
    const struct km_files *files;
    struct km_format *format; /* completed by the first row */
    struct km_part part;
    struct km_shape shape; /* of the rows, of which only `sparse` is asked */
    size_t mini_batch;     /* rows */
    struct km_room room;   /* of a block; the values are of sparse rows */
    struct km_move move;
    int stop_fd;          /* as km_stream_until */
    struct km_pool *pool; /* decodes dense rows; NULL: the caller does */

    struct km_reader *reader;
    struct km_decoder *decoder;
    size_t file;        /* of files: the reader's, or the next one to open */
    uint64_t file_at;   /* bytes of the files before it */
    size_t in_mini;     /* rows of the current mini-batch so far */
    uint64_t rows;      /* of this pass */
    uint64_t old_bytes; /* of this pass, without the current reader */
    int late_rc; /* a failure met behind the rows of the last block, told with the next one */
    struct km_err late_err;
};

/**
 * Fills a block with the next rows: KM_MORE, KM_OK at the end of the pass, or a failure, which
 * comes behind all rows before the bad one. Mini-batches run on across files; only the last one of
 * a pass may be short.
 */
int km_blocks_next(struct km_blocks *b, struct km_batch *batch, struct km_err *err);

/** Bytes of the part that the pass has read. */
uint64_t km_blocks_bytes(const struct km_blocks *b);

/** Back to the first row, after the end of a pass. */
void km_blocks_rewind(struct km_blocks *b);

/** Closes the current file, and frees the move and the decoder; not the batches. */
void km_blocks_done(struct km_blocks *b);

#endif
