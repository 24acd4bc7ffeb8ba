/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Magic, two bytes of version, the length of the text (u16, from version 2 on u32), then the text
 * of a dict of Python: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, blanks and LF.
 */
#include "io/npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAGIC    6
#define MOST     65535 /* bytes of the text: of numbers no more than 200 are needed */
#define MOST_DIM ((uint64_t)1 << 40)

int km_npy_is(const unsigned char *p, size_t n)
{
    return n >= MAGIC && memcmp(p, KM_NPY_MAGIC, MAGIC) == 0;
}

/* The text as far as it is read. */
struct text {
    const struct km_stream *stream;
    const char *begin, *p, *end;
    uint64_t at; /* byte of the file at which it begins */
};

static int fail(const struct text *t, const char *expected, struct km_err *err)
{
    char found[32];
    size_t n = 0;

    for (const char *p = t->p; p < t->end && n < 24; p++)
        found[n++] = *p >= ' ' && *p <= '~' ? *p : '?';
    found[n] = '\0';
    return km_fail(err, KM_E_INPUT,
                   "%s: byte %" PRIu64 ": found \"%s\", expected %s in the header of a numpy file; "
                   "write the file again",
                   km_stream_path(t->stream), t->at + (uint64_t)(t->p - t->begin), found, expected);
}

static void skip_blanks(struct text *t)
{
    while (t->p < t->end && strchr(" \t\r\n", *t->p) && *t->p)
        t->p++;
}

/* Steps over a word, and blanks in front of it; 0 if it is not there. */
static int take(struct text *t, const char *word)
{
    size_t n = strlen(word);

    skip_blanks(t);
    if ((size_t)(t->end - t->p) < n || memcmp(t->p, word, n) != 0)
        return 0;
    t->p += n;
    return 1;
}

/* A string in quotes of either kind, cut where out ends; 0 if there is none. */
static int take_string(struct text *t, char *out, size_t size)
{
    const char *end;
    char quote;
    size_t n;

    skip_blanks(t);
    if (t->p == t->end || (*t->p != '\'' && *t->p != '"'))
        return 0;
    quote = *t->p;
    end = memchr(t->p + 1, quote, (size_t)(t->end - t->p - 1));
    if (!end)
        return 0;
    n = (size_t)(end - t->p - 1);
    snprintf(out, size, "%.*s", (int)n, t->p + 1);
    t->p = end + 1;
    return 1;
}

/* What a type is that holds no numbers of ours. */
static const char *name_of(char kind)
{
    switch (kind) {
    case 'O':
        return "Python objects, which only Python can read";
    case 'c':
        return "complex numbers";
    case 'S':
    case 'a':
    case 'U':
        return "text";
    case 'M':
    case 'm':
        return "dates or times";
    case 'f':
        return "long doubles";
    default:
        return "no numbers";
    }
}

static int take_type(struct text *t, struct km_npy *x, struct km_err *err)
{
    const char *at = t->p;
    char type[24] = "", *p = type;

    if (take(t, "["))
        return km_fail(err, KM_E_INPUT,
                       "%s: byte %" PRIu64 ": found an array of records with names, expected "
                       "numbers of one type; save numpy.lib.recfunctions."
                       "structured_to_unstructured(x)",
                       km_stream_path(t->stream), t->at + (uint64_t)(at - t->begin));
    if (!take_string(t, type, sizeof(type)))
        return fail(t, "a type", err);
    if (*p && strchr("<>=|", *p))
        p++;
    x->of.big_endian = *type == '>';
    x->of.kind = *p == 'b' ? 'u' : *p;
    x->of.bytes = *p && p[1] ? p[1] - '0' : 0;
    if (*p && strchr("biuf", *p) && strlen(p) == 2 && strchr("1248", p[1]) &&
        !(*p == 'b' && p[1] != '1') && !(*p == 'f' && p[1] == '1'))
        return KM_OK;
    return km_fail(err, KM_E_INPUT,
                   "%s: byte %" PRIu64 ": found values of type '%s' (%s), expected integers or "
                   "floats of at most 8 bytes; save x.astype(numpy.float32)",
                   km_stream_path(t->stream), t->at + (uint64_t)(at - t->begin), type, name_of(*p));
}

/* A size of an axis; 0 if there is none. */
static int take_size(struct text *t, uint64_t *n)
{
    const char *first;

    skip_blanks(t);
    first = t->p;
    *n = 0;
    for (; t->p < t->end && *t->p >= '0' && *t->p <= '9'; t->p++)
        if (__builtin_mul_overflow(*n, 10u, n) ||
            __builtin_add_overflow(*n, (uint64_t)(*t->p - '0'), n))
            return 0;
    if (t->p == first)
        return 0;
    take(t, "L"); /* as Python 2 wrote it */
    return 1;
}

