/* SPDX-License-Identifier: Apache-2.0 */
/* Private to io: whether the first line of a CSV file is made of names, as far as its fields and
 * the lines behind it tell. */
#ifndef KM_IO_NAMING_H
#define KM_IO_NAMING_H

#include "io/csv.h"
#include "io/dialect.h"

/** Text that a person would call the name of a column: some letter of any alphabet, and not a row
 * with another separator. */
int km_is_name(const char *text, size_t len);

/** What the fields of a line behind its label columns are. */
struct km_naming {
    size_t n, numbers, names;
    int last_empty;  /* the line ends in a separator */
    int whole;       /* all numbers are whole and written with digits alone, at most 9 of them */
    int rising;      /* and each above the one before */
    int consecutive; /* by 1 */
    long first;      /* number, if they are whole */
};

/** Line i, from field number `skip` on. */
struct km_naming km_naming_of(const struct km_csv_lines *lines, size_t i,
                              const struct km_dialect *d, size_t skip);

/** Line 1 is 0, 1, 2, ... or 1, 2, 3, ..., perhaps behind a first field that is empty or a name. */
int km_naming_counts_columns(const struct km_csv_lines *lines, const struct km_dialect *d,
                             size_t skip);

/**
 * Other lines tell that line 1 is made of values: it goes on in line 2 as 0,1,2 in 3,4,5; it comes
 * again, where it is short enough for that to be chance; its label does. The only line of a file is
 * a row, too: as a header it would say nothing.
 */
int km_naming_among_values(const struct km_csv_lines *lines, const struct km_dialect *d);

/** A first row of numbers that looks more like names than all rows after it. */
int km_naming_unlike_rows(const struct km_csv_lines *lines, const struct km_dialect *d,
                          size_t skip);

#endif
