/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines and columns of CSV. A quoted field may hold anything but a line end: rows of numbers have
 * no use for it, and without it a forgotten quote cannot swallow the rest of the file.
 */
#include "io/csv.h"

#include "io/number.h"
#include "io/row.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && is_blank(*p))
        p++;
    return p;
}

static int skip_mark(struct km_csv *c, struct km_stream *s, struct km_err *err)
{
    const unsigned char *p;
    size_t got;
    int rc = km_stream_peek(s, 3, &p, &got, err);

    if (rc)
        return rc;
    c->started = 1;
    if (got >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        km_stream_skip(s, 3);
    if (got >= 2 && (memcmp(p, "\xff\xfe", 2) == 0 || memcmp(p, "\xfe\xff", 2) == 0))
        return km_fail(err, KM_E_INPUT,
                       "%s: UTF-16 text, expected ASCII or UTF-8; save it as UTF-8",
                       km_stream_path(s));
    return KM_OK;
}

/* Offset of the next c in the n bytes at p, which stand at byte `at` of the file; n if there is
 * none. *known carries what earlier searches found. */
static size_t find(char c, const unsigned char *p, size_t n, uint64_t at, uint64_t *known)
{
    size_t from = *known > at ? (size_t)(*known - at) : 0;
    const unsigned char *hit = from < n ? memchr(p + from, c, n - from) : NULL;
    size_t offset = hit ? (size_t)(hit - p) : n;

    *known = at + offset;
    return offset;
}

/* One line, blank or not: its length, and that of its end (0 at the end of the file). */
static int find_line(struct km_csv *c, struct km_stream *s, const unsigned char **p, size_t *len,
                     size_t *end, struct km_err *err)
{
    size_t most = c->max_line ? c->max_line : KM_CSV_LINE_MAX;
    uint64_t at = km_stream_at(s);
    size_t want = 1;
    size_t got, lf, cr;
    int rc;

    for (;;) {
        rc = km_stream_peek(s, want, p, &got, err);
        if (rc)
            return rc;
        lf = find('\n', *p, got, at, &c->next_lf);
        cr = find('\r', *p, lf, at, &c->next_cr);
        *len = cr < lf ? cr : lf;
        if (*len > most)
            return km_fail(err, KM_E_INPUT,
                           "%s: line %" PRIu64 " at byte %" PRIu64
                           ": longer than %zu bytes, expected one row in each line; check that "
                           "the file is CSV text",
                           km_stream_path(s), c->line + 1, at, most);
        *end = *len < got;
        if (*end && (*p)[*len] == '\n')
            return KM_OK;
        /* A CR needs one more byte: is it CR LF? */
        if (*end && *len + 1 < got) {
            *end += (*p)[*len + 1] == '\n';
            return KM_OK;
        }
        if (got < want)
            return KM_OK;
        want = got + 1;
    }
}

int km_csv_line(struct km_csv *c, struct km_stream *s, const char **text, size_t *len, uint64_t *at,
                struct km_err *err)
{
    const unsigned char *p;
    size_t end = 0;
    int rc;

    for (;;) {
        if (c->end > 0 && km_stream_at(s) >= c->end)
            return KM_OK;
        rc = c->started ? KM_OK : skip_mark(c, s, err);
        if (rc)
            return rc;
        rc = find_line(c, s, &p, len, &end, err);
        if (rc || *len + end == 0)
            return rc;
        *at = km_stream_at(s);
        *text = (const char *)p;
        km_stream_skip(s, *len + end);
        c->line++;
        if (skip_blanks(*text, *text + *len) < *text + *len)
            return KM_MORE;
    }
}

/* A byte is the first of a line if the one before it is an LF, or a CR that is not half of a CR LF.
 * So the line end at or behind the byte before `from` is looked for; a line that is as long as the
 * file takes no memory for that. */
int km_csv_find(struct km_csv *c, struct km_stream *s, uint64_t from, struct km_err *err)
{
    const unsigned char *p;
    size_t got, n = 0;
    int rc = km_stream_seek(s, from - 1, err);

    c->started = 1;
    do {
        if (rc == KM_OK)
            rc = km_stream_peek(s, 2, &p, &got, err);
        if (rc || got == 0)
            return rc;
        for (n = 0; n < got && p[n] != '\n' && p[n] != '\r'; n++)
            ;
        km_stream_skip(s, n);
    } while (n == got);
    rc = km_stream_peek(s, 2, &p, &got, err);
    if (rc == KM_OK)
        km_stream_skip(s, got >= 2 && memcmp(p, "\r\n", 2) == 0 ? 2 : 1);
    return rc;
}

/* End of the field at p: its comma, or the end of the line. A quoted field's commas are its own.
 * NULL if a quote is not closed. */
static const char *field_end(const char *p, const char *end)
{
    const char *comma;

    p = skip_blanks(p, end);
    if (p < end && *p == '"') {
        for (p++;; p += 2) { /* over a doubled quote */
            p = memchr(p, '"', (size_t)(end - p));
            if (!p)
                return NULL;
            if (p + 1 == end || p[1] != '"')
                break;
        }
    }
    comma = memchr(p, ',', (size_t)(end - p));
    return comma ? comma : end;
}

size_t km_csv_columns(const char *text, size_t len)
{
    const char *end = text + len;
    size_t n = 1;

    for (const char *p = text; (p = field_end(p, end)) && p < end; p++)
        n++;
    return n;
}

/* The number of a field, quoted or not, at p; returns what follows the field's blanks, or NULL. */
static const char *take_field(const char *p, const char *end, float *value)
{
    int quoted;

    p = skip_blanks(p, end);
    quoted = p < end && *p == '"';
    if (quoted)
        p = skip_blanks(p + 1, end);
    p = km_take_number(p, end, value);
    if (!p)
        return NULL;
    p = skip_blanks(p, end);
    if (quoted) {
        if (p == end || *p != '"')
            return NULL;
        p = skip_blanks(p + 1, end);
    }
    return p == end || *p == ',' ? p : NULL;
}

/* Text of a field for a message: cut, and nothing that could upset a terminal or a log. */
static void show(const char *p, const char *end, char *text, size_t size)
{
    size_t used = 0;

    while (p < end && used + 5 < size - 3) {
        if (isprint((unsigned char)*p))
            text[used++] = *p++;
        else
            used += (size_t)snprintf(text + used, size - used, "\\x%02x", (unsigned char)*p++);
    }
    snprintf(text + used, size - used, "%s", p < end ? "..." : "");
}

static int is_word_for_no_number(const char *p, const char *end)
{
    static const char *const words[] = {"nan", "inf", "infinity", "na", "null", "none"};
    size_t n;

    if (p < end && (*p == '-' || *p == '+'))
        p++;
    while (end > p && is_blank(end[-1]))
        end--;
    n = (size_t)(end - p);
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strlen(words[i]) == n && strncasecmp(p, words[i], n) == 0)
            return 1;
    }
    return 0;
}

