/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes behind the magic of gzip: what comes out is what zlib's own reader makes of the file. Of a
 * damaged one zlib's reader may tell fewer bytes before the damage.
 */
#include "tests/fuzz/fuzz.h"

#include "io/gunzip.h"

#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#define MOST ((size_t)1 << 20) /* bytes compared, at most */

/* The judge: zlib's gzread of a file in memory; *good: it came to the end without a word. */
static size_t judge(const uint8_t *bytes, size_t n, unsigned char *out, int *good)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC), got, told = Z_OK;
    size_t all = 0;
    gzFile f;

    MUST(fd >= 0 && write(fd, bytes, n) == (ssize_t)n && lseek(fd, 0, SEEK_SET) == 0, "no file");
    f = gzdopen(fd, "rb");
    MUST(f, "no memory");
    while ((got = gzread(f, out + all, (unsigned)(MOST - all))) > 0)
        all += (size_t)got;
    gzerror(f, &told);
    *good = got == 0 && told == Z_OK && !gzdirect(f);
    gzclose(f);
    return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static unsigned char expected[MOST];
    const unsigned char *p;
    struct km_stream *s;
    struct km_err err;
    size_t all, at = 0, got = 0;
    int good, yes, rc;

    if (n < 2 || bytes[0] != 0x1f || bytes[1] != 0x8b)
        return 0;
    all = judge(bytes, n, expected, &good);
    if (all == MOST)
        return 0;
    MUST(km_stream_open_memory(&s, "file", bytes, n, &err) == KM_OK, "%s", err.msg);
    rc = km_gunzip(&s, &yes, &err);
    while (rc == KM_OK && (rc = km_stream_peek(s, 1, &p, &got, &err)) == KM_OK && got > 0) {
        size_t common = at > all ? 0 : all - at < got ? all - at : got;

        MUST(common == 0 || memcmp(p, expected + at, common) == 0, "byte %zu of %zu", at, all);
        at += got;
        km_stream_skip(s, got);
    }
    if (rc)
        must_be_told(rc, &err);
    MUST(rc || at == all, "%zu bytes, zlib has %zu", at, all);
    MUST(!good || rc == KM_OK, "zlib reads it: %s", err.msg);
    km_stream_close(s);
    return 0;
}
