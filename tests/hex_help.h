/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a test, written as hexadecimal digits. */
#ifndef KM_TESTS_HEX_HELP_H
#define KM_TESTS_HEX_HELP_H

#include "tests/test.h"

/* Hex text (blanks ignored) as bytes. */
static inline size_t from_hex(const char *hex, unsigned char *out, size_t cap)
{
    size_t n = 0;
    unsigned v;

    while (*hex) {
        if (*hex == ' ') {
            hex++;
            continue;
        }
        assert_int_equal(sscanf(hex, "%2x", &v), 1);
        assert_true(n < cap);
        out[n++] = (unsigned char)v;
        hex += 2;
    }
    return n;
}

#endif
