/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Makes place for `more` bytes and the NUL. */
static int reserve(struct km_text *t, size_t more)
{
    if (!t->failed && km_grow(&t->s, t->n, &t->room, more + 1, 1))
        t->failed = 1;
    return t->failed ? -1 : 0;
}

void km_text_add(struct km_text *t, const char *fmt, ...)
{
    va_list ap, again;
    int more;

    va_start(ap, fmt);
    va_copy(again, ap);
    more = vsnprintf(NULL, 0, fmt, ap);
    if (more < 0)
        t->failed = 1;
    else if (reserve(t, (size_t)more) == 0) {
        vsnprintf(t->s + t->n, (size_t)more + 1, fmt, again);
        t->n += (size_t)more;
    }
    va_end(again);
    va_end(ap);
}

void km_text_add_bytes(struct km_text *t, const char *bytes, size_t n)
{
    if (reserve(t, n))
        return;
    memcpy(t->s + t->n, bytes, n);
    t->n += n;
    t->s[t->n] = '\0';
}

int km_list_add(struct km_list *list, char *text)
{
    if (km_grow(&list->s, list->n, &list->room, 1, sizeof(*list->s))) {
        km_free(text);
        return KM_E_MEM;
    }
    list->s[list->n++] = text;
    return KM_OK;
}

void km_list_done(struct km_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        km_free(list->s[i]);
    km_free(list->s);
    memset(list, 0, sizeof(*list));
}

size_t km_utf8_length(const char *s)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t n = u[0] < 0x80 ? 1 : u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;

    if (u[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((u[i] & 0xc0) != 0x80)
            return 0;
    /* overlong forms, surrogates, beyond U+10FFFF */
    if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
        (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
        return 0;
    return n;
}

size_t km_text_char(const char *p, size_t n, uint32_t *code)
{
    static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    char four[5] = {0};
    size_t len;

    memcpy(four, p, n < 4 ? n : 4);
    len = km_utf8_length(four);
    *code = (unsigned char)*p;
    if (len < 2)
        return 1;
    *code &= first[len];
    for (size_t i = 1; i < len; i++)
        *code = *code << 6 | ((unsigned char)p[i] & 0x3f);
    return len;
}

void km_utf8_clean(char *s)
{
    while (*s) {
        size_t n = km_utf8_length(s);

        if (n == 0)
            *s = '?';
        else if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = ' ';
        s += n ? n : 1;
    }
}

/* One character of foreign text: bytes taken from p, and what to show for them. */
static size_t show_one(const char *p, size_t n, char shown[8])
{
    char four[5] = {0};
    size_t len;

    memcpy(four, p, n < 4 ? n : 4);
    len = km_utf8_length(four);
    if ((unsigned char)*p < 0x20 || (unsigned char)*p == 0x7f ||
        (len == 2 && (unsigned char)*p == 0xc2 && (unsigned char)p[1] < 0xa0)) {
        snprintf(shown, 8, "\\x%02x", (unsigned char)p[len == 2]);
    } else if (len > 0) {
        memcpy(shown, p, len);
        shown[len] = '\0';
        return len;
    } else if ((unsigned char)*p >= 0xa0) {
        snprintf(shown, 8, "%c%c", 0xc0 | (unsigned char)*p >> 6, 0x80 | (*p & 0x3f));
    } else {
        snprintf(shown, 8, "\\x%02x", (unsigned char)*p);
    }
    return len ? len : 1;
}

void km_show(const char *p, size_t n, char *text, size_t size)
{
    size_t used = 0, at = 0;

    text[0] = '\0';
    while (at < n) {
        char shown[8];
        size_t step = show_one(p + at, n - at, shown), len = strlen(shown);

        if (used + len + (at + step < n ? sizeof("...") : 1) > size)
            break;
        memcpy(text + used, shown, len + 1);
        used += len;
        at += step;
    }
    if (at < n)
        snprintf(text + used, size - used, "...");
}
