/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes rows one after the other, as bytes, and decodes them where they are wanted. A row that has
 * been looked at (the first of all, or by km_reader_more) stays taken until it is read. Whether a
 * row may be passed over is asked where it fails (refuse), in the order of the file.
 */
#include "io/reader.h"

#include "base/mem.h"
#include "io/gunzip.h"
#include "io/probe.h"

#include <assert.h>
#include <inttypes.h>

#define FIRST_BYTES 8 /* and what comes with them tell what a file is */

struct km_reader {
    struct km_scan scan;
    const struct km_format_kind *kind;
    struct km_range range;
    uint64_t start;  /* byte of the first row of the range */
    int counted;     /* scan.number is that of the file, not of the range */
    uint64_t rows;   /* taken of the range */
    uint64_t sparse; /* of them */
    float *row;      /* (feature_dim) scratch, once that is known */
    struct km_raw raw;
    int have_raw; /* raw is the next row */
};

/* ---- taking ---- */

static int scan_open(struct km_scan *s, struct km_format *f, struct km_stream *stream,
                     struct km_err *err)
{
    *s = (struct km_scan){.format = f, .stream = stream, .longest = f->kind->longest(f)};
    return f->kind->open ? f->kind->open(s, err) : KM_OK;
}

static void scan_done(struct km_scan *s)
{
    if (s->format->kind->close)
        s->format->kind->close(s);
    km_stream_close(s->stream);
}

/* Rows of the file before the range, for messages: counted only when something is wrong, by reading
 * the file up to there. Fails where something is wrong before the range, too. */
static int count_before(struct km_reader *r, struct km_err *err)
{
    struct km_scan before;
    struct km_stream *stream;
    struct km_raw raw;
    int rc;

    if (r->counted)
        return KM_OK;
    rc = km_stream_open(&stream, km_stream_path(r->scan.stream), err);
    if (rc)
        return rc;
    rc = scan_open(&before, r->scan.format, stream, err);
    before.longest = r->scan.longest;
    before.end = r->start;
    while (rc == KM_OK && (rc = r->kind->next(&before, &raw, err)) == KM_MORE)
        rc = KM_OK;
    r->scan.number += before.number;
    r->counted = 1;
    scan_done(&before);
    return rc;
}

/* The next row of the range; what is wrong with it is told with its number in the file. */
static inline int take(struct km_reader *r, struct km_err *err)
{
    int rc = r->kind->next(&r->scan, &r->raw, err);

    if (rc == KM_E_INPUT && !r->counted) {
        rc = count_before(r, err);
        if (rc == KM_OK)
            rc = r->kind->next(&r->scan, &r->raw, err);
    }
    r->rows += rc == KM_MORE;
    return rc;
}

/* Steps over the rows of other turns; the first row of a file is never stepped over. */
static int pass_others(struct km_reader *r, struct km_err *err)
{
    int rc = KM_MORE;

    while (rc == KM_MORE && r->rows > 0 && r->rows % r->range.turns != r->range.turn)
        rc = take(r, err);
    return rc;
}

/* The next row of the reader's turn. */
static inline int next(struct km_reader *r, struct km_err *err)
{
    int rc = r->range.turns > 0 ? pass_others(r, err) : KM_MORE;

    return rc == KM_MORE ? take(r, err) : rc;
}

/* ---- decoding ---- */

/* Puts the place in front of a message about the row that was taken last. */
static int fail_row(struct km_reader *r, struct km_err *err)
{
    struct km_err early;

    if (count_before(r, &early)) {
        *err = early;
        return early.code;
    }
    r->rows--; /* it does not count */
    r->scan.is_first = r->start == 0 && r->rows == 0;
    return r->kind->fail(&r->scan, &r->raw, err);
}

/* Whether the row that was taken last is of the reader's turn; the first of a file may not be. */
static int is_own(const struct km_reader *r)
{
    return r->range.turns == 0 || (r->rows - 1) % r->range.turns == r->range.turn;
}

