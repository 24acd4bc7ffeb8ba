/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as text, for tests of what reads them. */
#ifndef KM_TESTS_NUMBER_HELP_H
#define KM_TESTS_NUMBER_HELP_H

#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static inline int number_printed(struct km_rng *g, char *text, size_t size, double v)
{
    switch (km_rng_below(g, 9)) {
    case 0:
        return snprintf(text, size, "%.9g", v);
    case 1:
        return snprintf(text, size, "%.17g", v);
    case 2:
        return snprintf(text, size, "%.18e", v); /* numpy.savetxt */
    case 3:
        return snprintf(text, size, "%.3f", v);
    case 4:
        return snprintf(text, size, "%g", v);
    case 5:
        return snprintf(text, size, "%.8e", v);
    case 6:
        return snprintf(text, size, "%.6g", v);
    case 7:
        return snprintf(text, size, "%.*f", (int)km_rng_below(g, 16), v);
    default:
        return snprintf(text, size, "%.30e", v);
    }
}

/* Text of a number: a float printed in some way, the middle of two floats, or random digits. */
static inline int number_random(struct km_rng *g, char *text, size_t size)
{
    uint64_t bits = km_rng_next(g);
    int n = 0;
    float f, next;

    memcpy(&f, &bits, sizeof(f));
    if (!isfinite(f))
        f = 1;
    next = nextafterf(f, INFINITY);
    switch (km_rng_below(g, 8)) {
    case 0:
        return number_printed(g, text, size, (double)f);
    case 1:
        return number_printed(g, text, size, km_rng_unit(g) * 2 - 1);
    case 2:
        return number_printed(g, text, size, ((double)f + (double)next) / 2);
    case 3:
        return snprintf(text, size, "%d", (int)km_rng_below(g, 512) - 256);
    case 4:
        return snprintf(text, size, "%llu.%llue%d",
                        (unsigned long long)(bits >> km_rng_below(g, 64)),
                        (unsigned long long)km_rng_below(g, 1000), (int)km_rng_below(g, 100) - 60);
    case 5: /* what 16 characters can come near to the middle */
        f = (float)km_rng_unit(g) * powf(10, (float)km_rng_below(g, 9) - 2);
        return number_printed(g, text, size,
                              ((double)f + (double)nextafterf(f, INFINITY)) / 2 *
                                  (1 + ((double)km_rng_below(g, 3) - 1) * 1e-16));
    case 6:
        return snprintf(text, size, "%.*f", (int)km_rng_below(g, 9), (km_rng_unit(g) - .5) * 200);
    default:
        for (uint64_t i = 1 + km_rng_below(g, 40); i > 0; i--)
            text[n++] = "0123456789.00009"[km_rng_below(g, 16)];
        text[n] = 0;
        return n;
    }
}

#endif
