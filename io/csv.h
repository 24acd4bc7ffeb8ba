/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a CSV file: LF, CR LF or CR, byte order mark, blank lines (docs/formats.md). */
#ifndef KM_IO_CSV_H
#define KM_IO_CSV_H

#include "io/stream.h"

/** Longest line, in bytes, before the number of columns is known. */
#define KM_CSV_LINE_MAX ((size_t)64 << 20)

/** Where the reader of one file stands; zeroed at the start. */
struct km_csv {
    uint64_t line;   /* number of the last line taken, from 1 */
    int started;     /* the byte order mark has been dealt with */
    size_t max_line; /* a longer line is an error; 0: KM_CSV_LINE_MAX. Set by the caller. */
    uint64_t end;    /* lines that begin at this byte or later are not taken; 0: all. As above. */
    /* No LF (CR) between the current position and here: a file without is searched once. */
    uint64_t next_lf, next_cr;
};

/**
 * The next line that is not blank, without its end: KM_MORE with *text (in the stream's buffer
 * until the next call), *len and *at (byte offset of the line in the file); KM_OK at the end of the
 * file, or of what c->end says.
 */
int km_csv_line(struct km_csv *c, struct km_stream *s, const char **text, size_t *len, uint64_t *at,
                struct km_err *err);

/**
 * Goes to the first line that begins at byte `from` (above 0) or later, or to the end of the file.
 * Lines are numbered from there. A regular file only.
 */
int km_csv_find(struct km_csv *c, struct km_stream *s, uint64_t from, struct km_err *err);

/** The next lines of a file, without ends, blank ones left out; in the stream's buffer. */
#define KM_CSV_AHEAD 101
struct km_csv_lines {
    const char *text[KM_CSV_AHEAD];
    size_t len[KM_CSV_AHEAD];
    size_t n;
};

/**
 * Looks at up to `most` lines (KM_CSV_AHEAD at most) without taking them; beyond the second line
 * only within 1 MiB, and never a line that may have been cut. What is no regular file is not waited
 * for beyond its second line. Holds until the stream is used again.
 */
int km_csv_ahead(const struct km_csv *c, struct km_stream *s, size_t most,
                 struct km_csv_lines *lines, struct km_err *err);

#endif