/* The row that was taken last is not good, as err says: KM_MORE if it is passed over. */
static int refuse(struct km_reader *r, struct km_err *err)
{
    struct km_skip *skip = &r->scan.format->skip;
    int lacks = err->lacks_value, allowed = km_skip_allows(skip, lacks);
    struct km_err early;

    if (err->code != KM_E_INPUT || !allowed) {
        fail_row(r, err);
        if (err->code == KM_E_INPUT && skip->n.bad > 0) {
            early = *err;
            km_fail(err, early.code,
                    "%.900s; it comes behind %" PRIu64 " bad records, all that bad_records allows",
                    early.msg, skip->n.bad);
        }
        return err->code;
    }
    lacks = lacks && skip->lacking;
    if (!is_own(r))
        return KM_MORE;
    if (!lacks && km_skip_tells(skip)) {
        if (count_before(r, &early)) {
            *err = early;
            return early.code;
        }
        fail_row(r, err);
        r->rows++;
        km_skip_tell(skip, err->msg);
    }
    *(lacks ? &skip->n.lacking : &skip->n.bad) += 1;
    return KM_MORE;
}

/* Takes the last row of x off again, if a value of it stands for a missing one: KM_MORE then. The
 * row is in r->row where x is NULL. */
static int drop_stand_in(struct km_reader *r, struct km_rows *x)
{
    struct km_skip *skip = &r->scan.format->skip;
    size_t d = r->scan.format->feature_dim;
    int found;

    if (!skip->has_stand_in)
        return KM_OK;
    if (x && km_rows_are_sparse(x)) {
        struct km_csr *s = &x->sparse;
        size_t from = s->at[s->n - 1], n = s->nnz - from;

        found = skip->stand_in == 0 ? n < d : km_skip_stands_in(skip, s->val + from, n);
        s->nnz -= found ? n : 0;
        s->n -= (size_t)found;
    } else {
        found = km_skip_stands_in(skip, x ? km_mat_row(&x->dense, x->dense.n - 1) : r->row, d);
        if (x)
            x->dense.n -= (size_t)found;
    }
    skip->n.lacking += (uint64_t)(found && is_own(r));
    return found ? KM_MORE : KM_OK;
}

static int take_dim(struct km_reader *r, size_t dim, struct km_err *err)
{
    struct km_format *f = r->scan.format;

    if (dim > KM_RECORD_DIM_MAX)
        return km_fail(err, KM_E_INPUT, "%zu features, expected at most %u", dim,
                       KM_RECORD_DIM_MAX);
    if (f->feature_dim != dim || !r->row) {
        km_free(r->row); /* of a first row that was bad */
        r->row = km_alloc(dim, sizeof(*r->row));
    }
    if (!r->row)
        return km_fail(err, KM_E_MEM, "no memory for a row of %zu features", dim);
    f->feature_dim = dim;
    r->scan.longest = f->kind->longest(f);
    return KM_OK;
}

/* Completes the format from the row that was taken. */
static int settle(struct km_reader *r, struct km_err *err)
{
    struct km_format *f = r->scan.format;
    size_t before = f->feature_dim, dim;
    int rc = r->kind->width(&r->scan, &r->raw, &dim, err);

    if (rc == KM_OK)
        rc = take_dim(r, dim, err);
    if (rc == KM_OK && before == 0) {
        f->dim_path = km_stream_path(r->scan.stream);
        f->dim_row = r->scan.number;
    }
    return rc;
}

/* Decodes the row that was taken behind those of x, or, x NULL, only to see whether it can be.
 * KM_MORE: it is passed over. */
static int decode(struct km_reader *r, struct km_rows *x, struct km_err *err)
{
    struct km_format *f = r->scan.format;
    const int label_size = f->label_size, complete = km_format_complete(f);
    const size_t dim = f->feature_dim;
    int sparse = x && km_rows_are_sparse(x), was_sparse = 0;
    int rc = complete ? KM_OK : settle(r, err);

    if (rc == KM_OK && sparse)
        rc = r->kind->decode_sparse(&r->scan, &r->raw, &x->sparse, r->row, &was_sparse, err);
    else if (rc == KM_OK)
        rc =
            r->kind->decode(&r->scan, &r->raw, x ? km_mat_row(&x->dense, x->dense.n) : r->row, err);
    if (rc == KM_OK && x && !sparse)
        x->dense.n++;
    rc = rc ? refuse(r, err) : drop_stand_in(r, x);
    if (rc == KM_MORE && !complete) { /* then another row decides on the format */
        f->label_size = label_size;
        f->feature_dim = dim;
        f->dim_path = dim ? f->dim_path : NULL;
    }
    if (rc != KM_OK)
        return rc;
    r->sparse += (uint64_t)was_sparse;
    if (!f->good_path)
        f->good_path = km_stream_path(r->scan.stream);
    return KM_OK;
}

