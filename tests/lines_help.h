/* SPDX-License-Identifier: Apache-2.0 */
/* The first lines of a CSV file, for tests of what is seen from them. */
#ifndef KM_TESTS_LINES_HELP_H
#define KM_TESTS_LINES_HELP_H

#include "io/csv.h"

#include <string.h>

/** The lines of a text, each of which is ended by a newline. */
static inline struct km_csv_lines lines_of(const char *text)
{
    struct km_csv_lines lines = {.n = 0};

    for (; *text; text = strchr(text, '\n') + 1) {
        lines.text[lines.n] = text;
        lines.len[lines.n++] = (size_t)(strchr(text, '\n') - text);
    }
    return lines;
}

#endif
