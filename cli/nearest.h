/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the known word nearest to a misspelt one. */
#ifndef KM_CLI_NEAREST_H
#define KM_CLI_NEAREST_H

#include <getopt.h>

/** Edits (insert, delete, replace, swap two neighbours) from a to b; words beyond 63 are cut. */
int km_edits(const char *a, const char *b);

/** The long option nearest to a misspelt one (without dashes); NULL if none is near. */
const char *km_nearest_option(const char *word, const struct option *options);

/** The same in a list of words that ends with NULL. */
const char *km_nearest_word(const char *word, const char *const *words);

#endif