static int take_shape(struct text *t, struct km_npy *x, struct km_err *err)
{
    uint64_t n;

    x->axes = 0;
    x->rows = x->dim = 1;
    if (!take(t, "("))
        return fail(t, "a shape", err);
    while (!take(t, ")")) {
        if (!take_size(t, &n) ||
            (x->axes > 0 && (__builtin_mul_overflow(x->dim, n, &x->dim) || x->dim > MOST_DIM)))
            return fail(t, "sizes of axes", err);
        if (x->axes++ == 0)
            x->rows = n;
        if (!take(t, ",") && (t->p == t->end || *t->p != ')'))
            return fail(t, "a comma or )", err);
    }
    return KM_OK;
}

static int take_order(struct text *t, struct km_npy *x, struct km_err *err)
{
    x->fortran = take(t, "True");
    return x->fortran || take(t, "False") ? KM_OK : fail(t, "True or False", err);
}

static int take_dict(struct text *t, struct km_npy *x, struct km_err *err)
{
    static const struct {
        const char *key;
        int (*take)(struct text *t, struct km_npy *x, struct km_err *err);
    } entries[] = {{"descr", take_type}, {"fortran_order", take_order}, {"shape", take_shape}};
    unsigned seen = 0;
    char key[16];
    size_t i;
    int rc;

    if (!take(t, "{"))
        return fail(t, "{", err);
    while (!take(t, "}")) {
        if (!take_string(t, key, sizeof(key)))
            return fail(t, "a name or }", err);
        for (i = 0; i < 3 && strcmp(entries[i].key, key) != 0; i++)
            ;
        if (i == 3 || seen >> i & 1 || !take(t, ":"))
            return fail(t, "descr, fortran_order and shape, each once", err);
        seen |= 1u << i;
        rc = entries[i].take(t, x, err);
        if (rc)
            return rc;
        if (!take(t, ",") && (t->p == t->end || *t->p != '}'))
            return fail(t, "a comma or }", err);
    }
    skip_blanks(t);
    if (seen != 7 || t->p < t->end)
        return fail(t, "descr, fortran_order and shape, and then the end", err);
    return KM_OK;
}

static int fail_cut(const struct km_stream *s, size_t got, struct km_err *err)
{
    return km_fail(err, KM_E_INPUT,
                   "%s: byte %" PRIu64 ": the file ends within its header, expected a numpy file; "
                   "fetch the file again",
                   km_stream_path(s), km_stream_at(s) + got);
}

int km_npy_read(struct km_npy *x, struct km_stream *s, struct km_err *err)
{
    const unsigned char *p;
    size_t front, len, got;
    struct text t = {.stream = s};
    int rc = km_stream_peek(s, 12, &p, &got, err);

    if (rc)
        return rc;
    if (got < 12)
        return fail_cut(s, got, err);
    if (!km_npy_is(p, got) || p[6] < 1 || p[6] > 3)
        return km_fail(err, KM_E_INPUT,
                       "%s: byte %" PRIu64 ": found %02x %02x %02x ... %02x, expected the first "
                       "bytes of a numpy file (93 4e 55 4d 50 59 01 00)",
                       km_stream_path(s), km_stream_at(s), p[0], p[1], p[2], p[6]);
    front = p[6] == 1 ? 10 : 12;
    len = (size_t)p[8] | (size_t)p[9] << 8;
    if (p[6] > 1)
        len |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
    if (len > MOST)
        return km_fail(err, KM_E_INPUT,
                       "%s: byte %" PRIu64 ": found a header of %zu bytes, expected at most %d; "
                       "save numbers of one type",
                       km_stream_path(s), km_stream_at(s) + 8, len, MOST);
    rc = km_stream_peek(s, front + len, &p, &got, err);
    if (rc == KM_OK && got < front + len)
        rc = fail_cut(s, got, err);
    if (rc)
        return rc;
    t.at = km_stream_at(s) + front;
    t.begin = t.p = (const char *)p + front;
    t.end = t.p + len;
    rc = take_dict(&t, x, err);
    if (rc == KM_OK)
        km_stream_skip(s, front + len);
    return rc;
}

size_t km_npy_write(unsigned char out[KM_NPY_HEADER], const struct km_npy *x)
{
    char text[KM_NPY_HEADER];
    int n = snprintf(text, sizeof(text),
                     "{'descr': '%c%c%d', 'fortran_order': False, 'shape': (%" PRIu64 ", %" PRIu64
                     "), }",
                     x->of.big_endian ? '>' : '<', x->of.kind, x->of.bytes, x->rows, x->dim);

    memset(out, ' ', KM_NPY_HEADER);
    memcpy(out, KM_NPY_MAGIC "\1\0", 8);
    out[8] = KM_NPY_HEADER - 10;
    out[9] = 0;
    memcpy(out + 10, text, (size_t)n);
    out[KM_NPY_HEADER - 1] = '\n';
    return KM_NPY_HEADER;
}
