/* SPDX-License-Identifier: Apache-2.0 */
/* A growing text, a list of texts, and valid UTF-8. */
#ifndef KM_BASE_TEXT_H
#define KM_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/**
 * A growing text. Starts zeroed. When memory runs out, `failed` is set and stays set, so that a
 * text of many pieces is checked once, at its end. The owner frees s with km_free.
 */
struct km_text {
    char *s;  /* ends in NUL; NULL while nothing was added */
    size_t n; /* bytes without the NUL */
    size_t room;
    int failed;
};

/** Adds formatted text, or n bytes. */
void km_text_add(struct km_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void km_text_add_bytes(struct km_text *t, const char *bytes, size_t n);

/** A list of texts that it owns. Starts zeroed. */
struct km_list {
    char **s; /* (n) */
    size_t n;
    size_t room;
};

/** Adds a text, which the list frees from then on. 0, or KM_E_MEM (then text is freed). */
int km_list_add(struct km_list *list, char *text);
void km_list_done(struct km_list *list);

/** Behind the blanks and tabs at p. */
static inline const char *km_skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    return p;
}

/** Bytes of the UTF-8 character that s begins with (1 to 4); 0 if the bytes are no UTF-8. */
size_t km_utf8_length(const char *s);

/** The first character of the n bytes at p (1 or more): its code point; a byte that is no UTF-8 is
 * taken for Latin-1. Returns the bytes of it. */
size_t km_text_char(const char *p, size_t n, uint32_t *code);

/** Makes one line of valid UTF-8 of s, in place: invalid bytes become '?', control characters ' '.
 */
void km_utf8_clean(char *s);

/**
 * Foreign text for a message: the n bytes at p as one line of valid UTF-8 (bytes that are none are
 * taken for Latin-1), control characters as \x09, cut with "..." so that it fits into size (16 or
 * more).
 */
void km_show(const char *p, size_t n, char *text, size_t size);

#endif
