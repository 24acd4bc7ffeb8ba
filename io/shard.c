/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file as rows, whatever its format. The first row completes the format and stays in `row`
 * until it is read; the same place holds the row that km_shard_more looked ahead at.
 */
#include "io/shard.h"

#include "base/mem.h"
#include "io/csv.h"
#include "io/csv_fail.h"
#include "io/fields.h"
#include "io/file.h"
#include "io/probe.h"
#include "io/record.h"
#include "io/recordio.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

struct km_shard {
    struct km_format *format;
    const char *path; /* the caller's */
    struct km_stream *stream;
    struct km_record_reader *reader; /* RecordIO only */
    struct km_csv csv;               /* CSV only */
    struct km_header own_header;     /* where the format has none */
    int header_done; /* the first line has been judged, and stepped over if it is none */
    size_t max_payload;
    struct km_range range;
    uint64_t start;   /* byte of the first row of the range */
    uint64_t before;  /* RecordIO: records of the file before it, once they have been counted */
    int counted;      /* `before`, or csv.line, is right: the shard's numbers are the file's */
    uint64_t records; /* of the range so far */
    uint64_t sparse_records;
    float *row;        /* (feature_dim), once that is known */
    struct km_csr one; /* the same where the format is KM_SPARSE; then row is scratch */
    int have_row;      /* row, or one, holds the next row */
};

static const char *format_name(const struct km_format *f)
{
    return f->kind == KM_CSV ? "CSV" : "RecordIO-protobuf";
}

static int check_kind(struct km_shard *s, struct km_err *err)
{
    const char *path = km_stream_path(s->stream);
    const unsigned char *p;
    struct km_probe probe;
    size_t got;
    int rc =
        km_stream_peek(s->stream, KM_RECORDIO_HEADER, &p, &got, err); /* and what came with it */

    if (rc)
        return rc;
    km_probe(&probe, p, got, path);
    if (probe.kind == KM_PROBE_FOREIGN || probe.kind == KM_PROBE_IDX)
        return km_fail(err, KM_E_INPUT, "%s: the file %s, expected %s; %s", path, probe.what,
                       format_name(s->format), probe.todo);
    if (s->format->kind == KM_CSV && probe.kind == KM_PROBE_RECORDIO)
        return km_fail(err, KM_E_INPUT,
                       "%s: the file is RecordIO, expected CSV; set the channel's content type to "
                       "application/x-recordio-protobuf",
                       path);
    return KM_OK;
}

/* Puts the place in front of a message. */
static int add_place(struct km_err *err, const char *path, const char *unit, uint64_t number,
                     uint64_t at)
{
    struct km_err inner = *err;

    return km_fail(err, inner.code, "%s: %s %" PRIu64 " at byte %" PRIu64 ": %s", path, unit,
                   number, at, inner.msg);
}

static int take_dim(struct km_shard *s, size_t dim, struct km_err *err)
{
    struct km_format *f = s->format;

    if (dim > KM_RECORD_DIM_MAX)
        return km_fail(err, KM_E_INPUT, "%zu features, expected at most %u", dim,
                       KM_RECORD_DIM_MAX);
    if (!s->row) {
        s->row = km_alloc(dim, sizeof(*s->row));
        if (!s->row)
            return km_fail(err, KM_E_MEM, "no memory for a row of %zu features", dim);
    }
    if (f->kind == KM_SPARSE && !s->one.d && km_csr_init(&s->one, 1, dim, dim, err))
        return err->code;
    f->feature_dim = dim;
    /* Room for float64 values with keys, and for labels and other fields; more is no such row. */
    s->max_payload = 16 * dim + ((size_t)1 << 16) + ((size_t)1 << 20);
    if (s->max_payload > KM_RECORDIO_MAX)
        s->max_payload = KM_RECORDIO_MAX;
    if (f->label_size >= 0)
        s->csv.max_line = 64 * (dim + (size_t)f->label_size) + ((size_t)1 << 20);
    return KM_OK;
}

