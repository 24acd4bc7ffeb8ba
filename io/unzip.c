/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members are found by the headers in front of them, one after the other, as a pipe gives them; the
 * directory at the end of the archive is not looked at.
 */
#include "io/unzip.h"

#include "base/mem.h"
#include "base/size.h"
#include "io/source.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define HEADER    30
#define NAME_MOST 256
#define DEFLATED  8
#define ENCRYPTED 1u
#define LATER     8u /* check sum and sizes come behind the data */

/* A member, from the header in front of it. */
struct member {
    char name[NAME_MOST]; /* without .npy, if it is an array */
    int is_array;
    unsigned flags, method;
    uint32_t crc;
    uint64_t packed; /* bytes of the data as it is there */
    uint64_t at;     /* its first byte */
};

struct unzip {
    struct km_stream *in;
    struct member m;
    int alone; /* there may be no other array */
    int ended;
    z_stream inflate;
    uint64_t left; /* bytes of data to come, if stored; else whether there are any */
    uint64_t given;
    uint32_t crc;
};

static uint32_t u16_at(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32_at(const unsigned char *p)
{
    return u16_at(p) | u16_at(p + 2) << 16;
}

static int ends_in_npy(const char *name, size_t n)
{
    return n > 4 && memcmp(name + n - 4, ".npy", 4) == 0;
}

int km_unzip_is(const unsigned char *p, size_t n)
{
    if (n < HEADER || memcmp(p, "PK\3\4", 4) != 0)
        return 0;
    for (size_t i = 0; i + HEADER <= n; i++) {
        size_t len = u16_at(p + i + 26);

        if (p[i] == 'P' && memcmp(p + i, "PK\3\4", 4) == 0 && len <= n - i - HEADER &&
            ends_in_npy((const char *)p + i + HEADER, len))
            return 1;
    }
    return 0;
}

static int fail_zip(const struct km_stream *s, const char *what, struct km_err *err)
{
    return km_fail(err, KM_E_INPUT,
                   "%s: byte %" PRIu64 ": found damaged or cut zip data (%s); fetch the file again",
                   km_stream_path(s), km_stream_at(s), what);
}

/* The 64-bit size among n bytes of extra fields, where the header has no room for it. */
static void take_large(struct member *m, const unsigned char *p, size_t n)
{
    while (n >= 4 && u16_at(p + 2) <= n - 4) {
        size_t len = u16_at(p + 2);

        if (u16_at(p) == 1 && len >= 16)
            m->packed = u32_at(p + 12) | (uint64_t)u32_at(p + 16) << 32;
        p += 4 + len;
        n -= 4 + len;
    }
}

/* Takes the header of the next member: KM_MORE, or KM_OK if there is none. */
static int take_header(struct km_stream *s, struct member *m, struct km_err *err)
{
    const unsigned char *p;
    size_t got, name, extra;
    int rc = km_stream_peek(s, HEADER, &p, &got, err);

    if (rc)
        return rc;
    if (got >= 4 && (memcmp(p, "PK\1\2", 4) == 0 || memcmp(p, "PK\5\6", 4) == 0))
        return KM_OK;
    if (got < HEADER || memcmp(p, "PK\3\4", 4) != 0)
        return fail_zip(s, got < HEADER ? "unexpected end of file" : "no header", err);
    name = u16_at(p + 26);
    extra = u16_at(p + 28);
    rc = km_stream_peek(s, HEADER + name + extra, &p, &got, err);
    if (rc)
        return rc;
    if (got < HEADER + name + extra)
        return fail_zip(s, "unexpected end of file", err);
    *m = (struct member){.flags = u16_at(p + 6),
                         .method = u16_at(p + 8),
                         .crc = u32_at(p + 14),
                         .packed = u32_at(p + 18),
                         .is_array = ends_in_npy((const char *)p + HEADER, name)};
    if (m->packed == UINT32_MAX)
        take_large(m, p + HEADER + name, extra);
    snprintf(m->name, sizeof(m->name), "%.*s", (int)(name - (m->is_array ? 4 : 0)),
             (const char *)p + HEADER);
    for (char *c = m->name; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    km_stream_skip(s, HEADER + name + extra);
    m->at = km_stream_at(s);
    return KM_MORE;
}

/* ---- the data of a member ---- */

static int fail_member(const struct unzip *z, const char *what, struct km_err *err)
{
    return km_fail(err, KM_E_INPUT,
                   "%s: array '%s', byte %" PRIu64
                   ": found damaged or cut zip data (%s); fetch the "
                   "file again",
                   km_stream_path(z->in), z->m.name, z->given, what);
}

static int check_member(const struct unzip *z, struct km_err *err)
{
    const char *path = km_stream_path(z->in);

    if (z->m.flags & ENCRYPTED)
        return km_fail(err, KM_E_INPUT, "%s: array '%s' is encrypted; save it as it is", path,
                       z->m.name);
    if (z->m.method != DEFLATED && z->m.method != 0)
        return km_fail(err, KM_E_INPUT,
                       "%s: array '%s' is compressed by method %u of zip, expected 0 (stored) or 8 "
                       "(deflated); save it with numpy.savez or numpy.savez_compressed",
                       path, z->m.name, z->m.method);
    if (z->m.method == 0 && z->m.flags & LATER)
        return km_fail(err, KM_E_INPUT,
                       "%s: array '%s' is stored without its size in front, as a pipe is written; "
                       "save it with numpy.savez_compressed, or into a file",
                       path, z->m.name);
    return KM_OK;
}

/* Back to the first byte of the data, where the archive's stream is. */
static void restart(struct unzip *z)
{
    inflateReset(&z->inflate);
    z->left = z->m.method == DEFLATED ? 1 : z->m.packed;
    z->given = 0;
    z->crc = 0;
    z->ended = 0;
}

/* Behind the data of a member whose sizes come later. */
static int take_later(struct unzip *z, struct km_err *err)
{
    const unsigned char *p;
    size_t got, mark;
    int rc = km_stream_peek(z->in, 24, &p, &got, err);

    if (rc)
        return rc;
    mark = got >= 4 && memcmp(p, "PK\7\10", 4) == 0 ? 4 : 0;
    if (got < mark + 12)
        return fail_member(z, "unexpected end of file", err);
    z->m.crc = u32_at(p + mark);
    /* Sizes of 4 or 8 bytes: the next header tells. */
    km_stream_skip(z->in, mark + 12);
    if (got >= mark + 22 && memcmp(p + mark + 12, "PK", 2) != 0)
        km_stream_skip(z->in, 8);
    return KM_OK;
}

/* The other members: there is no array among them. */
static int check_others(struct unzip *z, struct km_err *err);

static int end_member(struct unzip *z, struct km_err *err)
{
    int rc = z->m.flags & LATER ? take_later(z, err) : KM_OK;

    z->ended = 1;
    if (rc == KM_OK && z->crc != z->m.crc)
        rc = fail_member(z, "its check sum is another one", err);
    return rc == KM_OK && z->alone ? check_others(z, err) : rc;
}

static int copy_some(struct unzip *z, unsigned char *bytes, size_t n, size_t *got,
                     struct km_err *err)
{
    const unsigned char *p;
    size_t have;
    int rc = z->left > 0 ? km_stream_peek(z->in, 1, &p, &have, err) : KM_OK;

    if (rc || z->left == 0)
        return rc ? rc : end_member(z, err);
    if (have == 0)
        return fail_member(z, "unexpected end of file", err);
    *got = km_min(km_min(have, n), z->left < SIZE_MAX ? (size_t)z->left : SIZE_MAX);
    memcpy(bytes, p, *got);
    km_stream_skip(z->in, *got);
    z->left -= *got;
    return KM_OK;
}

static int inflate_some(struct unzip *z, unsigned char *bytes, size_t n, size_t *got,
                        struct km_err *err)
{
    const unsigned char *p;
    size_t have;
    int rc = km_stream_peek(z->in, 1, &p, &have, err), code;

    if (rc)
        return rc;
    if (have == 0)
        return fail_member(z, "unexpected end of file", err);
    have = km_min(have, UINT_MAX);
    z->inflate.next_in = (unsigned char *)(uintptr_t)p;
    z->inflate.avail_in = (unsigned)have;
    z->inflate.next_out = bytes;
    z->inflate.avail_out = (unsigned)n;
    code = inflate(&z->inflate, Z_NO_FLUSH);
    km_stream_skip(z->in, have - z->inflate.avail_in);
    *got = n - z->inflate.avail_out;
    if (code == Z_MEM_ERROR)
        return km_fail(err, KM_E_MEM, "no memory to decompress %s", km_stream_path(z->in));
    if (code != Z_OK && code != Z_STREAM_END)
        return fail_member(z, z->inflate.msg ? z->inflate.msg : "not deflated", err);
    z->left = code != Z_STREAM_END;
    return KM_OK;
}

static int read_unzip(void *source, void *bytes, size_t n, int stop_fd, size_t *got,
                      struct km_err *err)
{
    struct unzip *z = source;
    int rc = KM_OK;

    n = km_min(n, UINT_MAX);
    *got = 0;
    km_stream_until(z->in, stop_fd);
    while (rc == KM_OK && *got == 0 && !z->ended) {
        if (z->m.method == 0)
            rc = copy_some(z, bytes, n, got, err);
        else if (z->left > 0)
            rc = inflate_some(z, bytes, n, got, err);
        else
            rc = end_member(z, err);
        z->crc = (uint32_t)crc32(z->crc, bytes, (unsigned)*got);
        z->given += *got;
    }
    return rc;
}

static int seek_unzip(void *source, uint64_t at, struct km_err *err)
{
    struct unzip *z = source;
    unsigned char drop[4096];
    size_t got = 1;
    int rc = km_stream_seek(z->in, z->m.at, err);

    restart(z);
    while (rc == KM_OK && z->given < at && got > 0)
        rc = read_unzip(z, drop,
                        (size_t)(at - z->given < sizeof(drop) ? at - z->given : sizeof(drop)), -1,
                        &got, err);
    return rc;
}

static void close_unzip(void *source)
{
    struct unzip *z = source;

    inflateEnd(&z->inflate);
    km_stream_close(z->in);
    km_free(z);
}

/* ---- which member ---- */

/* Goes behind the data of the member whose header was taken last. */
static int skip_member(struct unzip *z, struct km_err *err)
{
    unsigned char drop[4096];
    size_t got = 1, n;
    const unsigned char *p;
    uint64_t left = z->m.packed;
    int rc = KM_OK, alone = z->alone;

    if (!(z->m.flags & LATER) && km_stream_again(z->in))
        return km_stream_seek(z->in, z->m.at + z->m.packed, err);
    if (z->m.flags & LATER) { /* only the data itself tells where it ends */
        restart(z);
        rc = check_member(z, err);
        z->alone = 0;
        while (rc == KM_OK && got > 0)
            rc = read_unzip(z, drop, sizeof(drop), -1, &got, err);
        z->alone = alone;
        return rc;
    }
    for (; rc == KM_OK && left > 0; left -= n) {
        rc = km_stream_peek(z->in, 1, &p, &got, err);
        if (rc == KM_OK && got == 0)
            rc = fail_zip(z->in, "unexpected end of file", err);
        n = rc ? 0 : left < got ? (size_t)left : got;
        km_stream_skip(z->in, n);
    }
    return rc;
}

static int check_others(struct unzip *z, struct km_err *err)
{
    struct member mine = z->m;
    int rc;

    while ((rc = take_header(z->in, &z->m, err)) == KM_MORE) {
        if (z->m.is_array)
            rc = km_fail(err, KM_E_INPUT,
                         "%s: found the arrays '%s' and '%s', expected one; name it: "
                         "application/x-npy;member=NAME (kmeans convert: --member NAME)",
                         km_stream_path(z->in), mine.name, z->m.name);
        else
            rc = skip_member(z, err);
        if (rc)
            break;
    }
    z->m = mine;
    z->ended = 1;
    return rc;
}

static int is_wanted(const struct member *m, const char *name)
{
    size_t n = strlen(name);

    if (n > 4 && ends_in_npy(name, n))
        n -= 4;
    return m->is_array && (n == 0 || (strlen(m->name) == n && memcmp(m->name, name, n) == 0));
}

static int fail_choice(const struct unzip *z, const char *name, const char *names,
                       struct km_err *err)
{
    const char *path = km_stream_path(z->in);

    if (*name)
        return km_fail(err, KM_E_INPUT, "%s: found no array '%s'; its arrays are: %s", path, name,
                       names);
    if (!*names)
        return km_fail(err, KM_E_INPUT, "%s: found no array (NAME.npy) in the zip archive", path);
    return km_fail(err, KM_E_INPUT,
                   "%s: found several arrays, expected one; name it: application/x-npy;member=NAME "
                   "(kmeans convert: --member NAME), of: %s",
                   path, names);
}

/* Goes through the headers up to the wanted array; of an archive that can be read again through
 * all, so that there is no doubt which one is meant. */
static int choose(struct unzip *z, const char *name, struct km_err *err)
{
    int again = km_stream_again(z->in), found = 0, rc;
    char names[300] = "";
    struct member wanted = {.at = 0};

    while ((rc = take_header(z->in, &z->m, err)) == KM_MORE) {
        size_t used = strlen(names);

        if (is_wanted(&z->m, name) && found++ == 0)
            wanted = z->m;
        if (found && !again)
            return KM_OK;
        if (z->m.is_array)
            snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "", z->m.name);
        rc = skip_member(z, err);
        if (rc)
            return rc;
    }
    if (rc == KM_OK && (found == 0 || (found > 1 && !*name)))
        rc = fail_choice(z, name, names, err);
    if (rc)
        return rc;
    z->m = wanted;
    return km_stream_seek(z->in, wanted.at, err);
}

int km_unzip(struct km_stream **s, const char *name, struct km_err *err)
{
    static const struct km_source again = {
        .read = read_unzip, .seek = seek_unzip, .close = close_unzip};
    static const struct km_source once = {.read = read_unzip, .close = close_unzip};
    const char *path = km_stream_path(*s);
    struct unzip *z = km_alloc(1, sizeof(*z));
    struct km_stream *out;
    int rc;

    if (!z || inflateInit2(&z->inflate, -MAX_WBITS) != Z_OK) {
        km_free(z);
        return km_fail(err, KM_E_MEM, "no memory to decompress %s", path);
    }
    z->in = *s;
    rc = choose(z, name, err);
    if (rc == KM_OK)
        rc = check_member(z, err);
    z->in = NULL;
    if (rc) {
        close_unzip(z);
        return rc;
    }
    rc = km_stream_make(&out, path, km_stream_again(*s) ? &again : &once, z, err);
    if (rc)
        return rc; /* z->in is not set: *s stays with the caller */
    z->in = *s;
    z->alone = !km_stream_again(*s) && !*name;
    restart(z);
    km_stream_keep_from(out, *s);
    *s = out;
    return KM_OK;
}
