/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the known word nearest to a misspelt one. */
#ifndef KM_BASE_NEAREST_H
#define KM_BASE_NEAREST_H

/** Edits (insert, delete, replace, swap two neighbours) from a to b; words beyond 63 are cut. */
int km_edits(const char *a, const char *b);

/** True when a word with so many edits is worth a guess: at most a third of it is wrong. */
int km_is_near(const char *word, int edits);

/** The word nearest to a misspelt one in a list that ends with NULL; NULL if none is near. */
const char *km_nearest_word(const char *word, const char *const *words);

#endif
