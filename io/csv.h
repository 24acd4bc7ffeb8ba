/* SPDX-License-Identifier: Apache-2.0 */
/* CSV lines as float32 rows: no header, comma, numbers; quotes, LF, CR LF or CR, BOM
 * (docs/formats.md). */
#ifndef KM_IO_CSV_H
#define KM_IO_CSV_H

#include "io/file.h"

/** Longest line, in bytes, before the number of columns is known. */
#define KM_CSV_LINE_MAX ((size_t)64 << 20)

/** Where the reader of one file stands; zeroed at the start. */
struct km_csv {
    uint64_t line;   /* number of the last line taken, from 1 */
    int started;     /* the byte order mark has been dealt with */
    size_t max_line; /* a longer line is an error; 0: KM_CSV_LINE_MAX. Set by the caller. */
    uint64_t end;    /* lines that begin at this byte or later are not taken; 0: all. As above. */
    uint64_t
        next_lf; /* no LF (CR) in the file between the current position and here: a file without */
    uint64_t next_cr; /* one of them is not searched again for it with each line */
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

/** Number of columns of a line (quotes respected). */
size_t km_csv_columns(const char *text, size_t len);

/** True when every column of the line reads like a name: a header. */
int km_csv_is_header(const char *text, size_t len);

/** The failure for such a line, without its place. */
int km_csv_fail_header(const char *text, size_t len, struct km_err *err);

/**
 * Parses a line of exactly `skip` + dim columns into row[0..dim-1]; the first `skip` columns may
 * hold anything. On failure *column (from 1; 0 if the line as a whole is wrong) and *offset (byte
 * within the line) name the place and the message says what was found and expected there; the
 * caller adds file and line. Values that are too large (io/row.h) are refused, too.
 */
int km_csv_parse(const char *text, size_t len, size_t skip, float *row, size_t dim, size_t *column,
                 size_t *offset, struct km_err *err);

/**
 * One number, with blanks around it, as the nearest float32 (the same as strtof in the C locale).
 * 0, or -1 if text is not exactly one decimal number that is finite as float32 and shorter than
 * 1,000 characters.
 */
int km_parse_float(const char *text, size_t len, float *value);

#endif