/* A field that reads like the name of a column. */
static int is_name(const char *p, const char *end)
{
    while (p < end && (is_blank(*p) || *p == '"'))
        p++;
    while (end > p && (is_blank(end[-1]) || end[-1] == '"'))
        end--;
    if (p == end || !(isalpha((unsigned char)*p) || *p == '_') || is_word_for_no_number(p, end))
        return 0;
    for (; p < end; p++) {
        if (*p == ';' || iscntrl((unsigned char)*p)) /* another separator, or no text at all */
            return 0;
    }
    return 1;
}

int km_csv_is_header(const char *text, size_t len)
{
    const char *end = text + len;
    const char *p = text;
    const char *next;

    for (;; p = next + 1) {
        next = field_end(p, end);
        if (!is_name(p, next ? next : end))
            return 0;
        if (!next || next == end)
            return 1;
    }
}

int km_csv_fail_header(const char *text, size_t len, struct km_err *err)
{
    char found[64];

    show(text, text + len, found, sizeof(found));
    return km_fail(err, KM_E_INPUT,
                   "no column is a number, this looks like a header; remove the line (found "
                   "\"%s\")",
                   found);
}

/* The text may have columns, but no commas between them. */
static int has_other_separator(const char *p, const char *end)
{
    float v;
    const char *after = km_take_number(p, end, &v);

    return memchr(p, ';', (size_t)(end - p)) || memchr(p, '\t', (size_t)(end - p)) ||
           (after && after < end && *after == ' ');
}

