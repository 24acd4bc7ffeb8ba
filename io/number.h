/* SPDX-License-Identifier: Apache-2.0 */
/* Private to io: decimal numbers in text. */
#ifndef KM_IO_NUMBER_H
#define KM_IO_NUMBER_H

#include <stddef.h>

/**
 * Takes the decimal number at p, [+-]digits[.digits][(e|E)[+-]digits] with a digit before or behind
 * the point, as far as it goes, and returns what follows it; NULL if there is none (or one of 1,000
 * characters or more that needs them all). *value is the nearest float32, ties to even; infinite if
 * the number is too large. Reads no byte from `end` on.
 */
const char *km_take_number(const char *p, const char *end, float *value);

/** The same with another character in place of the point. */
const char *km_take_decimal(const char *p, const char *end, char point, float *value);

#endif
