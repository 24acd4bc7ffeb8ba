/* SPDX-License-Identifier: Apache-2.0 */
/* svmlight, which libsvm and xgboost read, too: LABEL INDEX:VALUE ... # comment */
#include "io/format.h"

#include "base/mem.h"
#include "base/number.h"
#include "base/text.h"
#include "io/csv.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int open_lines(struct km_scan *s, struct km_err *err)
{
    s->state = km_alloc(1, sizeof(struct km_csv));
    return s->state ? KM_OK : km_fail(err, KM_E_MEM, "no memory to read lines");
}

static void close_lines(struct km_scan *s)
{
    km_free(s->state);
}

static size_t longest_line(const struct km_format *f)
{
    return f->feature_dim ? 64 * f->feature_dim + ((size_t)1 << 20) : KM_CSV_LINE_MAX;
}

static int find_line(struct km_scan *s, uint64_t from, struct km_err *err)
{
    return km_csv_find(s->state, s->stream, from, err);
}

/* The next line that is more than a comment. */
static int next_line(struct km_scan *s, struct km_raw *raw, struct km_err *err)
{
    struct km_csv *lines = s->state;
    const char *text;
    int rc;

    lines->max_line = s->longest;
    lines->end = s->end;
    do
        rc = km_csv_line(lines, s->stream, &text, &raw->len, &raw->at, err);
    while (rc == KM_MORE && *km_skip_blanks(text, text + raw->len) == '#');
    s->number = lines->line;
    if (rc == KM_MORE)
        raw->p = (const unsigned char *)text;
    return rc;
}

/* What stands between blanks, up to a comment. */
struct word {
    const char *p, *end; /* of the word */
    const char *line_end;
};

static struct word begin(const struct km_raw *raw)
{
    const char *p = (const char *)raw->p, *end = p + raw->len, *comment = memchr(p, '#', raw->len);

    return (struct word){p, p, comment ? comment : end};
}

static int next_word(struct word *w)
{
    w->p = km_skip_blanks(w->end, w->line_end);
    for (w->end = w->p; w->end < w->line_end && *w->end != ' ' && *w->end != '\t'; w->end++)
        ;
    return w->p < w->end;
}

static int starts(const struct word *w, const char *front)
{
    size_t n = strlen(front);

    return (size_t)(w->end - w->p) > n && memcmp(w->p, front, n) == 0;
}

/* The number in front of the colon, of up to 18 digits; where that stands, or NULL. */
static const char *take_index(const struct word *w, uint64_t *index)
{
    const char *p = w->p;

    *index = 0;
    for (; p < w->end && *p >= '0' && *p <= '9' && p - w->p < 18; p++)
        *index = 10 * *index + (uint64_t)(*p - '0');
    return p > w->p && p < w->end && *p == ':' ? p : NULL;
}

/* A number, or several with commas between them. */
static int is_label(const struct word *w)
{
    const char *p = w->p;
    float ignored;

    while ((p = km_take_number(p, w->end, &ignored)) && p < w->end)
        if (*p++ != ',')
            return 0;
    return p == w->end;
}

static int fail_word(const struct word *w, const char *expected, struct km_err *err)
{
    int n = w->end - w->p > 40 ? 40 : (int)(w->end - w->p);

    return km_fail(err, KM_E_INPUT, "found \"%.*s\", expected %s", n, w->p, expected);
}

/* Takes the label, and qid:N behind it; *w is at the first pair then, if there is one: KM_MORE. */
static int take_label(struct word *w, struct km_err *err)
{
    int more;

    next_word(w); /* the line is not blank */
    if (!is_label(w))
        return fail_word(w,
                         "a number, the label, in front of the features; it is ignored, so that 0 "
                         "is fine",
                         err);
    more = memchr(w->p, ',', (size_t)(w->end - w->p)) != NULL;
    if (!next_word(w))
        return more ? km_fail(err, KM_E_INPUT,
                              "found numbers between commas, expected LABEL INDEX:VALUE ...; for "
                              "CSV set the content type to text/csv")
                    : KM_OK;
    return !starts(w, "qid:") || next_word(w) ? KM_MORE : KM_OK;
}

/* The pair at *w: its column, behind *last, and its value. */
static int take_pair(const struct km_format *f, const struct word *w, size_t *column, float *value,
                     struct km_err *err)
{
    uint64_t index, base = f->from_zero ? 0 : 1;
    const char *p = take_index(w, &index);

    p = p ? km_take_number(p + 1, w->end, value) : NULL;
    if (p != w->end)
        return fail_word(w, "INDEX:VALUE, two finite numbers", err);
    if (!isfinite(*value))
        return fail_word(w, "a value that float32 can hold; scale the data", err);
    if (index < base)
        return fail_word(w,
                         "indices from 1; where they count from 0 set index_base=0 in the content "
                         "type (kmeans convert: --index-base 0)",
                         err);
    if (index - base >= f->feature_dim)
        return km_fail(err, KM_E_INPUT,
                       "found index %" PRIu64 ", expected at most %" PRIu64
                       " as there are %zu features; set feature_dim to their number",
                       index, f->feature_dim - 1 + base, f->feature_dim);
    if (*column != SIZE_MAX && index - base <= *column)
        return fail_word(w, "indices that rise along the line, each once", err);
    *column = (size_t)(index - base);
    return KM_OK;
}

