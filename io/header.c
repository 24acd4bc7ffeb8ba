/* SPDX-License-Identifier: Apache-2.0 */
#include "io/header.h"

#include "base/mem.h"
#include "base/size.h"
#include "base/text.h"
#include "io/fields.h"
#include "io/layout.h"
#include "io/naming.h"
#include <stdio.h>
#include <string.h>

void km_header_done(struct km_header *h)
{
    km_free(h->line);
    *h = (struct km_header){0};
}

/* ---- names ---- */

/* A column of row numbers: the first of the features, or the one that is taken for a label
 * unasked. */
static void find_index(struct km_header *h, const struct km_header_look *look)
{
    size_t column = look->guessed ? 0 : look->skip;
    int counts = look->lines->n >= 4 && km_layout_counts(look->lines, column, &look->dialect);
    char label[64];

    if (!counts && km_csv_kind(look->lines->text[0], look->lines->len[0], column, &look->dialect) !=
                       KM_FIELD_EMPTY)
        return;
    h->index = column + 1;
    snprintf(label, sizeof(label),
             column < look->skip ? ", or say label_size=%zu"
                                 : ", or say that it is to be dropped (label_size=%zu)",
             column + 1);
    snprintf(h->warning, sizeof(h->warning),
             "%.300s: column %zu %s: it looks like an index, and is %s. Write the file without it "
             "(pandas: "
             "header=False, index=False; R: row.names=FALSE)%s",
             look->path, column + 1, counts ? "counts the rows" : "has no name in the header",
             column < look->skip ? "dropped as a label, as nobody has said how many there are"
                                 : "clustered as a feature",
             label);
}

/* Keeps the names; they may be one more than columns, as the line may end in a separator. */
static int keep(struct km_header *h, const struct km_header_look *look, size_t columns,
                struct km_err *err)
{
    size_t len = look->lines->len[0];

    h->line = km_alloc(len + 1, 1);
    if (!h->line)
        return km_fail(err, KM_E_MEM, "no memory for a header of %zu bytes", len);
    memcpy(h->line, look->lines->text[0], len);
    h->len = len;
    h->path = look->path;
    h->said = look->rule == KM_HEADER_PRESENT;
    h->dialect = look->dialect;
    h->columns = columns;
    h->skip = km_min(look->skip, columns);
    return KM_OK;
}

/* Names and columns of the next line; 0 where there is no line to compare with. */
static int misfit(const struct km_header_look *look, size_t *names, size_t *columns)
{
    struct km_naming f = km_naming_of(look->lines, 0, &look->dialect, 0);

    *names = f.n;
    *columns = f.n;
    if (look->lines->n > 1)
        *columns = km_csv_columns(look->lines->text[1], look->lines->len[1], &look->dialect);
    if (f.n == *columns + 1 && f.last_empty)
        *names = *columns;
    return *names != *columns;
}

/* Names and rows have the same other separator in them; 0: they have not. */
static char shared_separator(const struct km_header_look *look)
{
    const struct km_csv_lines *l = look->lines;
    char other = km_csv_other_separator(l->text[0], l->len[0], &look->dialect);

    return other && memchr(l->text[1], other, l->len[1]) ? other : 0;
}

static const char *what_to_do(const struct km_header_look *look, size_t names, size_t columns)
{
    if (names + 1 == columns && km_layout_open_ends(look->lines, &look->dialect))
        return "the lines behind it end in a separator with nothing behind: remove it";
    if (names + 1 == columns && km_layout_row_names(look->lines, &look->dialect))
        return "write the file without row names (R: row.names=FALSE)";
    return "give every line the same columns";
}

static int fail_misfit(const struct km_header_look *look, size_t names, size_t columns,
                       struct km_err *err)
{
    char text[64], other = shared_separator(look);

