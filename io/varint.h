/* SPDX-License-Identifier: Apache-2.0 */
/* Private to io: numbers as protobuf writes them. */
#ifndef KM_IO_VARINT_H
#define KM_IO_VARINT_H

#include <stddef.h>

/** Takes a varint of up to 4 bytes, so below 2^28, from the *n bytes at *p: 1, or 0 where there is
 * none. */
static inline int km_varint_take(const unsigned char **p, size_t *n, size_t *value)
{
    size_t v = 0;

    for (int shift = 0; shift < 28 && *n > 0; shift += 7) {
        unsigned char b = *(*p)++;

        --*n;
        v |= (size_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) {
            *value = v;
            return 1;
        }
    }
    return 0;
}

#endif
