/* SPDX-License-Identifier: Apache-2.0 */
#include "io/unframed.h"

#include "base/size.h"
#include "io/varint.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

/* Bytes of a message that are still to be read: `left` of them, of which n are there. */
struct cursor {
    const unsigned char *p;
    size_t n, left;
};

static int take_varint(struct cursor *c, size_t *v)
{
    size_t before = km_min(c->n, c->left), n = before;
    int ok = km_varint_take(&c->p, &n, v);

    c->n -= before - n;
    c->left -= before - n;
    return ok;
}

/* Takes the tag and the length of a field that fits into what is left. */
static int take_field(struct cursor *c, unsigned char tag, size_t *len)
{
    if (c->n == 0 || c->left == 0 || *c->p != tag)
        return 0;
    c->p++;
    c->n--;
    c->left--;
    return take_varint(c, len) && *len <= c->left;
}

static void skip(struct cursor *c, size_t len)
{
    size_t here = km_min(len, c->n);

    c->p += here;
    c->n -= here;
    c->left -= len;
}

/* An entry of the map: its name, a value that fills the rest, in it a tensor that fills the
 * rest. */
static int is_entry(struct cursor c)
{
    size_t len;

    if (!take_field(&c, 0x0a, &len) || len < 1 || len > 64 || len > c.n)
        return 0;
    for (size_t i = 0; i < len; i++)
        if (!isprint(c.p[i]))
            return 0;
    skip(&c, len);
    if (!take_field(&c, 0x12, &len) || len != c.left || len == 0 || c.n == 0)
        return 0;
    /* Float32Tensor, Float64Tensor, Int32Tensor, Bytes */
    return memchr("\x12\x1a\x3a\x4a", *c.p, 4) && take_field(&c, *c.p, &len) && len == c.left;
}

/* A Record, of which c.n bytes are there: an entry of features, then any of its fields, to its
 * end. */
static int is_record(struct cursor c)
{
    size_t len, fields = 0;

    for (; c.n > 0 && c.left > 0; fields++) {
        unsigned char tag = *c.p;

        if (!memchr("\x0a\x12\x1a\x22\x2a", tag, 5) || !take_field(&c, tag, &len))
            return 0;
        if (fields == 0 && (tag != 0x0a || !is_entry((struct cursor){c.p, c.n, len})))
            return 0;
        skip(&c, len);
    }
    return fields > 0;
}

int km_unframed_delimited(const unsigned char *p, size_t n)
{
    struct cursor c = {p, n, SIZE_MAX};
    size_t len, messages = 0;

    for (; c.n > 0; messages++) {
        if (!take_varint(&c, &len))
            return messages > 0 && c.n == 0; /* cut within a length */
        if (c.n == 0)
            break;
        if (!is_record((struct cursor){c.p, c.n, len}))
            return messages > 0 && c.n < 96; /* too little of it to tell */
        skip(&c, len);
    }
    return messages > 0;
}

int km_unframed_record(const unsigned char *p, size_t n)
{
    return is_record((struct cursor){p, n, SIZE_MAX});
}
