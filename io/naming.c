/* SPDX-License-Identifier: Apache-2.0 */
#include "io/naming.h"

#include "base/number.h"
#include "base/text.h"
#include "io/fields.h"

#include <string.h>

/* Strictly rising whole numbers are a matter of chance: so many other lines must be otherwise. */
#define RISING_LINES   20
#define COMMON_COLUMNS 3 /* so few values may well be 0, 1, 2 more than once */
#define FIRST_YEAR     1800
#define LAST_YEAR      2200

static void add_number(struct km_naming *a, const struct km_csv_field *f, long *before)
{
    long value;

    if (!km_csv_is_whole(f, &value)) {
        a->whole = a->rising = a->consecutive = 0;
    } else if (a->numbers == 0) {
        a->first = value;
    } else {
        a->rising = a->rising && value > *before;
        a->consecutive = a->consecutive && value == *before + 1;
    }
    *before = value;
    a->numbers++;
}

/* It begins with numbers and what separates columns elsewhere: "1;2;x", "1 2 x"; but not "1 x". */
static int is_row_elsewhere(const char *p, size_t n)
{
    const char *end = p + n;

    for (int numbers = 0; p < end; numbers++) {
        size_t token = 0;
        float v;

        while (p + token < end && !strchr(";|\t ", p[token]))
            token++;
        if (numbers == 2)
            return 1;
        if (token == 0 || km_parse_float(p, token, &v))
            return 0;
        p += token;
        if (p < end && *p != ' ')
            return 1;
        p += p < end;
    }
    return 1;
}

/* Blanks, signs, marks and digits beyond ASCII, which stand in and around numbers, too. */
static int is_letter(uint32_t code)
{
    static const uint32_t none[][2] = {
        {0x80, 0xa9},     {0xab, 0xb4},     {0xb6, 0xb9},     {0xbb, 0xbf},
        {0xd7, 0xd7},     {0xf7, 0xf7},     {0x660, 0x66c},   {0x6f0, 0x6f9},
        {0x966, 0x96f},   {0x2000, 0x2089}, {0x20a0, 0x20cf}, {0x2190, 0x2bff},
        {0x3000, 0x3003}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xff00, 0xff20},
    };

    if (code < 0x80)
        return (code | 0x20) >= 'a' && (code | 0x20) <= 'z';
    for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
        if (code >= none[i][0] && code <= none[i][1])
            return 0;
    return 1;
}

int km_is_name(const char *text, size_t len)
{
    int letters = 0;

    for (size_t i = 0; i < len;) {
        uint32_t code;

        i += km_text_char(text + i, len - i, &code);
        if (code < 0x20 || code == 0x7f)
            return 0;
        letters |= is_letter(code);
    }
    return letters && !is_row_elsewhere(text, len);
}

struct km_naming km_naming_of(const struct km_csv_lines *lines, size_t i,
                              const struct km_dialect *d, size_t skip)
{
    struct km_naming a = {.whole = 1, .rising = 1, .consecutive = 1};
    const char *p = lines->text[i], *end = p + lines->len[i];
    struct km_csv_field f;
    long before = 0;

    for (size_t j = 0; km_csv_field(&p, end, d, &f); j++) {
        if (j < skip)
            continue;
        a.n++;
        a.last_empty = f.kind == KM_FIELD_EMPTY && a.n > 1 && !p;
        if (f.kind == KM_FIELD_NUMBER)
            add_number(&a, &f, &before);
        a.names += f.kind == KM_FIELD_TEXT && km_is_name(f.text, f.len);
    }
    if (a.numbers == 0)
        a.whole = 0;
    a.rising &= a.whole;
    a.consecutive &= a.whole;
    return a;
}

/* The first field of a line, label or not. */
static struct km_csv_field first_of(const struct km_csv_lines *lines, size_t i,
                                    const struct km_dialect *d)
{
    const char *p = lines->text[i];
    struct km_csv_field field = {0};

    km_csv_field(&p, p + lines->len[i], d, &field);
    return field;
}

static int is_numbering(const struct km_naming *f)
{
    return f->consecutive && f->numbers == f->n && (f->first == 0 || f->first == 1);
}

int km_naming_counts_columns(const struct km_csv_lines *lines, const struct km_dialect *d,
                             size_t skip)
{
    struct km_naming all = km_naming_of(lines, 0, d, 0), behind;
    struct km_csv_field first = first_of(lines, 0, d);

    if (first.kind == KM_FIELD_NUMBER)
        return all.n >= 2 && is_numbering(&all);
    behind = km_naming_of(lines, 0, d, skip > 0 ? skip : 1);
    if (first.kind == KM_FIELD_EMPTY)
        return is_numbering(&behind);
    return is_numbering(&behind) && behind.n >= 2 && km_is_name(first.text, first.len);
}

static int is_same(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}

int km_naming_among_values(const struct km_csv_lines *lines, const struct km_dialect *d)
{
    struct km_naming one = km_naming_of(lines, 0, d, 0), two;
    struct km_csv_field first = first_of(lines, 0, d);

    for (size_t i = 1; i < lines->n; i++) {
        struct km_csv_field other = first_of(lines, i, d);

        if (first.kind != KM_FIELD_NUMBER && is_same(first.text, first.len, other.text, other.len))
            return 1;
        if (one.n <= COMMON_COLUMNS &&
            is_same(lines->text[0], lines->len[0], lines->text[i], lines->len[i]))
            return 1;
    }
    if (one.numbers != one.n || lines->n < 2)
        return one.numbers == one.n;
    two = km_naming_of(lines, 1, d, 0);
    if (two.n != one.n || two.numbers != two.n)
        return 1; /* which is what is wrong then */
    return two.consecutive && two.first == one.first + (long)one.n;
}

static int is_years(const struct km_naming *f)
{
    return f->numbers >= 2 && f->consecutive && f->first >= FIRST_YEAR && f->first <= LAST_YEAR;
}

int km_naming_unlike_rows(const struct km_csv_lines *lines, const struct km_dialect *d, size_t skip)
{
    struct km_naming one = km_naming_of(lines, 0, d, skip);
    size_t others = lines->n - 1;
    int rising = one.numbers == one.n && one.n >= 2 && one.rising, years = is_years(&one);
    int otherwise = 0;

    if (one.numbers != one.n || others == 0)
        return 0;
    for (size_t i = 1; i < lines->n; i++) {
        struct km_naming f = km_naming_of(lines, i, d, skip);

        otherwise |= !f.whole;
        rising &= !f.rising;
        years &= !is_years(&f);
    }
    return years || (rising && (otherwise || others >= RISING_LINES));
}