/* What is wrong with the field at p that did not parse. */
static int fail_field(const char *p, const char *end, struct km_err *err)
{
    const char *stop = field_end(p, end);
    char text[64];
    const char *hint = "";

    p = skip_blanks(p, end);
    if (!stop) {
        show(p, end, text, sizeof(text));
        return km_fail(err, KM_E_INPUT,
                       "found %s, a quote that is not closed on its line; close it, or remove the "
                       "quotes",
                       text);
    }
    if (p == stop)
        return km_fail(err, KM_E_INPUT,
                       "found an empty field, expected a number; remove or fill missing values");
    show(p, stop, text, sizeof(text));
    if (is_word_for_no_number(p, stop))
        return km_fail(err, KM_E_INPUT,
                       "found \"%s\", expected a finite number; remove or fill missing values",
                       text);
    if (has_other_separator(p, stop))
        hint = "; columns are separated by commas";
    return km_fail(err, KM_E_INPUT, "found \"%s\", expected a number%s", text, hint);
}

/* A number that is too large: for float32, or for rows of dim columns. */
static int fail_size(const char *p, const char *end, float value, size_t dim, struct km_err *err)
{
    char text[64];

    p = skip_blanks(p, end);
    show(p, field_end(p, end), text, sizeof(text));
    if (isinf(value))
        return km_fail(err, KM_E_INPUT,
                       "found %s, more than float32 can hold, expected at most %g in size; scale "
                       "the data",
                       text, (double)km_row_limit(dim));
    return km_fail(err, KM_E_INPUT,
                   "found %s, expected at most %g in size (squared distances of %zu features would "
                   "overflow float32); scale the data",
                   text, (double)km_row_limit(dim), dim);
}

static int fail_columns(const char *text, size_t len, size_t skip, size_t dim, struct km_err *err)
{
    size_t columns = km_csv_columns(text, len);
    char labels[96] = "no label (label_size=0)";
    const char *hint = "set feature_dim to the number of features in the data";

    if (skip > 0)
        snprintf(labels, sizeof(labels), "%zu in front of them (label_size=%zu)", skip, skip);
    if (columns == 1 && has_other_separator(text, text + len))
        hint = "columns are separated by commas";
    else if (columns == dim && skip > 0)
        hint = "if the data has no label column, set the content type to text/csv;label_size=0";
    else if (columns == dim + 1 && skip == 0)
        hint =
            "if the first column is a label, set the content type to text/csv;label_size=1, else "
            "set feature_dim to the number of features in the data";
    return km_fail(err, KM_E_INPUT, "%zu columns, expected %zu features and %s; %s", columns, dim,
                   labels, hint);
}

int km_csv_parse(const char *text, size_t len, size_t skip, float *row, size_t dim, size_t *column,
                 size_t *offset, struct km_err *err)
{
    const char *end = text + len;
    const char *p = text;
    const char *next = text;
    size_t i, bad;

    assert(dim > 0);
    for (i = 0; i < skip + dim; i++) {
        if (i > 0 && next == end)
            break;
        p = i > 0 ? next + 1 : text;
        *column = i + 1;
        *offset = (size_t)(p - text);
        next = i < skip ? field_end(p, end) : take_field(p, end, row + (i - skip));
        if (!next)
            return fail_field(p, end, err);
    }
    if (i < skip + dim || next < end) {
        *column = 0;
        *offset = 0;
        return fail_columns(text, len, skip, dim, err);
    }
    bad = km_row_bad(row, dim);
    if (bad == dim)
        return KM_OK;
    *column = skip + bad + 1;
    p = text;
    for (i = 1; i < *column; i++)
        p = field_end(p, end) + 1;
    *offset = (size_t)(p - text);
    return fail_size(p, end, row[bad], dim, err);
}