    km_show(look->lines->text[0], look->lines->len[0], text, sizeof(text));
    if (other)
        return km_fail(
            err, KM_E_INPUT,
            "found \"%s\", which looks like a header; columns are separated by %s, not %s", text,
            km_dialect_name(look->dialect.separator), km_dialect_name(other));
    return km_fail(
        err, KM_E_INPUT,
        "this looks like a header of %zu name%s (\"%s\"), but the line behind it has %zu column%s; "
        "%s, or say header=present if the line is to be skipped",
        names, names == 1 ? "" : "s", text, columns, columns == 1 ? "" : "s",
        what_to_do(look, names, columns));
}

/* A later file's header: its names must be those of the first. */
static int check_same(const struct km_header *h, const struct km_header_look *look,
                      struct km_err *err)
{
    struct km_header other = {.line = (char *)(uintptr_t)look->lines->text[0],
                              .len = look->lines->len[0],
                              .dialect = look->dialect,
                              .columns = h->columns,
                              .skip = h->skip};
    char found[200], expected[200];

    if (h->columns == 0 || km_header_hash(&other) == km_header_hash(h))
        return KM_OK;
    km_show(other.line, other.len, found, sizeof(found));
    km_show(h->line, h->len, expected, sizeof(expected));
    return km_fail(
        err, KM_E_INPUT,
        "found the header \"%s\", expected \"%s\" as in %s; give all files the same columns in the "
        "same order",
        found, expected, h->path);
}

static int take_names(struct km_header *h, const struct km_header_look *look, struct km_err *err)
{
    size_t names, columns;
    int rc;

    if (h->line)
        return check_same(h, look, err);
    if (!misfit(look, &names, &columns)) {
        rc = keep(h, look, names, err);
        if (rc == KM_OK && !h->looked)
            find_index(h, look);
        return rc;
    }
    if (look->rule == KM_HEADER_PRESENT)
        return keep(h, look, 0, err);
    return fail_misfit(look, names, columns, err);
}

/* ---- the judgement ---- */

static int fail_numbering(const struct km_header_look *look, struct km_err *err)
{
    char text[64];

    km_show(look->lines->text[0], look->lines->len[0], text, sizeof(text));
    return km_fail(
        err, KM_E_INPUT,
        "found the numbers of the columns (\"%s\"): a header, as pandas' to_csv writes it, or the "
        "first row? Write the file without it (pandas: header=False, index=False), or say which "
        "it is: header=present (the line is skipped) or header=absent (it is a row)",
        text);
}

static int fail_announced(const struct km_header_look *look, struct km_err *err)
{
    char c = km_layout_announced(look->lines->text[0], look->lines->len[0]);
    char text[16];

    km_show(look->lines->text[0], look->lines->len[0], text, sizeof(text));
    return km_fail(
        err, KM_E_INPUT,
        "found \"%s\", which tells Excel that columns are separated by %s, and is neither a "
        "header nor a row; remove that line",
        text, km_dialect_name(c));
}

/* Names, or names mixed with numbers, which a row of numbers has not. */
static int judge_text(struct km_header *h, const struct km_header_look *look,
                      const struct km_naming *f, int *is_header, struct km_err *err)
{
    *is_header = f->numbers == 0 && f->names > 0;
    return *is_header ? take_names(h, look, err) : KM_OK;
}

static void warn_of_numbers(struct km_header *h, const struct km_header_look *look)
{
    char text[64];

    km_show(look->lines->text[0], look->lines->len[0], text, sizeof(text));
    snprintf(h->warning, sizeof(h->warning),
             "%.300s: line 1 (\"%s\") is taken for a row, but looks like a header: no other of the "
             "first %zu "
             "lines is like it. If it is one, say header=present",
             look->path, text, look->lines->n);
}

/* A file further on has names where the first one had none. */
static void warn_of_late(struct km_header *h)
{
    char text[64];

    km_show(h->line, h->len, text, sizeof(text));
    snprintf(h->late, sizeof(h->late),
             "%.300s: line 1 (\"%s\") is taken for a header and is skipped, but the first file has "
             "no header: check that it is no row, or say header=absent",
             h->path, text);
}