/* The same where the shard's next row decides. */
static int decide_dim(struct km_shard *s, size_t dim, uint64_t row, struct km_err *err)
{
    int rc = take_dim(s, dim, err);

    if (rc == KM_OK) {
        s->format->dim_path = s->path;
        s->format->dim_row = row;
    }
    return rc;
}

/* Decodes a record into row (NULL: s->row); of a sparse format into x (NULL: s->one). */
static int decode(struct km_shard *s, const unsigned char *payload, size_t len, float *row,
                  struct km_csr *x, struct km_err *err)
{
    int was_sparse = 0, rc;

    if (s->format->kind != KM_SPARSE)
        return km_record_decode(s->reader, payload, len, row ? row : s->row, s->format->feature_dim,
                                err);
    if (!x) {
        x = &s->one;
        km_csr_clear(x);
    }
    rc = km_record_decode_sparse(s->reader, payload, len, x, s->row, &was_sparse, err);
    s->sparse_records += rc == KM_OK && was_sparse;
    return rc;
}

/* Rows of the file before the shard's start, for messages: counted only when something is wrong, by
 * reading the file up to there. Fails where something is wrong before the start, too. */
static int count_before(struct km_shard *s, struct km_err *err)
{
    struct km_csv csv = {.max_line = s->csv.max_line, .end = s->start};
    struct km_stream *stream;
    const unsigned char *payload;
    const char *text;
    uint64_t at;
    size_t len;
    int rc;

    if (s->counted)
        return KM_OK;
    rc = km_stream_open(&stream, km_stream_path(s->stream), err);
    if (rc)
        return rc;
    do {
        if (s->format->kind == KM_CSV)
            rc = km_csv_line(&csv, stream, &text, &len, &at, err);
        else if (km_stream_at(stream) < s->start)
            rc = km_recordio_next(stream, s->before + 1, s->max_payload, &payload, &len, err);
        else
            rc = KM_OK;
        s->before += rc == KM_MORE;
    } while (rc == KM_MORE);
    s->csv.line += csv.line;
    s->counted = 1;
    km_stream_close(stream);
    return rc;
}

/* The next frame of the range; what is wrong with it is told with its number in the file. */
static int next_frame(struct km_shard *s, const unsigned char **payload, size_t *len,
                      struct km_err *err)
{
    int again, rc;

    if (s->range.to > 0 && km_stream_at(s->stream) >= s->range.to)
        return KM_OK;
    do {
        rc = km_recordio_next(s->stream, s->before + s->records + 1, s->max_payload, payload, len,
                              err);
        again = rc == KM_E_INPUT && !s->counted;
        if (again && count_before(s, err))
            return err->code;
    } while (again);
    return rc;
}

/* Says of a record that did not decode that it is not as wide as the first one, if that is why. */
static void say_width(struct km_shard *s, const unsigned char *payload, size_t len,
                      struct km_err *err)
{
    const struct km_format *f = s->format;
    struct km_err other;
    size_t dim;

    if (err->code != KM_E_INPUT || (!f->dim_path && !f->dim_of && !f->good_path) ||
        km_record_dim(s->reader, payload, len, &dim, &other) || dim == f->feature_dim)
        return;
    if (f->good_path || !f->dim_of)
        km_fail(err, KM_E_INPUT,
                "%zu features, but the first row of %s has %zu; give every row the same features",
                dim, f->dim_path ? f->dim_path : f->good_path, f->feature_dim);
    else
        km_fail(err, KM_E_INPUT,
                "%zu features, but %s has %zu; give both channels the same features", dim,
                f->dim_of, f->feature_dim);
}

/* Puts the place in front of a message about the record at byte `at`. */
static int fail_record(struct km_shard *s, uint64_t at, const unsigned char *payload, size_t len,
                       struct km_err *err)
{
    struct km_err early;

