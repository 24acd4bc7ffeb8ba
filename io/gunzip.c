/* SPDX-License-Identifier: Apache-2.0 */
#include "io/gunzip.h"

#include "base/mem.h"
#include "base/size.h"
#include "io/file.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#define GZIP_ONLY (16 + MAX_WBITS)

struct km_gunzip {
    struct km_stream *in;
    int gzip;
    int ended; /* the last member has */
    z_stream inflate;
    uint64_t at; /* decompressed bytes given */
};

/* A name that leads to nothing. */
static int check_path(const char *path, struct km_err *err)
{
    struct stat st;
    int rc;

    if (stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR && errno != ELOOP))
        return KM_OK; /* or opening it says why */
    rc = km_link_fail(path, err);
    if (rc == KM_OK && errno != ELOOP)
        rc = km_fail(err, KM_E_INPUT, "%s: there is no such file", path);
    return rc;
}

/* Whether a member of gzip begins here. */
static int at_member(struct km_gunzip *z, int *yes, struct km_err *err)
{
    const unsigned char *p;
    size_t got;
    int rc = km_stream_peek(z->in, 2, &p, &got, err);

    *yes = rc == KM_OK && got >= 2 && p[0] == 0x1f && p[1] == 0x8b;
    return rc;
}

int km_gunzip_open(struct km_gunzip **gunzip, const char *path, struct km_err *err)
{
    struct km_gunzip *z = km_alloc(1, sizeof(*z));
    int yes = 0, rc;

    *gunzip = NULL;
    if (!z)
        return km_fail(err, KM_E_MEM, "no memory to read %s", path);
    rc = check_path(path, err);
    if (rc == KM_OK)
        rc = km_stream_open(&z->in, path, err);
    if (rc == KM_OK)
        rc = at_member(z, &yes, err);
    if (rc == KM_OK && yes && inflateInit2(&z->inflate, GZIP_ONLY) != Z_OK)
        rc = km_fail(err, KM_E_MEM, "no memory to decompress %s", path);
    else if (rc == KM_OK)
        z->gzip = yes;
    if (rc)
        km_gunzip_close(z);
    else
        *gunzip = z;
    return rc;
}

void km_gunzip_close(struct km_gunzip *z)
{
    if (!z)
        return;
    if (z->gzip)
        inflateEnd(&z->inflate);
    km_stream_close(z->in);
    km_free(z);
}

int km_gunzip_is_gzip(const struct km_gunzip *z)
{
    return z->gzip;
}

static int fail_damaged(const struct km_gunzip *z, const char *what, struct km_err *err)
{
    return km_fail(err, KM_E_INPUT,
                   "%s: byte %" PRIu64
                   " (decompressed): found damaged or cut gzip data (%s); fetch "
                   "the file again",
                   km_stream_path(z->in), z->at, what);
}

/* Decompresses what has been read, into the room that z->inflate has. */
static int inflate_some(struct km_gunzip *z, struct km_err *err)
{
    unsigned before = z->inflate.avail_out;
    const unsigned char *p;
    size_t got;
    int rc = km_stream_peek(z->in, 1, &p, &got, err), code, more;

    if (rc)
        return rc;
    if (got == 0)
        return fail_damaged(z, "unexpected end of file", err);
    got = got < UINT_MAX ? got : UINT_MAX;
    z->inflate.next_in = (unsigned char *)p;
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
    rc = at_member(z, &more, err);
    z->ended = !more;
    if (rc == KM_OK && more)
        inflateReset(&z->inflate);
    return rc;
}

static int read_plain(struct km_gunzip *z, void *bytes, size_t n, size_t *got, struct km_err *err)
{
    const unsigned char *p;
    int rc = km_stream_peek(z->in, n, &p, got, err);

    if (rc)
        return rc;
    *got = km_min(*got, n);
    if (*got > 0)
        memcpy(bytes, p, *got);
    km_stream_skip(z->in, *got);
    z->at += *got;
    return KM_OK;
}

int km_gunzip_read(struct km_gunzip *z, void *bytes, size_t n, size_t *got, struct km_err *err)
{
    int rc = KM_OK;

    *got = 0;
    if (!z->gzip)
        return read_plain(z, bytes, n, got, err);
    while (rc == KM_OK && *got < n && !z->ended) {
        size_t room = n - *got < UINT_MAX ? n - *got : UINT_MAX;

        z->inflate.next_out = (unsigned char *)bytes + *got;
        z->inflate.avail_out = (unsigned)room;
        rc = inflate_some(z, err);
        *got += room - z->inflate.avail_out;
    }
    return rc;
}
