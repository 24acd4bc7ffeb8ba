/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to the rows of io/numbers.h: the loop that they share. A file that includes it has
 *
 *   uint64_t find(const char *p, char c)
 *       bit i: p[i] is c, i = 0..63
 *   int sum_up(const char *p, unsigned len, char mark, struct digits *d)
 *       a field of 1 to 16 bytes, of digits and at most one decimal mark, of which 16 bytes can be
 *       read: its number without the mark, and how many of the digits are behind it. 0: it is no
 *       such field.
 *
 * A line is looked at in blocks of 64 bytes, each from the beginning of a field: where its fields
 * end is known before the first of them is summed up, so that several are summed up at once. Blocks
 * without a decimal mark have a loop of their own. Whatever is not taken so is left to
 * km_take_decimal, outside of the loops, which have all registers.
 */
#ifndef KM_IO_NUMBERS_BODY_H
#define KM_IO_NUMBERS_BODY_H

#include "base/digits.h"
#include "base/number.h"
#include "io/numbers.h"

#include <stdint.h>
#include <string.h>

#define BLOCK 64
#define FIELD 16 /* bytes of a field that is summed up */
#define WHOLE 8  /* the same, where there are no decimal marks */

struct digits {
    uint64_t all;
    unsigned behind;
};

/* Fields of a block: one begins at p[from]; bit i of `ends` says that one ends at p[i]. */
struct block {
    const char *p;
    size_t from;
    uint64_t ends;
    char mark;
};

static inline uint64_t find(const char *p, char c);
static inline int sum_up(const char *p, unsigned len, char mark, struct digits *d);

/*
 * +-all / 10^behind as the nearest float. At most 16 digits, so three roundings of double at most
 * (digits, constant, product): four units from the middle between two floats is far enough, and the
 * ends of float's range are far away.
 */
static inline int settle(const struct digits *d, unsigned negative, float *value)
{
    static const double tenth[2][FIELD] = {{1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8,
                                            1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15},
                                           {-1e0, -1e-1, -1e-2, -1e-3, -1e-4, -1e-5, -1e-6, -1e-7,
                                            -1e-8, -1e-9, -1e-10, -1e-11, -1e-12, -1e-13, -1e-14,
                                            -1e-15}};
    double v = (double)(int64_t)d->all * tenth[negative][d->behind];
    uint64_t bits;

    memcpy(&bits, &v, sizeof(bits));
    *value = (float)v;
    return (bits & 0x1fffffff) - 0x0ffffffc > 8;
}

static inline int take_decimal(const char *p, size_t len, char mark, float *value)
{
    unsigned negative = *p == '-';
    struct digits d;

    len -= negative;
    return len - 1 < FIELD && sum_up(p + negative, (unsigned)len, mark, &d) &&
           settle(&d, negative, value);
}

/* Digits alone, behind zeros. An integer is rounded once, to float. */
static inline int take_whole(const char *p, size_t len, float *value)
{
    static const float sign[2] = {1, -1};
    unsigned negative = *p == '-';
    uint64_t x;

    len -= negative;
    if (len - 1 >= WHOLE)
        return 0;
    x = km_digits_load(p + negative) << (64 - 8 * len);
    *value = (float)(int32_t)km_digits_sum(x) * sign[negative];
    return km_digits_are(x);
}

/* Takes fields of a block, up to n; how many. */
static inline size_t take_block(struct block *b, int whole, float *value, size_t n)
{
    uint64_t ends = b->ends;
    size_t taken = 0, from = b->from;

    for (; ends && taken < n; ends &= ends - 1, taken++) {
        size_t end = (size_t)__builtin_ctzll(ends);

        if (whole ? !take_whole(b->p + from, end - from, value + taken)
                  : !take_decimal(b->p + from, end - from, b->mark, value + taken))
            break;
        from = end + 1;
    }
    b->ends = ends;
    b->from = from;
    return taken;
}

/* The same of fields that are not taken so, one by one, as long as they follow each other. */
static inline size_t take_others(struct block *b, float *value, size_t n)
{
    size_t taken = 0, len = SIZE_MAX;

    for (; b->ends && taken < n && len > FIELD; b->ends &= b->ends - 1, taken++) {
        const char *p = b->p + b->from, *end = b->p + __builtin_ctzll(b->ends);

        len = (size_t)(end - p);
        if (km_take_decimal(p, end, b->mark, value + taken) != end)
            break;
        b->from = (size_t)(end - b->p) + 1;
    }
    return taken;
}

static inline size_t take_fields(const char **line, const char *end, const struct km_dialect *d,
                                 float *value, size_t n)
{
    const char *p = *line;
    size_t taken = 0, got;

    do {
        char rest[BLOCK + 2 * FIELD];
        struct block b = {.p = p, .mark = d->point};
        size_t left = (size_t)(end - p);
        uint64_t mask = UINT64_MAX;

        if (left < BLOCK + FIELD) { /* the end of the line, with a separator behind it */
            memset(rest, 0, sizeof(rest));
            memcpy(rest, p, left);
            rest[left] = d->separator;
            b.p = rest;
            mask = left < BLOCK ? UINT64_MAX >> (BLOCK - 1 - left) : mask;
        }
        b.ends = find(b.p, d->separator) & mask;
        got = find(b.p, d->point) & mask ? take_block(&b, 0, value + taken, n - taken)
                                         : take_block(&b, 1, value + taken, n - taken);
        got += take_others(&b, value + taken + got, n - taken - got);
        taken += got;
        p += b.from;
    } while (got > 0 && taken < n && p <= end);
    if (taken > 0)
        *line = p - 1;
    return taken;
}

#endif
