/* SPDX-License-Identifier: Apache-2.0 */
#include "io/dialect.h"

#include "io/csv.h"
#include "io/fields.h"
#include "io/layout.h"
#include "io/naming.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const struct {
    char c;
    const char *word, *option, *name;
} separators[] = {
    {',', "comma", "','", "commas (,)"},
    {';', "semicolon", "';'", "semicolons (;)"},
    {'\t', "tab", "tab", "tabs"},
    {'|', "pipe", "'|'", "vertical bars (|)"},
    {' ', "space", "space", "blanks"},
    {':', "colon", "':'", "colons (:)"},
    {'\x01', "ctrl-a", "ctrl-a", "Ctrl-A (\\x01)"},
};
#define SEPARATORS (sizeof(separators) / sizeof(*separators))

int km_dialect_separator(struct km_dialect *d, const char *text, struct km_err *err)
{
    for (size_t i = 0; i < SEPARATORS; i++)
        if (strcmp(text, separators[i].word) == 0 || (text[0] == separators[i].c && !text[1])) {
            d->separator = separators[i].c;
            return KM_OK;
        }
    if (strcmp(text, "\\t") == 0 || strcmp(text, "\\x01") == 0) {
        d->separator = text[1] == 't' ? '\t' : '\x01';
        return KM_OK;
    }
    if (ispunct((unsigned char)text[0]) && !text[1] && !strchr("\"'.+-_", text[0])) {
        d->separator = text[0];
        return KM_OK;
    }
    return km_fail(
        err, KM_E_INPUT,
        "--separator: found \"%s\", expected what stands between columns: one of , ; : |, or the "
        "word tab, space or ctrl-a",
        text);
}

int km_dialect_decimal(struct km_dialect *d, const char *text, struct km_err *err)
{
    int comma = strcmp(text, "comma") == 0 || strcmp(text, ",") == 0;

    if (!comma && strcmp(text, "point") != 0 && strcmp(text, ".") != 0)
        return km_fail(err, KM_E_INPUT, "--decimal: found \"%s\", expected point or comma", text);
    d->point = comma ? ',' : '.';
    return KM_OK;
}

const char *km_dialect_name(char separator)
{
    for (size_t i = 0; i < SEPARATORS; i++)
        if (separators[i].c == (separator ? separator : ','))
            return separators[i].name;
    return "another character";
}

void km_dialect_options(const struct km_dialect *d, char *text, size_t size)
{
    const char *decimal = d->point == ',' ? "--decimal comma" : "";
    char sep[32] = "";

    for (size_t i = 0; i < SEPARATORS; i++)
        if (separators[i].c == d->separator && d->separator != ',')
            snprintf(sep, sizeof(sep), "--separator %s", separators[i].option);
    snprintf(text, size, "%s%s%s", sep, sep[0] && decimal[0] ? " " : "", decimal);
}

/* Whether a line is numbers in this dialect, or, as `first`, names. */
static int line_fits(const char *text, size_t len, const struct km_dialect *d, size_t skip,
                     int first)
{
    const char *p = text;
    size_t numbers = 0, names = 0, n = 0;
    struct km_csv_field f;

    for (size_t i = 0; km_csv_field(&p, text + len, d, &f); i++) {
        if (i < skip)
            continue;
        n++;
        numbers += f.kind == KM_FIELD_NUMBER;
        names += f.kind == KM_FIELD_TEXT && km_is_name(f.text, f.len);
    }
    return numbers == n || (first && numbers == 0 && names > 0);
}

/* named: the lines behind the first begin with a name of a row each, which the first does not
 * name. */
static int fits(const struct km_csv_lines *lines, const struct km_dialect *d, size_t skip,
                int named)
{
    size_t columns = km_csv_columns(lines->text[0], lines->len[0], d);

    if (columns + (size_t)named < 2 || columns <= skip)
        return 0;
    for (size_t i = 0; i < lines->n; i++) {
        size_t more = named && i > 0;

        if (km_csv_columns(lines->text[i], lines->len[i], d) != columns + more ||
            !line_fits(lines->text[i], lines->len[i], d, skip + more, i == 0 && lines->n > 1))
            return 0;
    }
    return !named || km_layout_row_names(lines, d);
}

/* Commas between columns and in numbers: only quotes can tell them apart. */
static int has_quotes(const struct km_csv_lines *lines)
{
    for (size_t i = 0; i < lines->n; i++)
        if (memchr(lines->text[i], '"', lines->len[i]))
            return 1;
    return 0;
}

int km_dialect_guess(struct km_dialect *found, const struct km_csv_lines *lines,
                     const struct km_dialect *tried, size_t skip)
{
    static const char order[] = ";\t|\x01 ,";

    if (lines->n == 0 || fits(lines, tried, skip, 0))
        return 0;
    for (int way = 0; way < 4; way++) /* names of rows in front are the last guess */
        for (const char *c = order; *c; c++) {
            struct km_dialect d = {*c, way % 2 ? ',' : '.'};

            if (*c == ',' && (way % 2 == 0 || !has_quotes(lines)))
                continue;
            if (fits(lines, &d, skip, way / 2)) {
                *found = d;
                return 1 + way / 2;
            }
        }
    return 0;
}
