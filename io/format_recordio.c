/* SPDX-License-Identifier: Apache-2.0 */
/* RecordIO-protobuf: each record one row (docs/formats.md). */
#include "io/format.h"

#include "io/recordio.h"

static int open_records(struct km_scan *s, struct km_err *err)
{
    struct km_record_reader *r;
    int rc = km_record_reader_open(&r, err);

    if (rc)
        return rc;
    km_record_reader_note(r, &s->format->extras);
    s->state = r;
    return KM_OK;
}

static void close_records(struct km_scan *s)
{
    km_record_reader_close(s->state);
}

/* Room for float64 values with keys, and for labels and other fields; more is no such row. */
static size_t longest_record(const struct km_format *f)
{
    size_t most = 16 * f->feature_dim + ((size_t)1 << 16) + ((size_t)1 << 20);

    return f->feature_dim > 0 && most < KM_RECORDIO_MAX ? most : KM_RECORDIO_MAX;
}

static int find_record(struct km_scan *s, uint64_t from, struct km_err *err)
{
    return km_recordio_find(s->stream, from, s->longest, err);
}

static int next_record(struct km_scan *s, struct km_raw *raw, struct km_err *err)
{
    int rc;

    raw->at = km_stream_at(s->stream);
    if (s->end > 0 && raw->at >= s->end)
        return KM_OK;
    rc = km_recordio_next(s->stream, s->number + 1, s->longest, &raw->p, &raw->len, err);
    s->number += rc == KM_MORE;
    return rc;
}

static int width_of_record(struct km_scan *s, const struct km_raw *raw, size_t *dim,
                           struct km_err *err)
{
    return km_record_dim(s->state, raw->p, raw->len, dim, err);
}

static int decode_record(struct km_scan *s, const struct km_raw *raw, float *row,
                         struct km_err *err)
{
    return km_record_decode(s->state, raw->p, raw->len, row, s->format->feature_dim, err);
}

static int decode_sparse(struct km_scan *s, const struct km_raw *raw, struct km_csr *x, float *row,
                         int *was_sparse, struct km_err *err)
{
    return km_record_decode_sparse(s->state, raw->p, raw->len, x, row, was_sparse, err);
}

/* Says of a record that did not decode that it is not as wide as the first one, if that is why. */
static void say_width(struct km_scan *s, const struct km_raw *raw, struct km_err *err)
{
    const struct km_format *f = s->format;
    struct km_err other;
    size_t dim;

    if (err->code != KM_E_INPUT || (!f->dim_path && !f->dim_of && !f->good_path) ||
        km_record_dim(s->state, raw->p, raw->len, &dim, &other) || dim == f->feature_dim)
        return;
    km_format_fail_width(f, dim, err);
}

static int fail_record(struct km_scan *s, const struct km_raw *raw, struct km_err *err)
{
    say_width(s, raw, err);
    return km_format_place(err, s, "record", raw->at);
}

static size_t record_bytes(size_t dim)
{
    return KM_RECORDIO_HEADER + km_record_size_max(dim) + 3; /* the padding */
}

static size_t write_record(unsigned char *out, const float *row, size_t dim)
{
    return km_recordio_frame(out, km_record_encode(out + KM_RECORDIO_HEADER, row, dim, NULL));
}

const struct km_format_kind km_format_recordio = {
    .name = "RecordIO-protobuf",
    .word = "recordio",
    .content_type = "application/x-recordio-protobuf",
    .accepted = "application/x-recordio-protobuf",
    .assumed = "application/x-recordio-protobuf",
    .found = "is RecordIO",
    .todo = "set the channel's content type to application/x-recordio-protobuf",
    .may_be_sparse = 1,
    .value_bytes = 1,       /* integers below 128 */
    .sparse_row_bytes = 16, /* of a record with names of its parts */
    .is = km_recordio_is,
    .open = open_records,
    .close = close_records,
    .find = find_record,
    .longest = longest_record,
    .next = next_record,
    .width = width_of_record,
    .fork = open_records,
    .decode = decode_record,
    .decode_sparse = decode_sparse,
    .fail = fail_record,
    .row_bytes = record_bytes,
    .write = write_record,
};
