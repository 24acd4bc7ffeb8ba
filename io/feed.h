/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The feed: the rows of a channel as batches, decoded ahead by one reader thread while the caller
 * works on the batch before. Memory is three blocks of rows, whatever the size of the data.
 */
#ifndef KM_IO_FEED_H
#define KM_IO_FEED_H

#include "io/blocks.h"
#include "io/first_rows.h"

struct km_feed;

/**
 * Opens a feed: every file is opened and its first row decoded, so that a file of the wrong kind
 * fails in the first second (the first 1,000 files; the others when their turn comes). What is no
 * regular file (FIFO) cannot be opened twice and waits for its turn, too. The caller keeps
 * the files until the feed is closed. *feed is NULL on failure.
 */
int km_feed_open(struct km_feed **feed, const struct km_files *files,
                 const struct km_format *format, struct km_err *err);

/**
 * Where no regular file had a row that says how many features there are: waits for the first row of
 * the first FIFO (or what else can be read only once) that has one, which then decides. No byte is
 * lost: the pass, and km_feed_look, see it again. Before the first block; one feed at a time. Ends
 * with a failure when somebody asks to stop; feature_dim is still 0 when there is no row at all.
 */
int km_feed_wait_first(struct km_feed *feed, struct km_err *err);

/**
 * Leaves one part of the rows to this feed (io/part.h). Called once, before the first block is
 * asked for. Everything else (first rows looked at when opening, km_feed_look, format) is the same
 * in all parts.
 */
int km_feed_divide(struct km_feed *feed, size_t part, size_t parts, struct km_err *err);

/** From now on dense rows are decoded by the workers of the pool, too, while they have nothing else
 * to do (base/pool.h); the pool outlives the feed. Before the first block. */
void km_feed_share(struct km_feed *feed, struct km_pool *pool);

/** Bytes of the feed's part, what has no size not counted: where km_feed_stats ends in each pass.
 */
uint64_t km_feed_bytes(const struct km_feed *feed);

/** The features under names other than "values" that the rows read so far had, all passes together;
 * asked by the caller's thread at any time. */
struct km_record_extras km_feed_extras(struct km_feed *feed);

/** Rows of this pass that were passed over (format.skip), up to the last block that is ready;
 * asked by the caller's thread at any time. */
struct km_skipped km_feed_skipped(struct km_feed *feed);

/** Bytes of a row of the channel, about: of its first 16 or fewer. 0: there is none that can be
 * looked at. */
double km_feed_row_bytes(const struct km_feed *feed);

/** What the first rows are like, as far as there are some that can be looked at twice. */
struct km_feed_look km_feed_look(const struct km_feed *feed);

/** Whether the format of the channel has sparse rows, and whether there are files at all. */
int km_feed_may_be_sparse(const struct km_feed *feed);
int km_feed_has_files(const struct km_feed *feed);

/** The shape that rows of this feed can come in: `want`, or dense where the format has no sparse
 * rows. */
struct km_shape km_feed_shape_for(const struct km_feed *feed, const struct km_shape *want);

/**
 * Says what shape rows come in and how they are cut, before the first is asked for: rows of a
 * mini-batch, and room of one block; a mini-batch above that comes in several blocks. Sparse rows,
 * where the format has them, are the values that are not 0 of dense records as well as of sparse
 * ones; a block ends early when it has block.values of them. All at least 1. Before km_feed_move.
 */
void km_feed_cut(struct km_feed *feed, const struct km_shape *shape, size_t mini_batch,
                 struct km_room block);

/** The shape that rows come in. */
struct km_shape km_feed_shape(const struct km_feed *feed);

/**
 * Ends the reader thread, also one that waits for a FIFO's bytes, and frees all; NULL is fine. A
 * block being decoded or a read from a disk under way is finished first; if that takes longer than
 * a second, the thread and its memory are left behind (base/aside.h).
 */
void km_feed_close(struct km_feed *feed);

/** The format as completed from the data; feature_dim is 0 only if no row has been met: there is
 * none, or only FIFOs that have not had their turn. Its `header` is the feed's, and tells what CSV
 * files began with so far; the reader thread may learn more while a pass is under way. */
const struct km_format *km_feed_format(const struct km_feed *feed);

/**
 * The next block of the pass: KM_MORE with *batch, KM_OK at the end of the pass, else a failure.
 * Mini-batches run on across files; only the last one of a pass may be short. A failure comes after
 * all rows before the bad one, and again with each further call. The first block of the first pass
 * is decoded within the call, all others by the reader thread.
 *
 * When somebody asks to stop (base/stop.h) the call does not wait any longer for a block that is
 * not ready, and says KM_OK; no pass follows this one. (The first block of all is waited for one
 * second more; so are the first rows by km_feed_open and km_feed_look, which fail then.)
 */
int km_feed_next(struct km_feed *feed, struct km_batch **batch, struct km_err *err);

/** Whether the pass ended before its last row, as somebody asked to stop. */
int km_feed_stopped(const struct km_feed *feed);

/**
 * From now on rows come as (row - origin) * 2^exponent (base/scale.h), so that data far from zero
 * keeps its precision, and tiny and huge values their squares. Origin: d values, or NULL for sparse
 * rows, which have none. Where a row would not be within the limit, the exponent falls: for its
 * whole block, as the batch says, and for all that follow. Called before the first block, or after
 * the first (then the caller does the same to the block it holds) and before the second is asked
 * for; holds for all later passes.
 */
int km_feed_move(struct km_feed *feed, const float *origin, int exponent, struct km_err *err);

/** From now on rows come as they are again. Called before the first block of a pass. */
int km_feed_as_given(struct km_feed *feed, struct km_err *err);

/** Starts the next pass from the first file; after KM_OK from km_feed_next only. */
int km_feed_rewind(struct km_feed *feed, struct km_err *err);

/** What has been read in this pass, for progress lines; asked by the caller's thread at any time.
 */
struct km_feed_stats {
    uint64_t rows;
    uint64_t bytes;        /* of the files, or the feed's part of them */
    double decode_seconds; /* of the reader thread, over all passes */
};

/** See struct km_feed_stats. */
struct km_feed_stats km_feed_stats(const struct km_feed *feed);

#endif
