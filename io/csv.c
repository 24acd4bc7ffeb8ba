/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A quoted field may hold anything but a line end: rows of numbers have no use for it, and without
 * it a forgotten quote cannot swallow the rest of the file.
 */
#include "io/csv.h"

#include "base/text.h"

#include <inttypes.h>
#include <string.h>

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
        if (km_skip_blanks(*text, *text + *len) < *text + *len)
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

#define AHEAD_BYTES ((size_t)1 << 20)

/* Cuts what the stream has into lines, from the first on; 1 if it is enough. */
static int cut_lines(const char *p, size_t got, int all, size_t most, struct km_csv_lines *lines)
{
    const char *end = p + got;

    lines->n = 0;
    while (p < end && lines->n < most) {
        const char *stop = p;

        while (stop < end && *stop != '\n' && *stop != '\r')
            stop++;
        if (stop == end && !all) /* it may go on */
            return 0;
        if (km_skip_blanks(p, stop) < stop) {
            lines->text[lines->n] = p;
            lines->len[lines->n++] = (size_t)(stop - p);
        }
        p = stop + 1;
    }
    return lines->n == most || all;
}

/* The byte order mark stays where it is: a range that ends within it still has the first line. */
static size_t mark_at(const struct km_csv *c, const unsigned char *p, size_t got)
{
    return !c->started && got >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

int km_csv_ahead(const struct km_csv *c, struct km_stream *s, size_t most,
                 struct km_csv_lines *lines, struct km_err *err)
{
    size_t line_max = c->max_line ? c->max_line : KM_CSV_LINE_MAX, got = 2;

    if (!km_stream_again(s) && most > 2)
        most = 2;
    lines->n = 0;
    for (;;) {
        size_t want = got + 1, mark;
        const unsigned char *p;
        int rc = km_stream_peek(s, want, &p, &got, err);

        if (rc)
            return rc;
        mark = mark_at(c, p, got);
        if (cut_lines((const char *)p + mark, got - mark, got < want, most, lines) ||
            (lines->n >= 2 && got >= AHEAD_BYTES) || got > 2 * line_max)
            return KM_OK;
    }
}
