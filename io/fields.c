/* SPDX-License-Identifier: Apache-2.0 */
/* Plain numbers are taken many at a time (io/numbers.h); what is here takes any field. */
#include "io/fields.h"

#include "base/number.h"
#include "base/text.h"
#include "io/csv.h"
#include "io/naming.h"
#include "io/row.h"

#include <assert.h>
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Blanks around a field, unless they stand between fields. */
static const char *skip_gap(const char *p, const char *end, char separator)
{
    while (p < end && separator != ' ' && (*p == ' ' || *p == '\t') && *p != separator)
        p++;
    return p;
}

static struct km_dialect settled(const struct km_dialect *d)
{
    return (struct km_dialect){d->separator ? d->separator : ',', d->point ? d->point : '.'};
}

/* Of blanks that separate, the last before the next field stands for all of them; those at the end
 * of a line do not count. */
static const char *at_separator(const char *p, const char *end, char separator)
{
    const char *next;

    if (separator != ' ')
        return p == end || *p == separator ? p : NULL;
    next = km_skip_blanks(p, end);
    return next == end ? end : next > p ? next - 1 : NULL;
}

/* Behind the quoted text at p; NULL if the quote is not closed. */
static const char *quote_end(const char *p, const char *end)
{
    for (p++;; p += 2) { /* over a doubled quote */
        p = memchr(p, '"', (size_t)(end - p));
        if (!p)
            return NULL;
        if (p + 1 == end || p[1] != '"')
            return p + 1;
    }
}

/* End of the field at p: its separator, or the end of the line. A quoted field's separators are its
 * own. NULL if a quote is not closed. */
static const char *field_end(const char *p, const char *end, char separator)
{
    const char *hit;

    p = skip_gap(p, end, separator);
    if (p < end && *p == '"') {
        p = quote_end(p, end);
        if (!p)
            return NULL;
    }
    if (separator == ' ') {
        while (p < end && *p != ' ' && *p != '\t')
            p++;
        return at_separator(p, end, ' ');
    }
    hit = memchr(p, separator, (size_t)(end - p));
    return hit ? hit : end;
}

/* Where the first field of a line begins. */
static const char *first_field(const char *text, const char *end, char separator)
{
    return separator == ' ' ? km_skip_blanks(text, end) : text;
}

size_t km_csv_columns(const char *text, size_t len, const struct km_dialect *dialect)
{
    struct km_dialect d = settled(dialect);
    const char *end = text + len;
    size_t n = 1;

    for (const char *p = first_field(text, end, d.separator);
         (p = field_end(p, end, d.separator)) && p < end; p++)
        n++;
    return n;
}

/* The number of a field, quoted or not, at p; returns the separator behind it, or NULL. */
static const char *take_field(const char *p, const char *end, char separator, char point,
                              float *value)
{
    int quoted;

    p = skip_gap(p, end, separator);
    quoted = p < end && *p == '"';
    if (quoted)
        p = km_skip_blanks(p + 1, end);
    /* without quotes a comma between columns is none of a number */
    p = point == '.' || (point == separator && !quoted) ? km_take_number(p, end, value)
                                                        : km_take_decimal(p, end, point, value);
    if (!p)
        return NULL;
    if (quoted) {
        p = km_skip_blanks(p, end);
        if (p == end || *p != '"')
            return NULL;
        p++;
    }
    return at_separator(skip_gap(p, end, separator), end, separator);
}

/* ---- what a field holds ---- */

static int is_one_of(const char *p, size_t n, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == n && strncasecmp(p, *words, n) == 0)
            return 1;
    return 0;
}

static int is_infinite(const char *p, size_t n)
{
    static const char *const words[] = {"inf",       "infinity", "-inf",    "-infinity", "+inf",
                                        "+infinity", "1.#inf",   "-1.#inf", NULL};

    return is_one_of(p, n, words);
}