    say_width(s, payload, len, err);
    if (count_before(s, &early)) {
        *err = early;
        return early.code;
    }
    return add_place(err, km_stream_path(s->stream), "record", s->before + s->records + 1, at);
}

static int next_record(struct km_shard *s, float *row, struct km_csr *x, struct km_err *err)
{
    uint64_t at = km_stream_at(s->stream);
    size_t dim = s->format->feature_dim;
    const unsigned char *payload;
    size_t len;
    int rc;

    rc = next_frame(s, &payload, &len, err);
    if (rc != KM_MORE)
        return rc;
    rc = KM_OK;
    if (dim == 0) {
        rc = km_record_dim(s->reader, payload, len, &dim, err);
        if (rc == KM_OK)
            rc = decide_dim(s, dim, s->records + 1, err);
    }
    if (rc == KM_OK)
        rc = decode(s, payload, len, row, x, err);
    if (rc)
        return fail_record(s, at, payload, len, err);
    s->records++;
    if (!s->format->good_path)
        s->format->good_path = s->path;
    return KM_MORE;
}

/* Label columns of a line of so many columns, as far as the format leaves that open. */
static size_t labels_of(const struct km_format *f, size_t columns)
{
    if (f->label_size >= 0)
        return (size_t)f->label_size;
    return f->feature_dim == 0 || columns == f->feature_dim ? 0 : 1;
}

/* Completes the format from the first row. */
static int settle_columns(struct km_shard *s, const char *text, size_t len, struct km_err *err)
{
    struct km_format *f = s->format;
    size_t columns = km_csv_columns(text, len, &f->dialect);

    f->label_size = (int)labels_of(f, columns);
    if (f->feature_dim > 0)
        return take_dim(s, f->feature_dim, err);
    if (columns <= (size_t)f->label_size)
        return km_fail(
            err, KM_E_INPUT,
            "%zu columns, expected more than label_size=%d; set label_size in the content "
            "type to the number of columns in front of the features",
            columns, f->label_size);
    return decide_dim(s, columns - (size_t)f->label_size, s->csv.line, err);
}

static struct km_header *header_of(struct km_shard *s)
{
    return s->format->header ? s->format->header : &s->own_header;
}

/* Puts the place in front of what is wrong with the first line, which has not been taken yet. */
static int fail_header(struct km_shard *s, const struct km_csv_lines *lines, struct km_err *err)
{
    struct km_err ignored;
    const char *text;
    uint64_t at;
    size_t len;

    km_csv_fail_dialect(s->format, lines, err);
    if (err->code != KM_E_INPUT ||
        km_csv_line(&s->csv, s->stream, &text, &len, &at, &ignored) != KM_MORE)
        return err->code;
    return add_place(err, km_stream_path(s->stream), "line", s->csv.line, at);
}

/* Judges the first line of the file, and steps over it if it is a header. */
static int take_header(struct km_shard *s, struct km_err *err)
{
    struct km_format *f = s->format;
    struct km_csv_lines lines;
    struct km_header_look look = {&lines,         s->path, f->dialect,
                                  f->header_rule, 0,       f->label_size < 0};
    size_t row, len;
    const char *text;
    uint64_t at;
    int is_header, rc;

    s->header_done = 1;
    rc = km_csv_ahead(&s->csv, s->stream, header_of(s)->looked ? 2 : KM_CSV_AHEAD, &lines, err);
    if (rc || lines.n == 0)
        return rc;
    row = lines.n > 1;
    look.skip = labels_of(f, km_csv_columns(lines.text[row], lines.len[row], &f->dialect));
    if (km_header_judge(header_of(s), &look, &is_header, err))
        return fail_header(s, &lines, err);
    if (is_header)
        rc = km_csv_line(&s->csv, s->stream, &text, &len, &at, err);
    return rc < 0 ? rc : KM_OK;
}