/* Where rows may be passed over, the next one is there only if it is good. */
int km_reader_more(struct km_reader *r, struct km_err *err)
{
    const struct km_skip *skip = &r->scan.format->skip;
    int rc = KM_MORE;

    while (!r->have_raw && rc == KM_MORE) {
        int good = KM_OK;

        rc = next(r, err);
        if (rc == KM_MORE && km_skip_may(skip))
            good = decode(r, NULL, err);
        if (good < 0)
            return good;
        r->have_raw = rc == KM_MORE && good == KM_OK;
    }
    return rc;
}

/* Whether x has all that it may have. */
static int is_full(const struct km_rows *x, struct km_room room)
{
    return km_rows_n(x) >= room.rows || (km_rows_are_sparse(x) && x->sparse.nnz >= room.values);
}

int km_reader_read(struct km_reader *r, struct km_rows *x, struct km_room room, size_t *rows,
                   struct km_err *err)
{
    size_t d = r->scan.format->feature_dim;

    *rows = 0;
    assert(d == 0 || km_rows_d(x) == d);
    assert(!km_rows_are_sparse(x) || r->kind->may_be_sparse);
    while (!is_full(x, room)) {
        int rc = r->have_raw ? KM_MORE : next(r, err);

        if (rc != KM_MORE)
            return rc;
        r->have_raw = 0;
        rc = decode(r, x, err);
        if (rc < 0)
            return rc;
        *rows += rc == KM_OK;
    }
    return KM_OK;
}

/* ---- the same on several threads ---- */

/* Takes rows for d, until it is full or has `most` of them, or the file ends. */
static int take_many(struct km_reader *r, struct km_decoder *d, size_t most, struct km_err *err)
{
    int rc = KM_MORE;

    km_decoder_clear(d);
    while (rc == KM_MORE && km_decoder_rows(d) < most && !km_decoder_is_full(d)) {
        rc = km_reader_more(r, err);
        if (rc == KM_MORE)
            km_decoder_add(d, &(struct km_taken){r->raw, r->scan.number, r->rows});
        r->have_raw = 0;
    }
    return rc;
}

/* Decodes row i of d by itself, as if it had just been taken. */
static int decode_one(struct km_reader *r, const struct km_decoder *d, size_t i, struct km_rows *x,
                      struct km_err *err)
{
    const struct km_taken *t = km_decoder_row(d, i);

    r->raw = t->raw;
    r->scan.number = t->number;
    r->rows = t->rows;
    return decode(r, x, err);
}

/* Decodes the rows of d behind those of x. */
static int decode_many(struct km_reader *r, struct km_decoder *d, struct km_rows *x,
                       struct km_err *err)
{
    size_t good = km_decoder_run(d, &r->scan, &x->dense);
    int rc = KM_OK;

    x->dense.n += good;
    if (good > 0 && !r->scan.format->good_path)
        r->scan.format->good_path = km_stream_path(r->scan.stream);
    for (; rc == KM_OK && good < km_decoder_rows(d); good++)
        rc = decode_one(r, d, good, x, err);
    return rc;
}

int km_reader_read_many(struct km_reader *r, struct km_decoder *d, struct km_rows *x,
                        struct km_room room, size_t *rows, struct km_err *err)
{
    size_t before = x->dense.n;
    struct km_err late;
    int rc = KM_MORE, taken = KM_MORE;

    while (taken == KM_MORE && rc >= KM_OK && x->dense.n < room.rows) {
        km_stream_hold(r->scan.stream);
        taken = take_many(r, d, room.rows - x->dense.n, &late);
        rc = decode_many(r, d, x, err);
        km_stream_release(r->scan.stream);
    }
    *rows = x->dense.n - before;
    if (rc < KM_OK || taken >= KM_OK)
        return rc < KM_OK ? rc : KM_OK;
    *err = late;
    return taken;
}

