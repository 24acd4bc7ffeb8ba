/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of text that can be made and written in a signal handler: no heap, no stdio, no lock, no
 * locale. Every function here is async-signal-safe. What does not fit is left out.
 */
#ifndef KM_BASE_LINE_H
#define KM_BASE_LINE_H

#include <stddef.h>
#include <stdint.h>

#define KM_LINE_BYTES 4096

/** s[0..n-1], always with a NUL behind it; starts zeroed. */
struct km_line {
    char s[KM_LINE_BYTES];
    size_t n;
};

/** Adds a text, of which what has no room is left out. */
void km_line_text(struct km_line *l, const char *s);

/** 1234567 */
void km_line_number(struct km_line *l, uint64_t v);

/** 1,234,567 */
void km_line_grouped(struct km_line *l, uint64_t v);

/** 0x12d687 */
void km_line_hex(struct km_line *l, uint64_t v);

/** 11/21/2026 08:54:36, in UTC, of seconds since 1970. */
void km_line_time(struct km_line *l, int64_t seconds);

/** Writes all of it to fd. 0, or -1 with errno. */
int km_line_write(const struct km_line *l, int fd);

#endif