/* What is wrong with a line, with its number in the file. */
static int fail_line(struct km_shard *s, const struct km_csv_fault *fault, struct km_err *err)
{
    struct km_csv_fault f = *fault;
    struct km_err early;

    if (count_before(s, &early)) {
        *err = early;
        return early.code;
    }
    f.line = s->csv.line;
    if (err->code != KM_E_INPUT)
        return add_place(err, f.path, "line", f.line, f.at);
    return km_csv_fail(&f, err);
}

/* The next line of the range; what is wrong with it is told with its number in the file. */
static int take_line(struct km_shard *s, const char **text, size_t *len, uint64_t *at,
                     struct km_err *err)
{
    int rc = km_csv_line(&s->csv, s->stream, text, len, at, err);

    if (rc == KM_E_INPUT && !s->counted) {
        rc = count_before(s, err);
        if (rc == KM_OK)
            rc = km_csv_line(&s->csv, s->stream, text, len, at, err);
    }
    return rc;
}

static int next_line(struct km_shard *s, float *row, struct km_err *err)
{
    struct km_format *f = s->format;
    struct km_csv_fault fault = {f, header_of(s), s->path,
                                 .is_first = s->start == 0 && s->records == 0};
    struct km_csv_shape shape;
    int rc = take_line(s, &fault.text, &fault.len, &fault.at, err);

    if (rc != KM_MORE)
        return rc;
    rc = KM_OK;
    if (f->feature_dim == 0 || f->label_size < 0)
        rc = settle_columns(s, fault.text, fault.len, err);
    shape = (struct km_csv_shape){(size_t)f->label_size, f->feature_dim, f->dialect};
    if (rc == KM_OK)
        rc = km_csv_parse(fault.text, fault.len, &shape, row ? row : s->row, &fault.place, err);
    if (rc)
        return fail_line(s, &fault, err);
    s->records++;
    if (!f->good_path)
        f->good_path = s->path;
    return KM_MORE;
}

/* Steps over the rows of other turns; the first row of a file is never stepped over. */
static int pass_others(struct km_shard *s, struct km_err *err)
{
    const unsigned char *payload;
    const char *text;
    uint64_t at;
    size_t len;
    int rc = KM_MORE;

    while (rc == KM_MORE && s->range.turns > 0 && s->records > 0 &&
           s->records % s->range.turns != s->range.turn) {
        rc = s->format->kind == KM_CSV ? take_line(s, &text, &len, &at, err)
                                       : next_frame(s, &payload, &len, err);
        s->records += rc == KM_MORE;
    }
    return rc;
}

/* Decodes the next row into row or x, or, if both are NULL, into the shard's own place (then
 * feature_dim may be unknown). */
static int next_row(struct km_shard *s, float *row, struct km_csr *x, struct km_err *err)
{
    int rc = KM_OK;

    if (s->format->kind == KM_CSV && !s->header_done && s->start == 0)
        rc = take_header(s, err);
    if (rc == KM_OK)
        rc = pass_others(s, err);

    if (rc != KM_MORE)
        return rc;
    if (s->format->kind == KM_CSV)
        return next_line(s, row, err);
    return next_record(s, row, x, err);
}

int km_shard_more(struct km_shard *s, struct km_err *err)
{
    int rc;

    if (s->have_row)
        return KM_MORE;
    rc = next_row(s, NULL, NULL, err);
    s->have_row = rc == KM_MORE;
    return rc;
}

/* Goes to the first row of the range. */
static int find_start(struct km_shard *s, struct km_err *err)
{
    int rc = KM_OK;

    s->csv.end = s->range.to;
    if (s->range.from > 0 && s->format->kind == KM_CSV)
        rc = km_csv_find(&s->csv, s->stream, s->range.from, err);
    else if (s->range.from > 0)
        rc = km_recordio_find(s->stream, s->range.from, s->max_payload, err);
    s->start = s->range.from > 0 ? km_stream_at(s->stream) : 0;
    s->counted = s->start == 0;
    return rc;
}

