/* SPDX-License-Identifier: Apache-2.0 */
/* Numpy files as bytes. */
#ifndef KM_TESTS_NPY_HELP_H
#define KM_TESTS_NPY_HELP_H

#include "tests/test.h"

/** A file of that version, text of the header and values, in static storage; its length. */
static inline size_t make_npy(const unsigned char **file, int version, const char *dict,
                              const void *values, size_t bytes)
{
    static unsigned char out[1000];
    size_t front = version == 1 ? 10 : 12, len = strlen(dict);

    assert_true(front + len + bytes <= sizeof(out));
    memset(out, 0, sizeof(out));
    memcpy(out, "\x93NUMPY", 6);
    out[6] = (unsigned char)version;
    out[8] = (unsigned char)len;
    out[9] = (unsigned char)(len >> 8);
    memcpy(out + front, dict, len);
    if (bytes > 0)
        memcpy(out + front + len, values, bytes);
    *file = out;
    return front + len + bytes;
}

#endif