static int judge(struct km_header *h, const struct km_header_look *look, int *is_header,
                 struct km_err *err)
{
    struct km_naming f = km_naming_of(look->lines, 0, &look->dialect, look->skip);

    if (h->line && look->lines->len[0] == h->len &&
        memcmp(look->lines->text[0], h->line, h->len) == 0) {
        *is_header = 1;
        return KM_OK;
    }
    if (km_layout_announced(look->lines->text[0], look->lines->len[0]))
        return fail_announced(look, err);
    if (!h->rows_first && !h->line &&
        km_naming_counts_columns(look->lines, &look->dialect, look->skip) &&
        !km_naming_among_values(look->lines, &look->dialect))
        return fail_numbering(look, err);
    if (f.numbers < f.n)
        return judge_text(h, look, &f, is_header, err);
    if (!h->looked && km_naming_unlike_rows(look->lines, &look->dialect, look->skip) &&
        !km_naming_among_values(look->lines, &look->dialect))
        warn_of_numbers(h, look);
    return KM_OK;
}

int km_header_judge(struct km_header *h, const struct km_header_look *look, int *is_header,
                    struct km_err *err)
{
    int had = h->line != NULL, rc = KM_OK;

    *is_header = 0;
    if (look->lines->n == 0 || look->rule == KM_HEADER_ABSENT)
        return KM_OK;
    *is_header = look->rule == KM_HEADER_PRESENT;
    rc = *is_header ? take_names(h, look, err) : judge(h, look, is_header, err);
    if (h->looked && !had && h->line && !h->said)
        warn_of_late(h);
    h->looked = 1;
    h->rows_first |= rc == KM_OK && !*is_header && look->lines->n > 1;
    return rc;
}

/* ---- asking ---- */

int km_header_name(const struct km_header *h, size_t column, char *name, size_t size)
{
    const char *p = h->line;
    struct km_csv_field f;

    if (column < 1 || column > h->columns)
        return 0;
    while (km_csv_field(&p, h->line + h->len, &h->dialect, &f))
        if (--column == 0) {
            km_show(f.text, f.len, name, size);
            return f.len > 0;
        }
    return 0;
}

void km_header_names(const struct km_header *h, char *text, size_t size)
{
    size_t used = 0;

    snprintf(text, size, "names that do not fit the rows");
    for (size_t j = h->skip + 1; j <= h->columns; j++) {
        char name[48];

        if (!km_header_name(h, j, name, sizeof(name)))
            snprintf(name, sizeof(name), "(no name)");
        if (used + strlen(name) + sizeof(", ...") > size) {
            snprintf(text + used, size - used, ", ...");
            return;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", name);
    }
}

void km_header_note(const struct km_header *h, char *text, size_t size)
{
    char shown[64];

    text[0] = '\0';
    if (!h->line)
        return;
    km_show(h->line, h->len, shown, sizeof(shown));
    snprintf(text, size,
             h->said ? "; line 1 of %.300s (\"%s\") was skipped, as header=present says"
                     : "; line 1 of %.300s (\"%s\") was taken for a header: if it is a row, say "
                       "header=absent",
             h->path, shown);
}

/* FNV-1a over the names as they are, each ended by a byte that no text holds. */
uint64_t km_header_hash(const struct km_header *h)
{
    const char *p = h->line;
    struct km_csv_field f;
    uint64_t hash = 0xcbf29ce484222325;

    if (!p || h->columns == 0)
        return 0;
    for (size_t j = 0; km_csv_field(&p, h->line + h->len, &h->dialect, &f); j++) {
        if (j < h->skip || j >= h->columns)
            continue;
        for (size_t i = 0; i < f.len; i++)
            hash = (hash ^ (unsigned char)f.text[i]) * 0x100000001b3;
        hash = (hash ^ 0xff) * 0x100000001b3;
    }
    return hash;
}
