/* SPDX-License-Identifier: Apache-2.0 */
#include "io/blocks.h"

#include "base/size.h"

static void close_file(struct km_blocks *b)
{
    km_reader_close(b->reader);
    b->reader = NULL;
}

/* Opens the current file, if anything of it is in the part: KM_MORE. */
static int open_file(struct km_blocks *b, struct km_err *err)
{
    struct km_stream *stream;
    struct km_range range;
    int rc;

    if (!km_part_of_file(&b->part, b->files, b->file, b->file_at, &range))
        return KM_OK;
    rc = km_files_take(b->files, b->file, b->stop_fd, &stream, err);
    if (rc == KM_OK)
        rc = km_reader_open(&b->reader, stream, b->format, &range, err);
    return rc ? rc : KM_MORE;
}

/* KM_MORE when the current reader (then there is one) has another row, opening the next files until
 * one has; KM_OK at the end of the pass. */
static int find_row(struct km_blocks *b, struct km_err *err)
{
    for (; b->file < b->files->n; b->file_at += b->files->bytes[b->file++]) {
        int rc = b->reader ? KM_MORE : open_file(b, err);

        if (rc == KM_MORE)
            rc = km_reader_more(b->reader, err);
        if (rc != KM_OK)
            return rc;
        if (b->reader)
            b->old_bytes += km_reader_bytes(b->reader);
        close_file(b);
    }
    return KM_OK;
}

/* Memory for a block, the first time. */
static int make_room(const struct km_blocks *b, struct km_rows *rows, struct km_err *err)
{
    size_t d = b->format->feature_dim;
    const struct km_shape shape = {.d = d, .sparse = b->shape.sparse};
    const struct km_room room = {b->room.rows, b->room.values + d};
    int rc;

    if (km_rows_d(rows) > 0)
        return KM_OK;
    rc = km_rows_init(rows, &shape, room, err);
    rows->dense.n = 0; /* none of them is there yet */
    return rc;
}

/* Begins a block. Rows that may be passed over are judged one after the other, by one thread. */
static int begin(struct km_blocks *b, struct km_rows *rows, struct km_err *err)
{
    int rc = KM_OK;

    rows->dense.n = 0;
    km_csr_clear(&rows->sparse);
    if (!b->decoder && !b->shape.sparse && km_pool_threads(b->pool) > 1 &&
        km_format_complete(b->format) && !km_skip_may(&b->format->skip))
        rc = km_decoder_open(&b->decoder, b->format, b->pool, err);
    if (b->decoder)
        km_decoder_begin(b->decoder, km_move_origin(&b->move), b->move.room);
    return rc;
}

static int read_rows(struct km_blocks *b, struct km_rows *x, struct km_room room,
                     struct km_err *err)
{
    size_t rows;

    return b->decoder ? km_reader_read_many(b->reader, b->decoder, x, room, &rows, err)
                      : km_reader_read(b->reader, x, room, &rows, err);
}

/* Fills the block up to its room. KM_MORE when it is full, KM_OK when the pass has ended. The rows
 * that came are good, also in case of failure. */
static int fill(struct km_blocks *b, struct km_batch *batch, struct km_room room,
                struct km_err *err)
{
    int rc = begin(b, &batch->rows, err), full = 0;

    if (rc)
        return rc;
    while (!full) {
        rc = find_row(b, err);
        if (rc == KM_MORE && make_room(b, &batch->rows, err))
            rc = err->code;
        if (rc != KM_MORE)
            return rc;
        if (km_rows_n(&batch->rows) == 0)
            batch->path = b->files->path[b->file];
        rc = read_rows(b, &batch->rows, room, err);
        if (rc)
            return rc;
        full = km_rows_n(&batch->rows) == room.rows ||
               (b->shape.sparse && batch->rows.sparse.nnz >= room.values);
    }
    return KM_MORE;
}

int km_blocks_next(struct km_blocks *b, struct km_batch *batch, struct km_err *err)
{
    struct km_room room = b->room;
    size_t left = b->mini_batch - b->in_mini, got;
    int rc;

    if (b->late_rc) {
        *err = b->late_err;
        return b->late_rc;
    }
    room.rows = km_min(left, room.rows);
    rc = fill(b, batch, room, err);
    got = km_rows_n(&batch->rows);
    if (got == 0)
        return rc;
    batch->first_row = b->rows;
    b->rows += got;
    b->in_mini += got;
    if (b->in_mini == b->mini_batch)
        b->in_mini = 0;
    else if (rc == KM_MORE)
        rc = find_row(b, err); /* is this the last block of the pass? */
    batch->ends_mini_batch = b->in_mini == 0 || rc == KM_OK;
    if (rc < 0) {
        b->late_rc = rc;
        b->late_err = *err;
    }
    km_move_rows(&b->move, &batch->rows, b->decoder ? km_decoder_moved(b->decoder) : 0);
    batch->exponent = b->move.exponent;
    return KM_MORE;
}

uint64_t km_blocks_bytes(const struct km_blocks *b)
{
    return b->old_bytes + (b->reader ? km_reader_bytes(b->reader) : 0);
}

void km_blocks_rewind(struct km_blocks *b)
{
    close_file(b);
    b->file = 0;
    b->file_at = 0;
    b->in_mini = 0;
    b->rows = 0;
    b->old_bytes = 0;
}

void km_blocks_done(struct km_blocks *b)
{
    close_file(b);
    km_move_done(&b->move);
    km_decoder_close(b->decoder);
}
