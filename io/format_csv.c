/* SPDX-License-Identifier: Apache-2.0 */
/* CSV: each line one row, perhaps behind a header (docs/formats.md). */
#include "io/format.h"

#include "base/mem.h"
#include "base/number.h"
#include "io/csv.h"
#include "io/csv_fail.h"
#include "io/fields.h"

#include <stdlib.h>

struct csv {
    struct km_csv lines;
    struct km_header own; /* where the format has none */
    const struct km_numbers *numbers;
};

static struct km_header *header_of(const struct km_scan *s)
{
    struct csv *c = s->state;

    return s->format->header ? s->format->header : &c->own;
}

static int open_lines(struct km_scan *s, struct km_err *err)
{
    struct csv *c = km_alloc(1, sizeof(*c));

    s->state = c;
    if (!c)
        return km_fail(err, KM_E_MEM, "no memory to read lines");
    c->numbers = km_numbers_pick(getenv("KM_ISA"));
    return KM_OK;
}

static void close_lines(struct km_scan *s)
{
    struct csv *c = s->state;

    if (c)
        km_header_done(&c->own);
    km_free(c);
}

static size_t longest_line(const struct km_format *f)
{
    if (!km_format_complete(f))
        return KM_CSV_LINE_MAX;
    return 64 * (f->feature_dim + (size_t)f->label_size) + ((size_t)1 << 20);
}

/* The lines as the scan has them. */
static struct km_csv *lines_of(const struct km_scan *s)
{
    struct csv *c = s->state;

    c->lines.max_line = s->longest;
    c->lines.end = s->end;
    c->lines.line = s->number;
    return &c->lines;
}

static int find_line(struct km_scan *s, uint64_t from, struct km_err *err)
{
    return km_csv_find(lines_of(s), s->stream, from, err);
}

static int next_line(struct km_scan *s, struct km_raw *raw, struct km_err *err)
{
    struct km_csv *lines = lines_of(s);
    const char *text;
    int rc = km_csv_line(lines, s->stream, &text, &raw->len, &raw->at, err);

    s->number = lines->line;
    if (rc == KM_MORE)
        raw->p = (const unsigned char *)text;
    return rc;
}

/* Label columns of a line of so many columns, as far as the format leaves that open. */
static size_t labels_of(const struct km_format *f, size_t columns)
{
    if (f->label_size >= 0)
        return (size_t)f->label_size;
    return f->feature_dim == 0 || columns == f->feature_dim ? 0 : 1;
}

/* Puts the place in front of what is wrong with the first line, which has not been taken yet. */
static int fail_header(struct km_scan *s, const struct km_csv_lines *lines, struct km_err *err)
{
    struct km_err ignored;
    struct km_raw raw;

    km_csv_fail_dialect(s->format, lines, err);
    if (err->code != KM_E_INPUT || next_line(s, &raw, &ignored) != KM_MORE)
        return err->code;
    return km_format_place(err, s, "line", raw.at);
}

/* Judges the first line of the file, and steps over it if it is a header. */
static int take_header(struct km_scan *s, struct km_err *err)
{
    const struct km_format *f = s->format;
    struct km_header *header = header_of(s);
    struct km_csv_lines lines;
    struct km_header_look look = {&lines, km_stream_path(s->stream), f->dialect, f->header_rule,
                                  .guessed = f->label_size < 0};
    struct km_raw raw;
    size_t row;
    int is_header, rc;

    rc = km_csv_ahead(lines_of(s), s->stream, header->looked ? 2 : KM_CSV_AHEAD, &lines, err);
    if (rc || lines.n == 0)
        return rc;
    row = lines.n > 1;
    look.skip = labels_of(f, km_csv_columns(lines.text[row], lines.len[row], &f->dialect));
    if (km_header_judge(header, &look, &is_header, err))
        return fail_header(s, &lines, err);
    if (is_header)
        rc = next_line(s, &raw, err);
    return rc < 0 ? rc : KM_OK;
}

static int width_of_line(struct km_scan *s, const struct km_raw *raw, size_t *dim,
                         struct km_err *err)
{
    struct km_format *f = s->format;
    size_t columns = km_csv_columns((const char *)raw->p, raw->len, &f->dialect);

