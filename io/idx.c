/* SPDX-License-Identifier: Apache-2.0 */
/* Big-endian header: 0, 0, type (8 = unsigned byte), number of axes, then a u32 for each axis. */
#include "io/idx.h"

#include "base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <zlib.h>

#define TYPE_BYTE   8
#define MAX_AXES    8 /* more than anything that was ever published */
#define BUFFER_SIZE (256u << 10)

struct km_idx {
    gzFile file; /* zlib reads plain files through the same calls */
    char *path;
    size_t axes;
    uint64_t rows, row; /* in the file; taken so far */
    size_t dim;
};

/* gzopen gives no reason but errno, and opens folders without complaint until they are read. */
static int open_file(gzFile *file, const char *path, struct km_err *err)
{
    errno = 0;
    *file = gzopen(path, "rbe");
    if (!*file) {
        if (errno == 0)
            return km_fail(err, KM_E_MEM, "no memory to read %s", path);
        if (errno == ENOENT || errno == ENOTDIR)
            return km_fail(err, KM_E_INPUT, "%s: there is no such file", path);
        return km_fail_errno(err, "%s: cannot be opened", path);
    }
    gzbuffer(*file, BUFFER_SIZE);
    return KM_OK;
}

/* Reads n bytes or fewer at the end of the file. */
static int get(gzFile file, const char *path, void *bytes, size_t n, size_t *got,
               struct km_err *err)
{
    int rc, status;
    const char *text;

    *got = 0;
    errno = 0;
    rc = gzread(file, bytes, (unsigned)n);
    text = gzerror(file, &status);
    if (rc < 0 && status == Z_ERRNO)
        return km_fail_errno(err, "%s: cannot be read", path);
    if (rc < 0 || status == Z_BUF_ERROR) /* the second: gzip ends too early */
        return km_fail(err, KM_E_INPUT,
                       "%s: byte %lld (decompressed): found damaged or cut gzip data (%s); "
                       "fetch the file again",
                       path, (long long)gztell(file), text);
    *got = (size_t)rc;
    return KM_OK;
}

int km_idx_probe(const char *path, struct km_idx_probe *probe, struct km_err *err)
{
    gzFile file;
    int rc;

    *probe = (struct km_idx_probe){0};
    rc = open_file(&file, path, err);
    if (rc)
        return rc;
    rc = get(file, path, probe->first, sizeof(probe->first), &probe->got, err);
    probe->gzip = !gzdirect(file);
    /* The types are 8, 9 and 11 to 14; no text begins like that, nor a RecordIO frame. */
    probe->idx = probe->got == 4 && probe->first[0] == 0 && probe->first[1] == 0 &&
                 probe->first[2] >= 8 && probe->first[2] <= 14 && probe->first[3] >= 1;
    gzclose(file);
    return rc;
}

/* One u32 of the header. */
static int get_axis(struct km_idx *x, size_t axis, uint64_t *n, struct km_err *err)
{
    unsigned char b[4];
    size_t got;
    int rc;

    rc = get(x->file, x->path, b, 4, &got, err);
    if (rc)
        return rc;
    if (got < 4)
        return km_fail(err, KM_E_INPUT,
                       "%s: byte %zu: the file ends within its header, expected the size of axis "
                       "%zu of %zu; fetch the file again",
                       x->path, 4 + 4 * axis + got, axis + 1, x->axes);
    *n = (uint64_t)b[0] << 24 | (uint64_t)b[1] << 16 | (uint64_t)b[2] << 8 | b[3];
    return KM_OK;
}

static int read_header(struct km_idx *x, struct km_err *err)
{
    unsigned char b[4] = {0};
    uint64_t dim = 1, n;
    size_t got;
    int rc;

    rc = get(x->file, x->path, b, 4, &got, err);
    if (rc)
        return rc;
    if (got < 4 || b[0] != 0 || b[1] != 0)
        return km_fail(err, KM_E_INPUT,
                       "%s: byte 0: found %02x %02x %02x %02x in a file of %zu or more bytes, "
                       "expected the magic of an IDX file (00 00 08 03 for images)",
                       x->path, b[0], b[1], b[2], b[3], got);
    if (b[2] != TYPE_BYTE)
        return km_fail(err, KM_E_INPUT,
                       "%s: byte 2: found IDX element type %d, expected %d (unsigned byte)",
                       x->path, b[2], TYPE_BYTE);
    if (b[3] < 1 || b[3] > MAX_AXES)
        return km_fail(err, KM_E_INPUT, "%s: byte 3: found %d axes, expected 1 to %d", x->path,
                       b[3], MAX_AXES);
    x->axes = b[3];
    rc = get_axis(x, 0, &x->rows, err);
    for (size_t axis = 1; !rc && axis < x->axes; axis++) {
        rc = get_axis(x, axis, &n, err);
        if (!rc && (n == 0 || __builtin_mul_overflow(dim, n, &dim) || dim > INT_MAX))
            rc = km_fail(err, KM_E_INPUT,
                         "%s: byte %zu: found %" PRIu64
                         " as the size of axis %zu, expected items of "
                         "1 to %d bytes",
                         x->path, 4 + 4 * axis, n, axis + 1, INT_MAX);
    }
    x->dim = (size_t)dim;
    return rc;
}

int km_idx_open(struct km_idx **x, const char *path, struct km_err *err)
{
    struct km_idx *new;
    int rc;

    *x = NULL;
    new = km_alloc(1, sizeof(*new));
    if (new)
        new->path = km_strdup(path);
    if (!new || !new->path)
        rc = km_fail(err, KM_E_MEM, "no memory to read %s", path);
    else
        rc = open_file(&new->file, path, err);
    if (!rc)
        rc = read_header(new, err);
    if (rc)
        km_idx_close(new);
    else
        *x = new;
    return rc;
}

void km_idx_close(struct km_idx *x)
{
    if (!x)
        return;
    if (x->file)
        gzclose(x->file);
    km_free(x->path);
    km_free(x);
}

size_t km_idx_axes(const struct km_idx *x)
{
    return x->axes;
}

uint64_t km_idx_rows(const struct km_idx *x)
{
    return x->rows;
}

size_t km_idx_dim(const struct km_idx *x)
{
    return x->dim;
}

int km_idx_next(struct km_idx *x, unsigned char *row, struct km_err *err)
{
    uint64_t at = 4 + 4 * x->axes + x->row * x->dim;
    unsigned char more;
    size_t got;
    int rc;

    if (x->row < x->rows) {
        rc = get(x->file, x->path, row, x->dim, &got, err);
        if (rc)
            return rc;
        if (got < x->dim)
            return km_fail(err, KM_E_INPUT,
                           "%s: byte %" PRIu64 ": the file ends within item %" PRIu64
                           ", expected %" PRIu64 " items of %zu bytes; fetch the file again",
                           x->path, at + got, x->row + 1, x->rows, x->dim);
        x->row++;
        return KM_MORE;
    }
    rc = get(x->file, x->path, &more, 1, &got, err); /* also lets gzip compare its check sum */
    if (!rc && got > 0)
        rc = km_fail(err, KM_E_INPUT,
                     "%s: byte %" PRIu64 ": found more bytes, expected the end after %" PRIu64
                     " items of %zu bytes, as the header says",
                     x->path, at, x->rows, x->dim);
    return rc;
}
