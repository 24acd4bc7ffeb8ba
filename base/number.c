/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text to float32, after Clinger (1990): digits as an integer, times or by a power of ten, in
 * double. A double has 29 bits more than a float, so a few roundings in it do no harm unless they
 * could carry the result over the middle between two floats; then, and at the ends of the float
 * range, the C library decides. So even numpy's default of 19 digits takes the fast way.
 */
#include "base/number.h"

#include "base/digits.h"
#include "base/text.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 19 /* as many fit into 64 bits, whatever they are */
#define TEXT_MAX   1000

/* Powers up to here are exact in double; two more steps at most cover what a float can be. */
#define EXACT_POWER 22
#define POWER_MAX   66

static const double power_of_ten[EXACT_POWER + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/* A number taken apart: (-1)^negative * digits * 10^exponent. */
struct decimal {
    uint64_t digits;
    int64_t exponent;
    int negative;
};

static int is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* The value if the double arithmetic settles it; 0 if not. */
static inline int settle(const struct decimal *d, float *value)
{
    double v = (double)d->digits;
    int64_t e = d->exponent;
    uint64_t bits;

    if (d->digits != 0) {
        if (e < -POWER_MAX || e > POWER_MAX)
            return 0;
        for (; e < -EXACT_POWER; e += EXACT_POWER)
            v /= power_of_ten[EXACT_POWER];
        for (; e > EXACT_POWER; e -= EXACT_POWER)
            v *= power_of_ten[EXACT_POWER];
        v = e < 0 ? v / power_of_ten[-e] : v * power_of_ten[e];
        if (v < (double)FLT_MIN || v > (double)FLT_MAX)
            return 0;
        /* At most five roundings of half a unit each: 8 units from the middle is far enough. */
        memcpy(&bits, &v, sizeof(bits));
        if ((bits & 0x1fffffff) - 0x0ffffff8 <= 16)
            return 0;
    }
    *value = d->negative ? -(float)v : (float)v;
    return 1;
}

/* The C library's opinion on text that is known to be a number. Nothing in the program leaves the C
 * locale; if a host program did, the point would not be taken, and the assert would tell. */
static int ask_library(const char *p, size_t n, char point, float *value)
{
    char text[TEXT_MAX];
    char *rest;

    if (n >= sizeof(text))
        return 0;
    memcpy(text, p, n);
    text[n] = 0;
    rest = point == '.' ? NULL : memchr(text, point, n);
    if (rest)
        *rest = '.';
    *value = strtof(text, &rest);
    assert(rest == text + n);
    return 1;
}

/* Digits that do not fit any more count as powers of ten. */
struct collector {
    uint64_t digits;
    int n; /* significant digits in it */
    int64_t dropped;
};

static inline const char *take_digits(const char *p, const char *end, struct collector *c)
{
    /* A step of eight has eight significant digits. */
    while (end - p >= 8 && c->n <= DIGITS_MAX - 8 && (c->n > 0 || *p > '0')) {
        uint64_t x = km_digits_load(p);

        if (!km_digits_are(x))
            break;
        c->digits = c->digits * 100000000 + km_digits_sum(x);
        c->n += 8;
        p += 8;
    }
    while (p < end && is_digit(*p) && c->n < DIGITS_MAX) {
        c->digits = c->digits * 10 + (uint64_t)(*p - '0');
        c->n += c->digits != 0;
        p++;
    }
    while (p < end && is_digit(*p)) {
        c->dropped++;
        p++;
    }
    return p;
}

/* Behind "e": takes sign and digits; NULL if there are none. Absurd exponents stay absurd, but do
 * not overflow. */
static const char *take_exponent(const char *p, const char *end, int64_t *exponent)
{
    int negative = p < end && *p == '-';
    int64_t e = 0;

    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end || !is_digit(*p))
        return NULL;
    for (; p < end && is_digit(*p); p++) {
        if (e < 1000000)
            e = e * 10 + (*p - '0');
    }
    *exponent += negative ? -e : e;
    return p;
}

static inline __attribute__((always_inline)) const char *take_number(const char *p, const char *end,
                                                                     char decimal, float *value)
{
    const char *start = p;
    const char *point;
    struct collector c = {0, 0, 0};
    struct decimal d = {0, 0, 0};
    size_t digits;

    if (p < end && (*p == '-' || *p == '+'))
        d.negative = *p++ == '-';
    point = p;
    p = take_digits(p, end, &c);
    digits = (size_t)(p - point);
    d.exponent = c.dropped;
    if (p < end && *p == decimal) {
        point = ++p;
        p = take_digits(p, end, &c);
        digits += (size_t)(p - point);
        d.exponent = c.dropped - (p - point);
    }
    if (digits == 0)
        return NULL;
    d.digits = c.digits;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p = take_exponent(p + 1, end, &d.exponent);
        if (!p)
            return NULL;
    }
    if (settle(&d, value) || ask_library(start, (size_t)(p - start), decimal, value))
        return p;
    return NULL;
}

const char *km_take_number(const char *p, const char *end, float *value)
{
    return take_number(p, end, '.', value);
}

const char *km_take_decimal(const char *p, const char *end, char point, float *value)
{
    return take_number(p, end, point, value);
}

int km_parse_float(const char *text, size_t len, float *value)
{
    const char *end = text + len, *p = km_take_number(km_skip_blanks(text, end), end, value);

    return p && km_skip_blanks(p, end) == end && isfinite(*value) ? 0 : -1;
}

size_t km_float_print(char text[KM_FLOAT_TEXT], float v)
{
    int n;
    float back;

    if (v > -1e6F && v < 1e6F && v == (float)(int)v && (v != 0 || !__builtin_signbit(v)))
        return (size_t)snprintf(text, KM_FLOAT_TEXT, "%d", (int)v);
    /* %g drops zeros at the end, and a decimal of up to six digits survives float32: so six finds
     * every shorter one as well. Not so among the denormals. */
    for (int digits = fabsf(v) < FLT_MIN ? 1 : FLT_DIG; digits < FLT_DECIMAL_DIG; digits++) {
        n = snprintf(text, KM_FLOAT_TEXT, "%.*g", digits, (double)v);
        if (km_parse_float(text, (size_t)n, &back) == 0 && memcmp(&back, &v, sizeof(v)) == 0)
            return (size_t)n;
    }
    return (size_t)snprintf(text, KM_FLOAT_TEXT, "%.*g", FLT_DECIMAL_DIG, (double)v);
}
