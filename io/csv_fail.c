/* SPDX-License-Identifier: Apache-2.0 */
#include "io/csv_fail.h"

#include "io/layout.h"
#include "io/naming.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LOOK_LINES 20

/* Appends to a message. */
static void add(struct km_err *err, const char *text)
{
    struct km_err inner = *err;

    km_fail(err, inner.code, "%.900s%s", inner.msg, text);
}

/* The dialect that the first lines are in, and how to have it read. */
static void say_dialect(const struct km_dialect *d, int row_names, size_t skip, int thousands,
                        char *text, size_t size)
{
    const char *name = km_dialect_name(d->separator);
    char options[64], then[64] = "";

    km_dialect_options(d, options, sizeof(options));
    if (row_names) {
        snprintf(text, size,
                 "; the first lines are columns separated by %s%s, behind names of rows that the "
                 "header does not count: write the file without them (R: row.names=FALSE), or have "
                 "them dropped: kmeans convert %s --header present --label-size %zu FILE --output "
                 "rows.csv",
                 name, d->point == ',' ? ", with decimal commas" : "", options, skip + 1);
        return;
    }
    if (thousands && d->point == ',') {
        struct km_dialect without = {d->separator, '.'};

        km_dialect_options(&without, then, sizeof(then));
        snprintf(
            text, size,
            "; the first lines are columns separated by %s, with commas inside the numbers: if "
            "they separate thousands, remove them%s%s; if they are decimal commas, kmeans "
            "convert %s FILE --output rows.csv makes CSV of them",
            name, then[0] ? ", and then " : "", then, options);
        return;
    }
    snprintf(text, size,
             "; the first lines are columns separated by %s%s: kmeans convert %s FILE --output "
             "rows.csv makes "
             "CSV of them (kmeans train takes these options, too)",
             name, d->point == ',' ? ", with decimal commas" : "", options);
}

int km_csv_fail_dialect(const struct km_format *format, const struct km_csv_lines *lines,
                        struct km_err *err)
{
    struct km_csv_lines rest = *lines;
    struct km_dialect d;
    char text[400];
    size_t skip = format->label_size > 0 ? (size_t)format->label_size : 0;
    int way;

    if (lines->n > 1 && km_layout_announced(lines->text[0], lines->len[0])) {
        rest.n--;
        memmove(rest.text, rest.text + 1, rest.n * sizeof(*rest.text));
        memmove(rest.len, rest.len + 1, rest.n * sizeof(*rest.len));
    }
    way = km_dialect_guess(&d, &rest, &format->dialect, skip);
    if (way == 0)
        return 0;
    say_dialect(&d, way == 2, skip, km_layout_thousands(&rest, &d, skip), text, sizeof(text));
    add(err, text);
    return 1;
}

/* The first lines of the file once more. The caller closes the stream, which holds their text. */
static struct km_stream *look_again(const struct km_csv_fault *f, struct km_csv_lines *lines)
{
    struct km_stream *stream = NULL;
    struct km_csv csv = {0};
    struct km_err err;
    struct stat st;

    lines->n = 0;
    if (stat(f->path, &st) == 0 && S_ISREG(st.st_mode) &&
        km_stream_open(&stream, f->path, &err) == KM_OK &&
        km_csv_ahead(&csv, stream, LOOK_LINES, lines, &err))
        lines->n = 0;
    return stream;
}

/* ---- lines of another width ---- */

/* Another of the file's first lines that has as many columns as expected. */
static int has_line_of(const struct km_csv_lines *lines, size_t columns, const struct km_dialect *d)
{
    for (size_t i = 0; i < lines->n; i++)
        if (km_csv_columns(lines->text[i], lines->len[i], d) == columns)
            return 1;
    return 0;
}

static const char open_ends[] = "; the lines end in a separator, behind which there is nothing: "
                                "remove it";

/* The width was said by the user, and no row of the channel has had it so far. */
static void advise_on_width(const struct km_csv_fault *fault, const struct km_csv_lines *lines,
                            size_t columns, struct km_err *err)
{
    const struct km_format *f = fault->format;
    char text[256];

    if (columns == f->feature_dim + (size_t)f->label_size + 1 &&
        km_layout_open_ends(lines, &f->dialect))
        snprintf(text, sizeof(text), "%s", open_ends);
    else if (columns == f->feature_dim + (size_t)f->label_size + 1 && fault->header->index)
        snprintf(
            text, sizeof(text),
            "; line 1 is a header with a column of row numbers in front: write the file without "
            "them "
            "(pandas: header=False, index=False; R: row.names=FALSE), or have the column dropped "
            "(label_size=%d)",
            f->label_size + 1);
    else if (columns == f->feature_dim && f->label_size > 0)
        snprintf(
            text, sizeof(text),
            "; if the data has no label column, set the content type to text/csv;label_size=0");
    else if (columns == f->feature_dim + 1 && f->label_size == 0)
        snprintf(text, sizeof(text),
                 "; if the first column is a label, set the content type to text/csv;label_size=1, "
                 "else set "
                 "feature_dim to the number of features in the data");
    else
        snprintf(text, sizeof(text), "; set feature_dim to the number of features in the data");
    add(err, text);
}