/* What programs write for a value that is not there. */
static int is_missing(const char *p, size_t n)
{
    static const char *const words[] = {
        "na",     "nan",    "-nan",    "+nan",    "n/a",      "#n/a",  "<na>",   "null",
        "none",   "nil",    "\\n",     "-",       "--",       "?",     ".",      "nat",
        "#na",    "(null)", "missing", "#div/0!", "#value!",  "#ref!", "#name?", "#num!",
        "#null!", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan", NULL};

    return is_one_of(p, n, words);
}

int km_csv_is_whole(const struct km_csv_field *f, long *value)
{
    *value = 0;
    if (f->len == 0 || f->len > 9)
        return 0;
    for (size_t i = 0; i < f->len; i++) {
        if (f->text[i] < '0' || f->text[i] > '9')
            return 0;
        *value = *value * 10 + (f->text[i] - '0');
    }
    return 1;
}

int km_csv_field(const char **p, const char *end, const struct km_dialect *dialect,
                 struct km_csv_field *field)
{
    struct km_dialect d = settled(dialect);
    const char *from = *p, *stop, *last;
    float v;

    if (!from)
        return 0;
    from = first_field(from, end, d.separator);
    stop = field_end(from, end, d.separator);
    last = stop ? stop : end;
    from = skip_gap(from, last, d.separator);
    *p = stop && stop < end ? stop + 1 : NULL;
    field->kind = KM_FIELD_TEXT;
    if (from < last && take_field(from, end, d.separator, d.point, &v))
        field->kind = KM_FIELD_NUMBER;
    while (last > from && (last[-1] == ' ' || last[-1] == '\t'))
        last--;
    if (last - from >= 2 && *from == '"' && quote_end(from, last) == last) {
        from = km_skip_blanks(from + 1, last);
        for (last--; last > from && (last[-1] == ' ' || last[-1] == '\t');)
            last--;
    }
    field->text = from;
    field->len = (size_t)(last - from);
    if (field->len == 0)
        field->kind = KM_FIELD_EMPTY;
    else if (field->kind == KM_FIELD_TEXT &&
             (is_missing(from, field->len) || is_infinite(from, field->len)))
        field->kind = KM_FIELD_MISSING;
    return 1;
}

enum km_field km_csv_kind(const char *text, size_t len, size_t column, const struct km_dialect *d)
{
    const char *end = text + len;
    const char *p = text;
    struct km_csv_field field;

    while (km_csv_field(&p, end, d, &field))
        if (column-- == 0)
            return field.kind;
    return KM_FIELD_NONE;
}

/* ---- messages ---- */

char km_csv_other_separator(const char *text, size_t len, const struct km_dialect *dialect)
{
    static const char seen[] = ";\t|\x01";
    struct km_dialect d = settled(dialect);
    const char *end = text + len, *after;
    float v;

    for (const char *c = seen; *c; c++)
        if (*c != d.separator && memchr(text, *c, len))
            return *c;
    after =
        len > 0 && *text == '"' ? quote_end(text, end) : km_take_decimal(text, end, d.point, &v);
    return d.separator != ' ' && after && after < end && *after == ' ' &&
                   km_skip_blanks(after, end) < end
               ? ' '
               : 0;
}

/* A character that looks like a blank or a digit and is none, as U+00A0. */
static const char *say_foreign(const struct km_csv_field *f, char *text, size_t size)
{
    uint32_t code = 0;

    text[0] = '\0';
    for (size_t i = 0; i < f->len && code < 0x80;)
        i += km_text_char(f->text + i, f->len - i, &code);
    if (code >= 0x80 && !km_is_name(f->text, f->len))
        snprintf(text, size, " (with U+%04X)", code);
    return text;
}

/* What is wrong with the field at p that did not parse. */
static int fail_field(const char *p, const char *end, const struct km_dialect *d,
                      struct km_err *err)
{
    const char *stop = field_end(p, end, d->separator), *next = p;
    struct km_csv_field field;
    char text[64], foreign[32], other;

    if (!stop) {
        km_show(km_skip_blanks(p, end), (size_t)(end - km_skip_blanks(p, end)), text, sizeof(text));
        return km_fail(err, KM_E_INPUT,
                       "found %s, a quote that is not closed on its line; close it, or remove the "
                       "quotes",
                       text);
    }
    km_csv_field(&next, end, d, &field);
    km_show(field.text, field.len, text, sizeof(text));
    if (field.kind == KM_FIELD_EMPTY)
        return km_fail(
            err, KM_E_INPUT,
            "missing value: found an empty field, expected a number; fill in missing values, or "
            "remove such lines");
    if (is_infinite(field.text, field.len))
        return km_fail(err, KM_E_INPUT,
                       "found \"%s\", expected a finite number; replace it, or remove such lines",
                       text);
    if (field.kind == KM_FIELD_MISSING)
        return km_fail(
            err, KM_E_INPUT,
            "missing value: found \"%s\", expected a number; fill in missing values, or remove "
            "such lines",
            text);
    other = km_csv_other_separator(field.text, field.len, d);
    if (other)
        return km_fail(err, KM_E_INPUT,
                       "found \"%s\", expected a number; columns are separated by %s, not %s", text,
                       km_dialect_name(d->separator), km_dialect_name(other));
    return km_fail(err, KM_E_INPUT, "found \"%s\"%s, expected a number", text,
                   say_foreign(&field, foreign, sizeof(foreign)));
}

/* A number that is too large for float32. */
static int fail_size(const char *p, const char *end, const struct km_csv_shape *shape,
                     struct km_err *err)
{
    struct km_csv_field field;
    char text[64];

    km_csv_field(&p, end, &shape->dialect, &field);
    km_show(field.text, field.len, text, sizeof(text));
    return km_fail(
        err, KM_E_INPUT,
        "found %s, more than float32 can hold, expected at most %g in size; scale the data", text,
        (double)FLT_MAX);
}

static int fail_columns(const char *text, size_t len, const struct km_csv_shape *shape,
                        const struct km_dialect *d, struct km_err *err)
{
    size_t columns = km_csv_columns(text, len, d);
    char labels[96] = "no label (label_size=0)";
    char other = columns == 1 ? km_csv_other_separator(text, len, d) : 0;

    if (shape->skip > 0)
        snprintf(labels, sizeof(labels), "%zu in front of them (label_size=%zu)", shape->skip,
                 shape->skip);
    km_fail(err, KM_E_INPUT, "%zu column%s, expected %zu features and %s", columns,
            columns == 1 ? "" : "s", shape->dim, labels);
    if (other) {
        struct km_err wide = *err;

        km_fail(err, KM_E_INPUT, "%s; columns are separated by %s, not %s", wide.msg,
                km_dialect_name(d->separator), km_dialect_name(other));
    }
    return err->code;
}

/* ---- rows ---- */

/* What is wrong with a line that was not taken as it should; columns up to place->column are
 * fine. */
static int fail_line(const char *p, const char *next, const char *end,
                     const struct km_csv_shape *shape, const struct km_dialect *d,
                     struct km_csv_place *place, const char *text, struct km_err *err)
{
    if (!next)
        return fail_field(p, end, d, err);
    *place = (struct km_csv_place){0};
    return fail_columns(text, (size_t)(end - text), shape, d, err);
}

/* Takes plain numbers from the field at p on as columns i to n - 1; returns how many, and *next is
 * what follows them. */
static size_t take_plain(const char *p, const char *end, const struct km_csv_shape *shape,
                         const struct km_dialect *d, size_t i, float *row, const char **next)
{
    const struct km_numbers *numbers = shape->numbers ? shape->numbers : km_numbers_pick(NULL);
    /* without quotes a comma between columns is none of a number */
    struct km_dialect plain = {d->separator, d->point == d->separator ? '.' : d->point};
    size_t taken = 0, n = shape->skip + shape->dim;

    if (i >= shape->skip && d->separator != ' ')
        taken = numbers->take(&p, end, &plain, row + (i - shape->skip), n - i);
    *next = taken > 0 ? p : *next;
    return taken;
}

static int take_line(const char *text, const char *end, const struct km_csv_shape *shape,
                     const struct km_dialect *d, float *row, struct km_csv_place *place,
                     struct km_err *err)
{
    const char *p = first_field(text, end, d->separator), *next = p;
    size_t i = 0, n = shape->skip + shape->dim, taken;

    while (i < n && (i == 0 || next < end)) {
        p = i > 0 ? next + 1 : p;
        taken = take_plain(p, end, shape, d, i, row, &next);
        if (taken == 0) {
            next = i < shape->skip
                       ? field_end(p, end, d->separator)
                       : take_field(p, end, d->separator, d->point, row + (i - shape->skip));
            taken = 1;
        }
        if (!next)
            break;
        i += taken;
    }
    if (i == n && next == end)
        return KM_OK;
    *place = (struct km_csv_place){i + 1, (size_t)(p - text)};
    return fail_line(p, next, end, shape, d, place, text, err);
}

int km_csv_parse(const char *text, size_t len, const struct km_csv_shape *shape, float *row,
                 struct km_csv_place *place, struct km_err *err)
{
    struct km_dialect d = settled(&shape->dialect);
    const char *end = text + len, *p;
    size_t bad;
    int rc;

    assert(shape->dim > 0);
    rc = take_line(text, end, shape, &d, row, place, err);
    if (rc)
        return rc;
    bad = km_row_bad(row, shape->dim);
    if (bad == shape->dim)
        return KM_OK;
    place->column = shape->skip + bad + 1;
    p = first_field(text, end, d.separator);
    for (size_t i = 1; i < place->column; i++)
        p = field_end(p, end, d.separator) + 1;
    place->offset = (size_t)(p - text);
    return fail_size(p, end, shape, err);
}
