/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in memory as a source: what a caller has received, or a test has made. */
#include "base/mem.h"
#include "base/size.h"
#include "io/source.h"

#include <string.h>

struct memory {
    const unsigned char *bytes; /* (n) the caller's, or: */
    void *own;                  /* the same, to be freed; NULL */
    size_t n, at;
};

static int read_memory(void *source, void *bytes, size_t n, int stop_fd, size_t *got,
                       struct km_err *err)
{
    struct memory *m = source;
    size_t left = m->n - m->at;

    (void)stop_fd; /* nobody waits */
    (void)err;
    *got = km_min(left, n);
    if (*got > 0)
        memcpy(bytes, m->bytes + m->at, *got);
    m->at += *got;
    return KM_OK;
}

static int seek_memory(void *source, uint64_t at, struct km_err *err)
{
    struct memory *m = source;

    (void)err;
    m->at = at < m->n ? (size_t)at : m->n;
    return KM_OK;
}

static void close_memory(void *source)
{
    struct memory *m = source;

    km_free(m->own);
    km_free(m);
}

static int open_memory(struct km_stream **s, const char *name, const void *bytes, void *own,
                       size_t n, struct km_err *err)
{
    static const struct km_source kind = {read_memory, seek_memory, close_memory};
    struct memory *m = km_alloc(1, sizeof(*m));

    *s = NULL;
    if (!m) {
        km_free(own);
        return km_fail(err, KM_E_MEM, "%s: no memory to read it", name);
    }
    *m = (struct memory){.bytes = bytes, .own = own, .n = n};
    return km_stream_make(s, name, &kind, m, err);
}

int km_stream_open_memory(struct km_stream **s, const char *name, const void *bytes, size_t n,
                          struct km_err *err)
{
    return open_memory(s, name, bytes, NULL, n, err);
}

int km_stream_own_memory(struct km_stream **s, const char *name, void *bytes, size_t n,
                         struct km_err *err)
{
    return open_memory(s, name, bytes, bytes, n, err);
}