/* err->msg says how many columns there are, and how many were expected. */
static void say_width(const struct km_csv_fault *fault, const struct km_csv_lines *lines,
                      struct km_err *err)
{
    const struct km_format *f = fault->format;
    size_t columns = km_csv_columns(fault->text, fault->len, &f->dialect);
    size_t expected = f->feature_dim + (size_t)f->label_size;
    int ragged = !fault->is_first || has_line_of(lines, expected, &f->dialect);

    if (f->feature_dim == 0) /* too few columns for the labels alone: said already */
        return;
    if (f->dim_path && f->dim_path == fault->path)
        km_fail(err, KM_E_INPUT,
                "%zu column%s, but line %" PRIu64
                " has %zu columns; give every line the same columns",
                columns, columns == 1 ? "" : "s", f->dim_row, expected);
    else if (ragged)
        km_fail(err, KM_E_INPUT,
                "%zu column%s, but other lines have %zu; give every line the same columns", columns,
                columns == 1 ? "" : "s", expected);
    else if (f->dim_of)
        km_fail(err, KM_E_INPUT,
                "%zu column%s, but %s has %zu features, and label_size is %d here; give both "
                "channels the "
                "same features",
                columns, columns == 1 ? "" : "s", f->dim_of, f->feature_dim, f->label_size);
    else if (f->dim_path || f->good_path)
        km_fail(err, KM_E_INPUT,
                "%zu column%s, expected %zu features as in the first row of %s, and label_size=%d; "
                "give every line the same columns",
                columns, columns == 1 ? "" : "s", f->feature_dim,
                f->dim_path ? f->dim_path : f->good_path, f->label_size);
    else
        advise_on_width(fault, lines, columns, err);
}

/* ---- fields ---- */

/* Text that is no row with another separator, no 1,234, no garbage; dates and hours are, too. */
static int is_plain(const struct km_csv_field *f, const struct km_dialect *d)
{
    for (size_t i = 0; i < f->len; i++)
        if ((unsigned char)f->text[i] < 0x20 || f->text[i] == ',')
            return 0;
    return f->kind == KM_FIELD_TEXT && !km_csv_other_separator(f->text, f->len, d);
}

/* A first row with text in it may be a header that has numbers among its names, or begin with a
 * label. */
static void advise_on_text(const struct km_csv_fault *f, struct km_err *err)
{
    const char *p = f->text;
    size_t names = 0, numbers = 0, plain = 0;
    int found = 0, skip = f->format->label_size;
    struct km_csv_field field;

    for (size_t i = 1; km_csv_field(&p, f->text + f->len, &f->format->dialect, &field); i++) {
        int is_name = field.kind == KM_FIELD_TEXT && km_is_name(field.text, field.len);

        found |= is_name && i == f->place.column;
        names += is_name && (int)i > skip;
        numbers += field.kind == KM_FIELD_NUMBER && (int)i > skip;
        plain += is_plain(&field, &f->format->dialect) && (int)i > skip;
    }
    if (!found && (numbers > 0 || plain == 0))
        return;
    if (found && f->place.column == 1 && names == 1 && numbers > 0)
        add(err, "; if the first column is a label, say label_size=1");
    if (f->format->header_rule == KM_HEADER_AUTO && !f->header->line)
        add(err, "; if the line is a header, say header=present");
}

/* What many lines have that is no number. */
static void advise_on_field(const struct km_csv_fault *f, const struct km_csv_lines *lines,
                            struct km_err *err)
{
    const struct km_dialect *d = &f->format->dialect;
    const char *p = f->text;
    struct km_csv_field field = {0};

    for (size_t i = 0; i < f->place.column; i++)
        if (!km_csv_field(&p, f->text + f->len, d, &field))
            return;
    if (field.kind == KM_FIELD_EMPTY && !p && km_layout_open_ends(lines, d))
        add(err, open_ends);
    else if (field.kind == KM_FIELD_TEXT && km_layout_is_thousands(field.text, field.len))
        add(err, "; if the commas inside the numbers separate thousands, remove them");
}

int km_csv_fail(const struct km_csv_fault *f, struct km_err *err)
{
    char name[64], column[128] = "";
    struct km_csv_lines lines;
    struct km_stream *stream = NULL;
    struct km_err inner;

    lines.n = 0;
    if (f->is_first)
        stream = look_again(f, &lines);
    if (f->place.column == 0)
        say_width(f, &lines, err);
    else if (f->is_first)
        advise_on_text(f, err);
    if (lines.n > 0 && !km_csv_fail_dialect(f->format, &lines, err))
        advise_on_field(f, &lines, err);
    km_stream_close(stream);
    if (f->place.column > 0)
        snprintf(column, sizeof(column), ", column %zu", f->place.column);
    if (f->place.column > 0 && km_header_name(f->header, f->place.column, name, sizeof(name)))
        snprintf(column, sizeof(column), ", column %zu (%s)", f->place.column, name);
    inner = *err;
    return km_fail(err, inner.code, "%s: line %" PRIu64 "%s at byte %" PRIu64 ": %s", f->path,
                   f->line, column, f->at + f->place.offset, inner.msg);
}