static int width_of_line(struct km_scan *s, const struct km_raw *raw, size_t *dim,
                         struct km_err *err)
{
    (void)s;
    (void)raw;
    *dim = 0;
    return km_fail(err, KM_E_INPUT,
                   "a row does not say how many features there are; give feature_dim, the largest "
                   "index of all rows (--feature_dim N; kmeans convert: --feature-dim N)");
}

static int decode_line(struct km_scan *s, const struct km_raw *raw, float *row, struct km_err *err)
{
    struct word w = begin(raw);
    size_t column = SIZE_MAX;
    int rc = take_label(&w, err);
    float value;

    memset(row, 0, s->format->feature_dim * sizeof(*row));
    while (rc == KM_MORE) {
        rc = take_pair(s->format, &w, &column, &value, err);
        if (rc)
            return rc;
        row[column] = value;
        rc = next_word(&w) ? KM_MORE : KM_OK;
    }
    return rc;
}

static int decode_sparse(struct km_scan *s, const struct km_raw *raw, struct km_csr *x, float *row,
                         int *was_sparse, struct km_err *err)
{
    struct word w = begin(raw);
    size_t column = SIZE_MAX, n = x->nnz;
    int rc = take_label(&w, err);
    float value;

    (void)row;
    while (rc == KM_MORE) {
        rc = take_pair(s->format, &w, &column, &value, err);
        if (rc)
            return rc;
        x->col[n] = (uint32_t)column;
        x->val[n] = value;
        n += value != 0;
        rc = next_word(&w) ? KM_MORE : KM_OK;
    }
    if (rc)
        return rc;
    x->at[x->n] = x->nnz;
    x->len[x->n++] = (uint32_t)(n - x->nnz);
    x->nnz = n;
    *was_sparse = 1;
    return KM_OK;
}

static int fail_line(struct km_scan *s, const struct km_raw *raw, struct km_err *err)
{
    return km_format_place(err, s, "line", raw->at);
}

/* The first line that is no comment has a label and pairs behind it, and nothing else. Of a line
 * that was cut the last word is not judged. */
static int is_svmlight(const unsigned char *p, size_t n)
{
    const unsigned char *end = p + n, *line_end = p;
    struct km_raw raw;
    struct word w;
    size_t pairs = 0;
    uint64_t index;
    float value;

    for (; p < end; p = line_end + 1) {
        line_end = memchr(p, '\n', (size_t)(end - p));
        if (!line_end)
            line_end = end;
        if (p < line_end && *p != '#' && *p != '\r')
            break;
    }
    if (p >= end)
        return 0;
    raw = (struct km_raw){.p = p, .len = (size_t)(line_end - p)};
    raw.len -= raw.len > 0 && p[raw.len - 1] == '\r';
    w = begin(&raw);
    if (!next_word(&w) || !is_label(&w))
        return 0;
    while (next_word(&w)) {
        const char *colon = take_index(&w, &index);

        if (line_end == end && n >= 64 && w.end == w.line_end)
            break;
        if ((pairs > 0 || !starts(&w, "qid:")) &&
            (!colon || km_take_number(colon + 1, w.end, &value) != w.end))
            return 0;
        pairs += colon != NULL;
    }
    return pairs > 0;
}

#define INDEX_TEXT 11 /* a blank, up to nine digits and a colon */

static size_t line_bytes(size_t dim)
{
    return dim * (INDEX_TEXT + KM_FLOAT_TEXT) + 2;
}

static size_t write_line(unsigned char *out, const float *row, size_t dim)
{
    char *p = (char *)out;

    *p++ = '0';
    for (size_t t = 0; t < dim; t++) {
        if (row[t] == 0)
            continue;
        p += snprintf(p, INDEX_TEXT + 1, " %zu:", t + 1);
        p += km_float_print(p, row[t]);
    }
    *p++ = '\n';
    return (size_t)(p - (char *)out);
}

static const char *const parameters[] = {"index_base", NULL};

const struct km_format_kind km_format_svmlight = {
    .name = "svmlight (libsvm)",
    .word = "svmlight",
    .content_type = "text/libsvm",
    .alias = "text/x-libsvm",
    .accepted = "text/libsvm;index_base=0|1",
    .assumed = "text/libsvm",
    .parameters = parameters,
    .suffix = ".svmlight",
    .found = "is an svmlight (libsvm) file",
    .todo = "set the channel's content type to text/libsvm",
    .may_be_sparse = 1,
    .may_be_zipped = 1,
    .value_bytes = 1,
    .sparse_row_bytes = 2, /* a label and the end of its line */
    .is = is_svmlight,
    .open = open_lines,
    .close = close_lines,
    .find = find_line,
    .longest = longest_line,
    .next = next_line,
    .width = width_of_line,
    .decode = decode_line,
    .decode_sparse = decode_sparse,
    .fail = fail_line,
    .row_bytes = line_bytes,
    .write = write_line,
};
