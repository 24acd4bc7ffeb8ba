/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal numbers in text: float32 to text and back. */
#ifndef KM_BASE_NUMBER_H
#define KM_BASE_NUMBER_H

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

/**
 * One number, with blanks around it, as the nearest float32 (the same as strtof in the C locale).
 * 0, or -1 if text is not exactly one decimal number that is finite as float32 and shorter than
 * 1,000 characters.
 */
int km_parse_float(const char *text, size_t len, float *value);

/** Room for any float32 as text, with the closing NUL. */
#define KM_FLOAT_TEXT 24

/**
 * The decimal with the fewest digits that reads back as the same float32 (integers below a million
 * are written out). Returns its length. v is finite.
 */
size_t km_float_print(char text[KM_FLOAT_TEXT], float v);

#endif
