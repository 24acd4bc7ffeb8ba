/* SPDX-License-Identifier: Apache-2.0 */
/* How a text file writes its columns and numbers: the separator and the decimal mark. */
#ifndef KM_IO_DIALECT_H
#define KM_IO_DIALECT_H

#include "base/err.h"
#include <stddef.h>

/** Zeroed: commas between columns, decimal points, as the content type text/csv has it. */
struct km_dialect {
    char separator; /* 0: ','; ' ': one or more blanks or tabs, also at the ends of a line */
    char point;     /* decimal mark: 0: '.'; or ',' */
};

/** A separator from an option: the character itself, or comma, semicolon, tab, pipe, space,
 * ctrl-a. */
int km_dialect_separator(struct km_dialect *d, const char *text, struct km_err *err);

/** The decimal mark from an option: point or comma. */
int km_dialect_decimal(struct km_dialect *d, const char *text, struct km_err *err);

/** What a separator is called in a message: "semicolons (;)". */
const char *km_dialect_name(char separator);

/** The options that make this dialect: "--separator ';' --decimal comma". Written to text. */
void km_dialect_options(const struct km_dialect *d, char *text, size_t size);

struct km_csv_lines; /* io/csv.h */

/**
 * A dialect in which all of the lines have the same columns, two or more, and all but the first are
 * numbers behind the first `skip` columns, where that is not so in the dialect that was tried. 1 if
 * there is one; 2 if it is one in which all but the first also begin with a name of the row, as R
 * writes them.
 */
int km_dialect_guess(struct km_dialect *found, const struct km_csv_lines *lines,
                     const struct km_dialect *tried, size_t skip);

#endif
