/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#define LONGEST 63

static int least(int a, int b)
{
    return a < b ? a : b;
}

int km_edits(const char *a, const char *b)
{
    int cost[LONGEST + 1][LONGEST + 1]; /* of the first i characters of a and j of b */
    size_t n = strnlen(a, LONGEST), m = strnlen(b, LONGEST);

    for (size_t i = 0; i <= n; i++) {
        for (size_t j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                cost[i][j] = (int)(i + j);
                continue;
            }
            cost[i][j] = least(cost[i - 1][j], cost[i][j - 1]) + 1;
            cost[i][j] = least(cost[i][j], cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[n][m];
}

int km_is_near(const char *word, int edits)
{
    return edits <= (int)(strnlen(word, LONGEST) + 2) / 3;
}

const char *km_nearest_word(const char *word, const char *const *words)
{
    const char *best = NULL;
    int fewest = INT_MAX;

    for (; *words; words++) {
        int edits = km_edits(word, *words);

        if (edits < fewest && km_is_near(word, edits)) {
            fewest = edits;
            best = *words;
        }
    }
    return best;
}
