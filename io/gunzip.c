/* SPDX-License-Identifier: Apache-2.0 */
#include "io/gunzip.h"

#include "base/mem.h"
#include "base/size.h"
#include "io/source.h"

#include <inttypes.h>
#include <limits.h>
#include <zlib.h>

#define GZIP_ONLY (16 + MAX_WBITS)

struct gunzip {
    struct km_stream *in;
    int ended; /* the last member has */
    z_stream inflate;
    uint64_t at; /* decompressed bytes given */
};

/* Whether a member of gzip begins here. */
static int at_member(struct km_stream *in, int *yes, struct km_err *err)
{
    const unsigned char *p;
    size_t got;
    int rc = km_stream_peek(in, 2, &p, &got, err);

    *yes = rc == KM_OK && got >= 2 && p[0] == 0x1f && p[1] == 0x8b;
    return rc;
}

static int fail_damaged(const struct gunzip *z, const char *what, struct km_err *err)
{
    return km_fail(err, KM_E_INPUT,
                   "%s: byte %" PRIu64
                   " (decompressed): found damaged or cut gzip data (%s); fetch "
                   "the file again",
                   km_stream_path(z->in), z->at, what);
}

/* Decompresses what has been read, into the room that z->inflate has. */
static int inflate_some(struct gunzip *z, struct km_err *err)
{
    unsigned before = z->inflate.avail_out;
    const unsigned char *p;
    size_t got;
    int rc = km_stream_peek(z->in, 1, &p, &got, err), code, more;

    if (rc)
        return rc;
    if (got == 0)
        return fail_damaged(z, "unexpected end of file", err);
    got = km_min(got, UINT_MAX);
    z->inflate.next_in = (unsigned char *)(uintptr_t)p;
    z->inflate.avail_in = (unsigned)got;
    code = inflate(&z->inflate, Z_NO_FLUSH);
    z->at += before - z->inflate.avail_out;
    km_stream_skip(z->in, got - z->inflate.avail_in);
    if (code == Z_MEM_ERROR)
        return km_fail(err, KM_E_MEM, "no memory to decompress %s", km_stream_path(z->in));
    if (code != Z_OK && code != Z_STREAM_END)
        return fail_damaged(z, z->inflate.msg ? z->inflate.msg : "not gzip", err);
    if (code == Z_OK)
        return KM_OK;
    rc = at_member(z->in, &more, err);
    z->ended = !more;
    if (rc == KM_OK && more)
        inflateReset(&z->inflate);
    return rc;
}

static int read_gunzip(void *source, void *bytes, size_t n, int stop_fd, size_t *got,
                       struct km_err *err)
{
    struct gunzip *z = source;
    int rc = KM_OK;

    n = km_min(n, UINT_MAX);
    *got = 0;
    km_stream_until(z->in, stop_fd);
    while (rc == KM_OK && *got == 0 && !z->ended) {
        z->inflate.next_out = bytes;
        z->inflate.avail_out = (unsigned)n;
        rc = inflate_some(z, err);
        *got = n - z->inflate.avail_out;
    }
    return rc;
}

static void close_gunzip(void *source)
{
    struct gunzip *z = source;

    inflateEnd(&z->inflate);
    km_stream_close(z->in);
    km_free(z);
}

int km_gunzip(struct km_stream **s, int *yes, struct km_err *err)
{
    static const struct km_source kind = {read_gunzip, NULL, close_gunzip};
    const char *path = km_stream_path(*s);
    struct km_stream *out;
    struct gunzip *z;
    int rc = at_member(*s, yes, err);

    if (rc || !*yes)
        return rc;
    z = km_alloc(1, sizeof(*z));
    if (!z)
        return km_fail(err, KM_E_MEM, "no memory to read %s", path);
    if (inflateInit2(&z->inflate, GZIP_ONLY) != Z_OK) {
        km_free(z);
        return km_fail(err, KM_E_MEM, "no memory to decompress %s", path);
    }
    rc = km_stream_make(&out, path, &kind, z, err);
    if (rc)
        return rc; /* z->in is not set yet: *s stays with the caller */
    z->in = *s;
    km_stream_keep_from(out, *s);
    *s = out;
    return KM_OK;
}
