/* SPDX-License-Identifier: Apache-2.0 */
/*
 * add      a row joins the current piece, or begins the next one where that has PIECE_BYTES
 * run      a task for each piece; each has a scan of its own, so nothing is shared but the bytes
 * gather   what the pieces noted of the format, in their order
 */
#include "io/decoder.h"

#include "base/mem.h"
#include "base/scale.h"
#include "base/size.h"

/* Bytes of a piece: long beside the start of a task (microseconds), short beside a second-level
 * cache. */
#define PIECE_BYTES ((size_t)1 << 17)
#define PIECE_ROWS  2048
/* Pieces for each thread, so that one that was late does not hold up the others for long. */
#define PIECES_EACH 4
#define PIECES_MAX  128

struct piece {
    struct km_scan scan;
    struct km_format format; /* the scan's */
    size_t first, n;         /* rows */
    size_t bytes;
    size_t good; /* decoded, from the first on */
    int fits;
};

struct km_decoder {
    struct km_pool *pool;
    struct km_format *format; /* of the whole */
    struct piece *piece;      /* (pieces) */
    size_t pieces, open;      /* the last one in use is open - 1 */
    struct km_taken *row;     /* (pieces * PIECE_ROWS) */
    size_t rows;

    struct km_stream *stream;
    const struct km_mat *x;
    const float *origin; /* of this block, NULL: none */
    float room;
    size_t moved; /* of this block */
};

static int open_piece(struct piece *p, const struct km_format *f, struct km_err *err)
{
    p->format = *f;
    p->scan = (struct km_scan){.format = &p->format};
    return f->kind->fork ? f->kind->fork(&p->scan, err) : KM_OK;
}

int km_decoder_open(struct km_decoder **decoder, struct km_format *format, struct km_pool *pool,
                    struct km_err *err)
{
    size_t pieces = km_min(PIECES_EACH * (size_t)km_pool_threads(pool), PIECES_MAX);
    struct km_decoder *d = km_alloc(1, sizeof(*d));
    int rc = KM_OK;

    *decoder = NULL;
    if (d) {
        *d = (struct km_decoder){.pool = pool, .format = format};
        d->piece = km_alloc(pieces, sizeof(*d->piece));
        d->row = km_alloc(pieces * PIECE_ROWS, sizeof(*d->row));
    }
    if (!d || !d->piece || !d->row)
        rc = km_fail(err, KM_E_MEM, "no memory to decode rows on several threads");
    for (size_t i = 0; rc == KM_OK && i < pieces; i++) {
        rc = open_piece(&d->piece[i], format, err);
        d->pieces += rc == KM_OK;
    }
    if (rc)
        km_decoder_close(d);
    else
        *decoder = d;
    return rc;
}

void km_decoder_close(struct km_decoder *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->pieces; i++)
        if (d->format->kind->fork)
            d->format->kind->close(&d->piece[i].scan);
    km_free(d->piece);
    km_free(d->row);
    km_free(d);
}

void km_decoder_begin(struct km_decoder *d, const float *origin, float room)
{
    d->origin = origin;
    d->room = room;
    d->moved = 0;
}

size_t km_decoder_moved(const struct km_decoder *d)
{
    return d->moved;
}

void km_decoder_clear(struct km_decoder *d)
{
    d->rows = 0;
    d->open = 0;
}

static int piece_is_full(const struct piece *p)
{
    return p->n == PIECE_ROWS || p->bytes >= PIECE_BYTES;
}

int km_decoder_is_full(const struct km_decoder *d)
{
    return d->open == d->pieces && piece_is_full(&d->piece[d->open - 1]);
}

void km_decoder_add(struct km_decoder *d, const struct km_taken *row)
{
    struct piece *p;

    if (d->open == 0 || piece_is_full(&d->piece[d->open - 1])) {
        p = &d->piece[d->open++];
        p->first = d->rows;
        p->n = p->bytes = 0;
    }
    p = &d->piece[d->open - 1];
    d->row[d->rows++] = *row;
    p->n++;
    p->bytes += row->raw.len;
}

size_t km_decoder_rows(const struct km_decoder *d)
{
    return d->rows;
}

const struct km_taken *km_decoder_row(const struct km_decoder *d, size_t i)
{
    return &d->row[i];
}

static void decode_piece(void *arg, size_t task, int worker)
{
    struct km_decoder *d = arg;
    struct piece *p = &d->piece[task];
    struct km_err ignored;

    (void)worker;
    p->format.extras = (struct km_record_extras){0};
    p->fits = 1;
    for (p->good = 0; p->good < p->n; p->good++) {
        size_t i = p->first + p->good;
        float *row = km_mat_row(d->x, d->x->n + i);

        p->scan.number = d->row[i].number;
        if (p->format.kind->decode(&p->scan, &d->row[i].raw, row, &ignored))
            return;
        if (d->origin && !km_scale_subtract(row, d->origin, d->x->d, d->room))
            p->fits = 0;
    }
}

/* What a piece noted becomes the format's; pieces in their order, as if one thread had read on. */
static void gather(struct km_decoder *d, const struct km_record_extras *extras)
{
    for (size_t i = 0; i < extras->n; i++)
        km_record_extras_add(&d->format->extras, &extras->of[i]);
    d->format->extras.more |= extras->more;
}

/* The caller's part while the workers begin: the file's next bytes. */
static void read_ahead(void *arg)
{
    struct km_decoder *d = arg;

    km_stream_ahead(d->stream);
}

/* Runs the tasks: the rows that are there, and whether they fit. */
static size_t run_pieces(struct km_decoder *d, int *fits)
{
    size_t good = 0;

    *fits = 1;
    km_pool_run_beside(d->pool, decode_piece, d, d->open, read_ahead);
    for (size_t i = 0; i < d->open; i++) {
        const struct piece *p = &d->piece[i];

        good += p->good;
        *fits &= p->fits;
        gather(d, &p->format.extras);
        if (p->good < p->n)
            break;
    }
    return good;
}

size_t km_decoder_run(struct km_decoder *d, const struct km_scan *s, struct km_mat *x)
{
    size_t good;
    int fits;

    for (size_t i = 0; !d->format->kind->fork && i < d->open; i++)
        d->piece[i].scan.state = s->state;
    d->stream = s->stream;
    d->x = x;
    if (x->n != d->moved)
        d->origin = NULL;
    good = run_pieces(d, &fits);
    if (!fits) {
        d->origin = NULL;
        good = run_pieces(d, &fits);
    }
    if (d->origin)
        d->moved += good;
    return good;
}
