/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/nearest.h"

#include <limits.h>
#include <stddef.h>

const char *km_nearest_option(const char *word, const struct option *options)
{
    const char *best = NULL;
    int fewest = INT_MAX;

    for (; options->name; options++) {
        int edits = km_edits(word, options->name);

        if (edits < fewest && km_is_near(word, edits)) {
            fewest = edits;
            best = options->name;
        }
    }
    return best;
}
