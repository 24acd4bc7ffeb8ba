/* SPDX-License-Identifier: Apache-2.0 */
/* A format's own view of a file, for tests of a row of the table. */
#ifndef KM_TESTS_SCAN_HELP_H
#define KM_TESTS_SCAN_HELP_H

#include "tests/test.h"

#include "io/format.h"

/** A scan of bytes in memory, as the reader makes it. */
static inline struct km_scan scan_bytes(struct km_format *f, const void *bytes, size_t n)
{
    struct km_scan s = {.format = f, .longest = f->kind->longest(f)};
    struct km_err err;

    assert_ok(km_stream_open_memory(&s.stream, "file", bytes, n, &err), err);
    if (f->kind->open)
        assert_ok(f->kind->open(&s, &err), err);
    return s;
}

static inline void scan_close(struct km_scan *s)
{
    if (s->format->kind->close)
        s->format->kind->close(s);
    km_stream_close(s->stream);
}

#endif
