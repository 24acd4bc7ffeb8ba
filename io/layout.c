/* SPDX-License-Identifier: Apache-2.0 */
#include "io/layout.h"

#include "io/fields.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Field number `column` (from 0) of a line; 0 if it has no such field. */
static int field_at(const struct km_csv_lines *lines, size_t i, size_t column,
                    const struct km_dialect *d, struct km_csv_field *f)
{
    const char *p = lines->text[i];

    for (size_t j = 0; j <= column; j++)
        if (!km_csv_field(&p, lines->text[i] + lines->len[i], d, f))
            return 0;
    return 1;
}

int km_layout_counts(const struct km_csv_lines *lines, size_t column, const struct km_dialect *d)
{
    long start = 0, value;

    for (size_t i = 1; i < lines->n; i++) {
        struct km_csv_field f;

        if (!field_at(lines, i, column, d, &f) || !km_csv_is_whole(&f, &value))
            return 0;
        start = i == 1 ? value : start;
        if (value != start + (long)i - 1 || start > 1)
            return 0;
    }
    return lines->n > 1;
}

int km_layout_row_names(const struct km_csv_lines *lines, const struct km_dialect *d)
{
    for (size_t i = 1; i < lines->n; i++) {
        struct km_csv_field f;

        if (!field_at(lines, i, 0, d, &f))
            return 0;
        if (f.kind != KM_FIELD_TEXT && !(f.text > lines->text[i] && f.text[-1] == '"'))
            return lines->n > 2 && km_layout_counts(lines, 0, d);
    }
    return lines->n > 1;
}

int km_layout_open_ends(const struct km_csv_lines *lines, const struct km_dialect *d)
{
    for (size_t i = lines->n > 1; i < lines->n; i++) {
        size_t columns = km_csv_columns(lines->text[i], lines->len[i], d);

        if (columns < 2 ||
            km_csv_kind(lines->text[i], lines->len[i], columns - 1, d) != KM_FIELD_EMPTY)
            return 0;
    }
    return lines->n > 0;
}

int km_layout_is_thousands(const char *text, size_t len)
{
    const char *p = text, *end = text + len;
    size_t digits = 0, groups = 0;

    p += p < end && (*p == '-' || *p == '+');
    if (p == end || *p == '0')
        return 0;
    while (p < end && isdigit((unsigned char)*p)) {
        digits++;
        p++;
    }
    if (digits < 1 || digits > 3)
        return 0;
    for (; end - p >= 4 && *p == ','; groups++) {
        if (!isdigit((unsigned char)p[1]) || !isdigit((unsigned char)p[2]) ||
            !isdigit((unsigned char)p[3]))
            return 0;
        p += 4;
    }
    if (p < end && *p == '.')
        for (p++; p < end && isdigit((unsigned char)*p);)
            p++;
    return groups > 0 && p == end;
}

int km_layout_thousands(const struct km_csv_lines *lines, const struct km_dialect *d, size_t skip)
{
    size_t found = 0;

    for (size_t i = 0; i < lines->n; i++) {
        const char *p = lines->text[i], *end = p + lines->len[i];
        struct km_csv_field f;

        for (size_t j = 0; km_csv_field(&p, end, d, &f); j++) {
            if (j < skip || f.kind != KM_FIELD_NUMBER || !memchr(f.text, ',', f.len))
                continue;
            if (!km_layout_is_thousands(f.text, f.len))
                return 0;
            found++;
        }
    }
    return found > 0;
}

char km_layout_announced(const char *text, size_t len)
{
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\r'))
        len--;
    if (len == 7 && text[0] == '"' && text[6] == '"') {
        text++;
        len -= 2;
    }
    return len == 5 && strncasecmp(text, "sep=", 4) == 0 && !isalnum((unsigned char)text[4])
               ? text[4]
               : 0;
}
