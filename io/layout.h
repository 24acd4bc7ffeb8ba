/* SPDX-License-Identifier: Apache-2.0 */
/* Private to io: what the first lines of a CSV file have in common, for advice on what is wrong
 * with them. */
#ifndef KM_IO_LAYOUT_H
#define KM_IO_LAYOUT_H

#include "io/csv.h"
#include "io/dialect.h"

/** A column (from 0) of all lines behind the first counts 0, 1, 2, ... or 1, 2, 3, ... */
int km_layout_counts(const struct km_csv_lines *lines, size_t column, const struct km_dialect *d);

/** The first column of all lines behind the first is like names of rows: text, in quotes, or
 * counting. */
int km_layout_row_names(const struct km_csv_lines *lines, const struct km_dialect *d);

/** All lines (but perhaps the first of several) end in a separator, behind which there is
 * nothing. */
int km_layout_open_ends(const struct km_csv_lines *lines, const struct km_dialect *d);

/** 1,234,567 or 1,234.5: a number whose commas may well separate thousands. */
int km_layout_is_thousands(const char *text, size_t len);

/** There are such numbers, and no others with a comma, behind the first `skip` columns. */
int km_layout_thousands(const struct km_csv_lines *lines, const struct km_dialect *d, size_t skip);

/** The separator that a line "sep=;" announces to Excel; 0: it is no such line. */
char km_layout_announced(const char *text, size_t len);

#endif
