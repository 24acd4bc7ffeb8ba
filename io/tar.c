/* SPDX-License-Identifier: Apache-2.0 */
#include "io/tar.h"

#include "base/mem.h"
#include "io/writer.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define BLOCK    512
#define MAX_SIZE 077777777777u /* eleven octal digits */
#define OUT_SIZE ((size_t)64 << 10)
#define GZIP     16 /* added to the window bits: a gzip header, which zlib writes without a time */

/* POSIX.1-1988 ustar; every number is octal text. The checksum counts itself as blanks. */
static void make_header(char h[BLOCK], const char *member, size_t n)
{
    unsigned sum = 0;

    memset(h, 0, BLOCK);
    snprintf(h, 100, "%s", member);
    memcpy(h + 100, "0000644", 8); /* mode */
    memcpy(h + 108, "0000000", 8); /* user */
    memcpy(h + 116, "0000000", 8); /* group */
    snprintf(h + 124, 12, "%011zo", n);
    memcpy(h + 136, "00000000000", 12); /* time of change */
    memset(h + 148, ' ', 8);
    h[156] = '0'; /* a file */
    memcpy(h + 257,
           "ustar\0"
           "00",
           8);
    memcpy(h + 329, "0000000",
           8); /* device numbers: of no meaning for a file, but some want them */
    memcpy(h + 337, "0000000", 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += (unsigned char)h[i];
    snprintf(h + 148, 8, "%06o", sum & 0777777u); /* six digits, NUL, and the blank stays */
}

/* Compresses n bytes into the file; flush is Z_FINISH for the last ones. */
static int deflate_put(struct km_writer *w, z_stream *z, unsigned char *out, const void *bytes,
                       size_t n, int flush, struct km_err *err)
{
    const unsigned char *p = bytes;
    int rc;

    do {
        size_t part = n < OUT_SIZE ? n : OUT_SIZE; /* avail_in is narrower than size_t */
        int mode = part == n ? flush : Z_NO_FLUSH;

        z->next_in = (z_const Bytef *)p;
        z->avail_in = (uInt)part;
        p += part;
        n -= part;
        do {
            z->next_out = out;
            z->avail_out = (uInt)OUT_SIZE;
            if (deflate(z, mode) == Z_STREAM_ERROR)
                return km_fail(err, KM_E_BUG, "zlib refuses its own state");
            rc = km_writer_put(w, out, OUT_SIZE - z->avail_out, err);
            if (rc)
                return rc;
        } while (z->avail_out == 0);
    } while (n > 0);
    return KM_OK;
}

/* Header, content, zeros up to the block, two zero blocks. */
static int put_archive(struct km_writer *w, z_stream *z, unsigned char *out, const char *member,
                       const void *bytes, size_t n, struct km_err *err)
{
    static const char zeros[3 * BLOCK];
    char header[BLOCK];
    size_t pad = (BLOCK - n % BLOCK) % BLOCK;
    int rc;

    make_header(header, member, n);
    rc = deflate_put(w, z, out, header, BLOCK, Z_NO_FLUSH, err);
    if (!rc)
        rc = deflate_put(w, z, out, bytes, n, Z_NO_FLUSH, err);
    if (!rc)
        rc = deflate_put(w, z, out, zeros, pad + 2 * BLOCK, Z_FINISH, err);
    return rc;
}

int km_tar_gz_write(const char *path, const char *member, const void *bytes, size_t n,
                    struct km_err *err)
{
    z_stream z = {0};
    struct km_writer *w = NULL;
    unsigned char *out = NULL;
    int rc;

    if (strlen(member) > 99 || n > MAX_SIZE)
        return km_fail(err, KM_E_INPUT,
                       "%s: \"%s\" with %zu bytes does not fit a ustar archive, "
                       "which takes names of 99 characters and members below 8 GiB",
                       path, member, n);
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + GZIP, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return km_fail(err, KM_E_MEM, "no memory to compress %s", path);
    out = km_alloc(OUT_SIZE, 1);
    if (!out) {
        rc = km_fail(err, KM_E_MEM, "no memory to compress %s", path);
        goto out;
    }
    rc = km_writer_open(&w, path, err);
    if (!rc)
        rc = put_archive(w, &z, out, member, bytes, n, err);
    if (!rc) {
        rc = km_writer_commit(w, err);
        w = NULL;
    }
out:
    km_writer_abort(w);
    km_free(out);
    deflateEnd(&z);
    return rc;
}