    f->label_size = (int)labels_of(f, columns);
    *dim = f->feature_dim;
    if (*dim > 0)
        return KM_OK;
    if (columns <= (size_t)f->label_size)
        return km_fail(
            err, KM_E_INPUT,
            "%zu columns, expected more than label_size=%d; set label_size in the content "
            "type to the number of columns in front of the features",
            columns, f->label_size);
    *dim = columns - (size_t)f->label_size;
    return KM_OK;
}

static int parse_line(const struct km_scan *s, const struct km_raw *raw, float *row,
                      struct km_csv_place *place, struct km_err *err)
{
    const struct km_format *f = s->format;
    const struct csv *c = s->state;
    struct km_csv_shape shape = {(size_t)f->label_size, f->feature_dim, f->dialect, c->numbers};

    return km_csv_parse((const char *)raw->p, raw->len, &shape, row, place, err);
}

/* Whether all that is wrong with a line are values that are missing or not finite. */
static int only_lacks(const struct km_format *f, const struct km_raw *raw, size_t column)
{
    const char *p = (const char *)raw->p, *end = p + raw->len;
    size_t columns = 0, skip = (size_t)f->label_size;
    struct km_csv_field field;

    while (km_csv_field(&p, end, &f->dialect, &field)) {
        columns++;
        if (columns > skip && field.kind == KM_FIELD_TEXT)
            return 0;
        if (columns == column && field.kind == KM_FIELD_NUMBER) /* too large */
            return 0;
    }
    return columns == skip + f->feature_dim;
}

static int decode_line(struct km_scan *s, const struct km_raw *raw, float *row, struct km_err *err)
{
    struct km_csv_place place = {0};
    int rc = parse_line(s, raw, row, &place, err);

    if (rc == KM_E_INPUT)
        err->lacks_value =
            s->format->skip.lacking && place.column > 0 && only_lacks(s->format, raw, place.column);
    return rc;
}

/* Where the line is wrong that did not parse; zeroed where there is no memory to find it again. */
static struct km_csv_place find_place(const struct km_scan *s, const struct km_raw *raw)
{
    float *row = km_alloc(s->format->feature_dim, sizeof(*row));
    struct km_csv_place place = {0};
    struct km_err again;

    if (row)
        parse_line(s, raw, row, &place, &again);
    km_free(row);
    return place;
}

static int fail_line(struct km_scan *s, const struct km_raw *raw, struct km_err *err)
{
    struct km_csv_fault fault = {s->format,
                                 header_of(s),
                                 km_stream_path(s->stream),
                                 (const char *)raw->p,
                                 raw->len,
                                 s->number,
                                 raw->at,
                                 {0},
                                 s->is_first};

    if (err->code != KM_E_INPUT)
        return km_format_place(err, s, "line", raw->at);
    if (km_format_complete(s->format))
        fault.place = find_place(s, raw);
    return km_csv_fail(&fault, err);
}

static size_t line_bytes(size_t dim)
{
    return dim * KM_FLOAT_TEXT;
}

static size_t write_line(unsigned char *out, const float *row, size_t dim)
{
    char *p = (char *)out;

    for (size_t t = 0; t < dim; t++) {
        p += km_float_print(p, row[t]);
        *p++ = t + 1 < dim ? ',' : '\n';
    }
    return (size_t)(p - (char *)out);
}

static const char *const parameters[] = {"label_size", "header", NULL};

const struct km_format_kind km_format_csv = {
    .name = "CSV",
    .word = "csv",
    .content_type = "text/csv",
    .accepted = "text/csv;label_size=N",
    .assumed = "text/csv;label_size=0",
    .parameters = parameters,
    .is_text = 1,
    .value_bytes = 2, /* a digit and a comma */
    .open = open_lines,
    .close = close_lines,
    .begin = take_header,
    .find = find_line,
    .longest = longest_line,
    .next = next_line,
    .width = width_of_line,
    .decode = decode_line,
    .fail = fail_line,
    .row_bytes = line_bytes,
    .write = write_line,
};
