/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/look_choose.h"

#include <stdlib.h>

#define FROZEN      0.2  /* a center that gets more of a removed one's rows stays as it is */
#define LEAST_GAIN  1e-5 /* of the loss, for a change */
#define BOLD_PLACES 3    /* of each center */
#define BOLD        0.5  /* share of its cost that a bold change need not gain */

static int by_cost(const void *a, const void *b, void *of)
{
    const struct km_look_center *c = of;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    if (c[x].cost != c[y].cost)
        return c[x].cost < c[y].cost ? -1 : 1;
    return x < y ? -1 : 1;
}

static int by_gain(const void *a, const void *b, void *of)
{
    const struct km_look_center *c = of;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    if (c[x].gain != c[y].gain)
        return c[x].gain > c[y].gain ? -1 : 1;
    return x < y ? -1 : 1;
}

/* The first of r's rows in l->other, which are in the order of their second nearest, that goes to j
 * or behind. */
static size_t first_to(const struct km_look *l, size_t r, uint32_t j)
{
    size_t low = l->start[r], high = l->start[r + 1];

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (l->next[l->other[middle]] < j)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Whether j gets so many of r's rows that it would not be what it was. */
static int takes_much(const struct km_look *l, size_t r, uint32_t j)
{
    size_t n = l->start[r + 1] - l->start[r];

    return (double)(first_to(l, r, j + 1) - first_to(l, r, j)) > FROZEN * (double)n;
}

/* What takes much of r stays as it is from now on. */
static void freeze_neighbours(struct km_look *l, size_t r)
{
    for (size_t i = l->start[r]; i < l->start[r + 1];) {
        uint32_t j = l->next[l->other[i]];

        l->of[j].frozen |= takes_much(l, r, j);
        i = first_to(l, r, j + 1);
    }
}

/* The dearest center that r may be moved to, but for some; k: none that is worth it. */
static size_t place_for(const struct km_look *l, size_t r, double least, size_t skip)
{
    for (size_t i = 0; i < l->k; i++) {
        uint32_t j = l->by_gain[i];

        if (!(l->of[j].gain > 0) || !(l->of[j].gain - l->of[r].cost > least))
            return l->k; /* and where nothing is to gain no split is known */
        if (j != r && !l->of[j].frozen && (l->of[j].alone || !takes_much(l, r, j)) && skip-- == 0)
            return j;
    }
    return l->k;
}

void km_look_rank(struct km_look *l)
{
    for (size_t j = 0; j < l->k; j++) {
        l->by_cost[j] = l->by_gain[j] = (uint32_t)j;
        l->of[j].frozen = 0;
        l->of[j].from = (uint32_t)j;
    }
    qsort_r(l->by_cost, l->k, sizeof(*l->by_cost), by_cost, l->of);
    qsort_r(l->by_gain, l->k, sizeof(*l->by_gain), by_gain, l->of);
}

size_t km_look_choose(struct km_look *l, double loss, size_t most)
{
    size_t changes = 0;

    for (size_t i = 0; i < l->k && changes < most; i++) {
        uint32_t r = l->by_cost[i];
        size_t j;

        if (!(l->of[l->by_gain[0]].gain - l->of[r].cost > LEAST_GAIN * loss))
            break;
        if (l->of[r].frozen)
            continue;
        j = place_for(l, r, LEAST_GAIN * loss, 0);
        if (j == l->k)
            continue;
        l->of[j].from = r;
        l->of[j].frozen = l->of[r].frozen = 1;
        freeze_neighbours(l, r);
        changes++;
    }
    return changes;
}

int km_look_choose_boldly(struct km_look *l, size_t number)
{
    for (size_t skip = 0; skip < BOLD_PLACES; skip++)
        for (size_t i = 0; i < l->k; i++) {
            uint32_t r = l->by_cost[i];
            size_t j = place_for(l, r, -BOLD * l->of[r].cost, skip);

            if (j == l->k || number-- > 0)
                continue;
            l->of[j].from = r;
            return 1;
        }
    return 0;
}
