/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a CSV line, and a line as a float32 row. */
#ifndef KM_IO_FIELDS_H
#define KM_IO_FIELDS_H

#include "base/err.h"
#include "io/dialect.h"
#include "io/numbers.h"
#include <stddef.h>

/** Number of columns of a line (quotes respected). */
size_t km_csv_columns(const char *text, size_t len, const struct km_dialect *d);

/** What a field holds. KM_FIELD_MISSING: a word for no value, as NA or null; KM_FIELD_NONE: the
 * line has no such column. */
enum km_field {
    KM_FIELD_NUMBER,
    KM_FIELD_EMPTY,
    KM_FIELD_MISSING,
    KM_FIELD_TEXT,
    KM_FIELD_NONE,
};

/** A field without its quotes and the blanks around it. */
struct km_csv_field {
    enum km_field kind;
    const char *text; /* in the line */
    size_t len;
};

/**
 * Takes the field at *p and steps over the separator behind it: 1, or 0 when there is no field any
 * more. Begins with *p at the beginning of the line; *p is NULL behind the last field.
 */
int km_csv_field(const char **p, const char *end, const struct km_dialect *d,
                 struct km_csv_field *field);

/** What column number `column` (from 0) of a line holds. */
enum km_field km_csv_kind(const char *text, size_t len, size_t column, const struct km_dialect *d);

/** A field of digits alone, at most nine of them, and its number. */
int km_csv_is_whole(const struct km_csv_field *f, long *value);

/** A separator in the text that the dialect does not have and that may be meant: ; tab | Ctrl-A, or
 * blanks behind a number or a quoted text; 0: nothing. */
char km_csv_other_separator(const char *text, size_t len, const struct km_dialect *d);

/** What a line is to be parsed into. */
struct km_csv_shape {
    size_t skip; /* columns in front, which may hold anything */
    size_t dim;  /* features behind them */
    struct km_dialect dialect;
    const struct km_numbers *numbers; /* what takes plain numbers; NULL: the best of this CPU */
};

/** Where in a line something is wrong. */
struct km_csv_place {
    size_t column; /* from 1; 0 if the line as a whole is wrong */
    size_t offset; /* byte within the line */
};

/**
 * Parses a line of exactly skip + dim columns into row[0..dim-1]. On failure *place says where, and
 * the message what was found and expected there; the caller adds file and line, and what it knows
 * about lines of another width. Values that float32 cannot hold are refused, too.
 */
int km_csv_parse(const char *text, size_t len, const struct km_csv_shape *shape, float *row,
                 struct km_csv_place *place, struct km_err *err);

#endif
