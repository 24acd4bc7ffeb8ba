/* SPDX-License-Identifier: Apache-2.0 */
/* The two nearest centers of a row, while distances to it come in. */
#ifndef KM_ALGO_TWO_NEAREST_H
#define KM_ALGO_TWO_NEAREST_H

#include <math.h>
#include <stdint.h>

struct km_two_nearest {
    double near2, next2; /* squared distances, the smallest and the second */
    uint32_t near, next; /* of these centers */
};

/** None so far; `center` where none comes. */
static inline struct km_two_nearest km_two_nearest_none(uint32_t center)
{
    return (struct km_two_nearest){(double)INFINITY, (double)INFINITY, center, center};
}

/** Centers come in ascending order: of equal distances the first stays. */
static inline void km_two_nearest_take(struct km_two_nearest *b, double dist2, uint32_t j)
{
    if (dist2 < b->near2) {
        *b = (struct km_two_nearest){dist2, b->near2, j, b->near};
    } else if (dist2 < b->next2) {
        b->next2 = dist2;
        b->next = j;
    }
}

#endif
