/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as CSV, against a reader that is slow and obvious: the same rows, and the same bad line. */
#include "tests/fuzz/fuzz.h"

#include "io/reader.h"

#include <inttypes.h>
#include <math.h>

#define VALUES  4096
#define LONGEST 900 /* characters of a field; longer ones have a limit of their own */

/* What the file holds: rows of d values, up to a bad line (0: none). */
struct table {
    size_t d, n;
    float value[VALUES];
    uint64_t bad_line;
};

/* ---- the obvious reader ---- */

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t digits(const char *s)
{
    return strspn(s, "0123456789");
}

/* [+-]digits[.digits][(e|E)[+-]digits], with a digit before or behind the point, and no more. */
static int is_number(const char *s)
{
    size_t before, behind = 0;

    s += *s == '+' || *s == '-';
    before = digits(s);
    s += before;
    if (*s == '.') {
        behind = digits(s + 1);
        s += 1 + behind;
    }
    if (before + behind == 0)
        return 0;
    if (*s == 'e' || *s == 'E') {
        s += 1 + (s[1] == '+' || s[1] == '-');
        if (digits(s) == 0)
            return 0;
        s += digits(s);
    }
    return *s == '\0';
}

/* Copies from..to without the blanks around it; 0 if it is no text of a usual length. */
static int copy(char text[LONGEST + 1], const char *from, const char *to)
{
    while (from < to && is_blank(*from))
        from++;
    while (to > from && is_blank(to[-1]))
        to--;
    if (to - from > LONGEST || memchr(from, '\0', (size_t)(to - from)))
        return 0;
    memcpy(text, from, (size_t)(to - from));
    text[to - from] = '\0';
    return 1;
}

/* The number of the field at p; returns its end (a comma or that of the line), or NULL. */
static const char *field(const char *p, const char *end, float *v)
{
    char text[LONGEST + 1];
    const char *stop;

    while (p < end && is_blank(*p))
        p++;
    if (p < end && *p == '"') {
        const char *close = memchr(p + 1, '"', (size_t)(end - p - 1));

        if (!close || !copy(text, p + 1, close))
            return NULL;
        for (stop = close + 1; stop < end && is_blank(*stop); stop++)
            ;
        if (stop < end && *stop != ',')
            return NULL;
    } else {
        stop = memchr(p, ',', (size_t)(end - p));
        stop = stop ? stop : end;
        if (!copy(text, p, stop))
            return NULL;
    }
    if (!is_number(text))
        return NULL;
    *v = strtof(text, NULL);
    return isfinite(*v) ? stop : NULL;
}

/* Adds a line; 0 if it is no row. */
static int add(struct table *t, const char *p, const char *end)
{
    size_t columns = 0;
    float *row = t->value + t->n * t->d;

    for (;; p++) {
        if (row + columns == t->value + VALUES)
            return 0;
        p = field(p, end, row + columns);
        if (!p)
            return 0;
        columns++;
        if (p == end)
            break;
    }
    if (t->d == 0)
        t->d = columns;
    t->n += columns == t->d;
    return columns == t->d;
}

static void read_slowly(struct table *t, const char *p, const char *end)
{
    uint64_t line = 0;

    *t = (struct table){0};
    if (end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    while (p < end && t->bad_line == 0) {
        const char *stop = p, *first = p;

        while (stop < end && *stop != '\n' && *stop != '\r')
            stop++;
        line++;
        while (first < stop && is_blank(*first))
            first++;
        if (first < stop && !add(t, p, stop))
            t->bad_line = line;
        p = stop + (end - stop >= 2 && memcmp(stop, "\r\n", 2) == 0 ? 2 : 1);
    }
}

/* ---- ours ---- */

/* 0: the file was refused as a whole. */
static int read_ours(struct table *t, const uint8_t *bytes, size_t n)
{
    struct km_format format = {
        .kind = &km_format_csv, .label_size = 0, .header_rule = KM_HEADER_ABSENT};
    struct km_stream *s;
    struct km_reader *r = NULL;
    struct km_err err;
    size_t got = 1;
    int rc;

    *t = (struct table){0};
    MUST(km_stream_open_memory(&s, "file", bytes, n, &err) == KM_OK, "%s", err.msg);
    rc = km_reader_open(&r, s, &format, NULL, &err);
    t->d = format.feature_dim;
    while (rc == KM_OK && got > 0 && t->d > 0 && (t->n + 1) * t->d <= VALUES) {
        struct km_mat x;
        struct km_rows rows;

        MUST(km_mat_init(&x, 1, t->d, &err) == KM_OK, "%s", err.msg);
        rows = km_rows_of_mat(&x);
        rows.dense.n = 0;
        rc = km_reader_read(r, &rows, (struct km_room){.rows = 1}, &got, &err);
        memcpy(t->value + t->n * t->d, km_mat_row(&x, 0), t->d * sizeof(float));
        t->n += got;
        km_mat_done(&x);
    }
    km_reader_close(r);
    if (rc == KM_OK)
        return 1;
    must_be_told(rc, &err);
    return sscanf(err.msg, "file: line %" SCNu64, &t->bad_line) == 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct table slow, ours;

    if (n >= LONGEST) /* then no field is longer, and no table larger than VALUES */
        return 0;
    read_slowly(&slow, (const char *)bytes, (const char *)bytes + n);
    if (!read_ours(&ours, bytes, n))
        return 0;
    MUST(ours.bad_line == slow.bad_line, "bad line %d, %d", (int)ours.bad_line, (int)slow.bad_line);
    MUST(ours.n == slow.n && (ours.n == 0 || ours.d == slow.d), "%zu, %zu rows", ours.n, slow.n);
    MUST(memcmp(ours.value, slow.value, ours.n * ours.d * sizeof(float)) == 0, "other values");
    return 0;
}