/* Decodes the first row, which completes the format, and keeps it if it is the shard's. */
static int look_at_first(struct km_shard *s, struct km_err *err)
{
    int rc = km_shard_more(s, err);

    if (s->range.turn > 0)
        s->have_row = 0;
    return rc < 0 ? rc : KM_OK;
}

int km_shard_open_range(struct km_shard **shard, const char *path, struct km_format *format,
                        const struct km_range *range, int stop_fd, struct km_err *err)
{
    struct km_shard *s = km_alloc(1, sizeof(*s));
    int rc;

    *shard = NULL;
    if (!s)
        return km_fail(err, KM_E_MEM, "%s: no memory to open it", path);
    s->format = format;
    s->path = path;
    s->range = *range;
    s->max_payload = KM_RECORDIO_MAX;
    rc = km_stream_open_until(&s->stream, path, stop_fd, err);
    if (rc)
        goto out;
    if (format->kind != KM_CSV) {
        rc = km_record_reader_open(&s->reader, err);
        if (rc)
            goto out;
        km_record_reader_note(s->reader, &format->extras);
    }
    rc = check_kind(s, err);
    if (rc)
        goto out;
    if (format->feature_dim > 0) {
        rc = take_dim(s, format->feature_dim, err);
        if (rc)
            goto out;
    }
    rc = find_start(s, err);
    if (rc == KM_OK)
        rc = look_at_first(s, err);
    if (rc)
        goto out;
    *shard = s;
    return KM_OK;
out:
    km_shard_close(s);
    return rc;
}

int km_shard_open(struct km_shard **s, const char *path, struct km_format *format,
                  struct km_err *err)
{
    const struct km_range all = {0};

    return km_shard_open_range(s, path, format, &all, -1, err);
}

void km_shard_close(struct km_shard *s)
{
    if (!s)
        return;
    km_stream_close(s->stream);
    km_record_reader_close(s->reader);
    km_free(s->row);
    km_csr_done(&s->one);
    km_header_done(&s->own_header);
    km_free(s);
}

int km_shard_read(struct km_shard *s, struct km_mat *x, size_t from, size_t *rows,
                  struct km_err *err)
{
    int rc = KM_MORE;

    *rows = 0;
    assert(s->format->feature_dim == 0 || x->d == s->format->feature_dim);
    for (size_t i = from; i < x->n; i++) {
        if (s->have_row)
            memcpy(km_mat_row(x, i), s->row, x->d * sizeof(*s->row));
        else
            rc = next_row(s, km_mat_row(x, i), NULL, err);
        s->have_row = 0;
        if (rc != KM_MORE)
            return rc;
        ++*rows;
    }
    return KM_OK;
}

int km_shard_read_sparse(struct km_shard *s, struct km_csr *x, size_t max_rows, size_t values,
                         size_t *rows, struct km_err *err)
{
    int rc = KM_MORE;

    *rows = 0;
    assert(s->format->kind == KM_SPARSE &&
           (s->format->feature_dim == 0 || x->d == s->format->feature_dim));
    while (x->n < max_rows && x->nnz < values) {
        if (s->have_row)
            km_csr_copy_row(x, &s->one, 0);
        else
            rc = next_row(s, NULL, x, err);
        s->have_row = 0;
        if (rc != KM_MORE)
            return rc;
        ++*rows;
    }
    return KM_OK;
}

uint64_t km_shard_sparse_records(const struct km_shard *s)
{
    return s->sparse_records;
}

uint64_t km_shard_bytes(const struct km_shard *s)
{
    uint64_t from = s->range.from, to = s->range.to;
    uint64_t at = km_stream_at(s->stream);

    if (to > 0 && at > to)
        at = to;
    return at > from ? at - from : 0;
}

uint64_t km_shard_records(const struct km_shard *s)
{
    return s->records;
}
