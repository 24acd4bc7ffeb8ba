/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/decay.h"

#include <math.h>

#define BITS  60     /* of the exponent's fraction: more than a double has */
#define LEAST 1100.0 /* halvings that leave nothing of a double */

/* A number as the sum of two doubles, so that only the last step rounds what one can see. */
struct twice {
    double high, low;
};

static struct twice root_of(struct twice a)
{
    double high = sqrt(a.high);

    return (struct twice){high, (fma(-high, high, a.high) + a.low) / (2 * high)};
}

static struct twice product(struct twice a, struct twice b)
{
    double high = a.high * b.high;
    double low = fma(a.high, b.high, -high) + (a.high * b.low + a.low * b.high);

    return (struct twice){high, low};
}

double km_decay(double rows, double half_life)
{
    double halvings = rows / half_life, whole = floor(halvings), rest = halvings - whole;
    struct twice factor = {1, 0}, root = {0.5, 0};

    if (!(halvings < LEAST))
        return 0;
    /* 0.5^(1/2), 0.5^(1/4), ... for each bit that is set */
    for (int bit = 0; bit < BITS && rest > 0; bit++) {
        root = root_of(root);
        rest *= 2;
        if (rest >= 1) {
            rest -= 1;
            factor = product(factor, root);
        }
    }
    return ldexp(factor.high + factor.low, -(int)whole);
}
