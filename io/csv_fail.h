/* SPDX-License-Identifier: Apache-2.0 */
/* Private to io: what is wrong with a line of CSV, told with all that is known about its file. */
#ifndef KM_IO_CSV_FAIL_H
#define KM_IO_CSV_FAIL_H

#include "io/csv.h"
#include "io/fields.h"
#include "io/format.h"

/** A line that did not parse. */
struct km_csv_fault {
    const struct km_format *format;
    const struct km_header *header; /* of the channel */
    const char *path;
    const char *text; /* (len) the line */
    size_t len;
    uint64_t line, at; /* its number, and the byte that it begins at */
    struct km_csv_place place;
    int is_first; /* the first row of its file */
};

/** Replaces the message in *err, which km_csv_parse made, by one with place, names and advice. */
int km_csv_fail(const struct km_csv_fault *f, struct km_err *err);

/** Adds to a message which dialect the lines are in, if it is another one than the format's: then
 * 1. */
int km_csv_fail_dialect(const struct km_format *format, const struct km_csv_lines *lines,
                        struct km_err *err);

#endif