/* ---- opening ---- */

/* What the first bytes are; of a format that may be, they are decompressed first. */
static int look(struct km_reader *r, struct km_stream **stream, struct km_probe *probe,
                struct km_err *err)
{
    const unsigned char *p;
    int zipped, rc = KM_OK;
    size_t got;

    if (r->kind->may_be_zipped)
        rc = km_gunzip(stream, &zipped, err);
    if (rc == KM_OK)
        rc = km_stream_peek(*stream, FIRST_BYTES, &p, &got, err);
    if (rc == KM_OK)
        km_probe(probe, p, got, km_stream_path(*stream));
    return rc;
}

/* Its files may begin with any bytes, and so with those of another format. */
static int has_no_mark(const struct km_format_kind *kind)
{
    return !kind->is && !kind->is_text;
}

static int judge(const struct km_reader *r, const struct km_probe *probe, struct km_err *err)
{
    if (!probe->what[0] || probe->kind == r->kind || has_no_mark(r->kind))
        return KM_OK;
    return km_fail(err, KM_E_INPUT, "%s: the file %s, expected %s; %s",
                   km_stream_path(r->scan.stream), probe->what, r->kind->name, probe->todo);
}

/* Goes to the first row of the range. */
static int find_start(struct km_reader *r, struct km_err *err)
{
    int rc = KM_OK;

    r->scan.end = r->range.to;
    if (r->range.from > 0)
        rc = r->kind->find(&r->scan, r->range.from, err);
    else if (r->kind->begin)
        rc = r->kind->begin(&r->scan, err);
    r->start = r->range.from > 0 ? km_stream_at(r->scan.stream) : 0;
    r->counted = r->start == 0;
    return rc;
}

/* Decodes the first row, which completes the format, and keeps it if it is the reader's. */
static int look_at_first(struct km_reader *r, struct km_err *err)
{
    int rc = km_reader_more(r, err);

    if (rc == KM_MORE)
        rc = decode(r, NULL, err);
    if (r->have_raw && !is_own(r))
        r->have_raw = 0;
    return rc;
}

int km_reader_open(struct km_reader **reader, struct km_stream *stream, struct km_format *format,
                   const struct km_range *range, struct km_err *err)
{
    struct km_reader *r = km_alloc(1, sizeof(*r));
    struct km_probe probe;
    int rc;

    *reader = NULL;
    if (!r) {
        rc = km_fail(err, KM_E_MEM, "%s: no memory to read it", km_stream_path(stream));
        km_stream_close(stream);
        return rc;
    }
    r->kind = format->kind;
    r->range = range ? *range : (struct km_range){0};
    r->scan = (struct km_scan){.format = format, .stream = stream};
    rc = look(r, &r->scan.stream, &probe, err);
    if (rc == KM_OK)
        rc = scan_open(&r->scan, format, r->scan.stream, err);
    if (rc == KM_OK)
        rc = judge(r, &probe, err);
    if (rc == KM_OK && format->feature_dim > 0)
        rc = take_dim(r, format->feature_dim, err);
    if (rc == KM_OK)
        rc = find_start(r, err);
    if (rc == KM_OK)
        rc = look_at_first(r, err);
    if (rc)
        km_reader_close(r);
    else
        *reader = r;
    return rc;
}

struct km_stream *km_reader_leave(struct km_reader *r)
{
    struct km_stream *s = r->scan.stream;

    r->scan.stream = NULL;
    km_reader_close(r);
    return s;
}

void km_reader_close(struct km_reader *r)
{
    if (!r)
        return;
    scan_done(&r->scan);
    km_free(r->row);
    km_free(r);
}

uint64_t km_reader_sparse(const struct km_reader *r)
{
    return r->sparse;
}

uint64_t km_reader_bytes(const struct km_reader *r)
{
    uint64_t from = r->range.from, to = r->range.to;
    uint64_t at = km_stream_at(r->scan.stream);

    if (to > 0 && at > to)
        at = to;
    return at > from ? at - from : 0;
}

uint64_t km_reader_rows(const struct km_reader *r)
{
    return r->rows;
}
