/* SPDX-License-Identifier: Apache-2.0 */
/* Eight digits of text in one step: as bytes of one number, the first the lowest. */
#ifndef KM_BASE_DIGITS_H
#define KM_BASE_DIGITS_H

#include <stdint.h>
#include <string.h>

#define KM_DIGITS_ONES 0x0101010101010101ULL

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lowest");

/** The eight bytes at p, each less '0' where it is a digit. */
static inline uint64_t km_digits_load(const char *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof(x));
    return x ^ KM_DIGITS_ONES * '0';
}

/** Whether each of them is one. */
static inline int km_digits_are(uint64_t x)
{
    return (((x + KM_DIGITS_ONES * (0x7f - 9)) | x) & KM_DIGITS_ONES * 0x80) == 0;
}

/** Their number: neighbours are added up, digits, pairs of them, and fours. */
static inline uint32_t km_digits_sum(uint64_t x)
{
    const uint64_t fourth = 0x000000ff000000ff;

    x = x * 10 + (x >> 8);
    x = (x & fourth) * (100 + (1000000ULL << 32)) + (x >> 16 & fourth) * (1 + (10000ULL << 32));
    return (uint32_t)(x >> 32);
}

#endif
