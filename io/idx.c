/* SPDX-License-Identifier: Apache-2.0 */
/* Big-endian header: 0, 0, type (8 = unsigned byte), number of axes, then a u32 for each axis. */
#include "io/idx.h"

#include "base/mem.h"
#include "io/gunzip.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define TYPE_BYTE 8
#define MAX_AXES  8 /* more than anything that was ever published */

struct km_idx {
    struct km_gunzip *file;
    char *path;
    size_t axes;
    uint64_t rows, row; /* in the file; taken so far */
    size_t dim;
};

int km_idx_probe(const char *path, struct km_idx_probe *probe, struct km_err *err)
{
    struct km_gunzip *file;
    int rc;

    *probe = (struct km_idx_probe){0};
    rc = km_gunzip_open(&file, path, err);
    if (rc)
        return rc;
    rc = km_gunzip_read(file, probe->first, sizeof(probe->first), &probe->got, err);
    probe->gzip = km_gunzip_is_gzip(file);
    /* The types are 8, 9 and 11 to 14; no text begins like that, nor a RecordIO frame. */
    probe->idx = probe->got == 4 && probe->first[0] == 0 && probe->first[1] == 0 &&
                 probe->first[2] >= 8 && probe->first[2] <= 14 && probe->first[3] >= 1;
    km_gunzip_close(file);
    return rc;
}

/* One u32 of the header. */
static int get_axis(struct km_idx *x, size_t axis, uint64_t *n, struct km_err *err)
{
    unsigned char b[4];
    size_t got;
    int rc;

    rc = km_gunzip_read(x->file, b, 4, &got, err);
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
    uint64_t dim = 1, n = 0;
    size_t got;
    int rc;

    rc = km_gunzip_read(x->file, b, 4, &got, err);
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
        rc = km_gunzip_open(&new->file, path, err);
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
    km_gunzip_close(x->file);
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
        rc = km_gunzip_read(x->file, row, x->dim, &got, err);
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
    rc = km_gunzip_read(x->file, &more, 1, &got, err); /* also lets gzip compare its check sum */
    if (!rc && got > 0)
        rc = km_fail(err, KM_E_INPUT,
                     "%s: byte %" PRIu64 ": found more bytes, expected the end after %" PRIu64
                     " items of %zu bytes, as the header says",
                     x->path, at, x->rows, x->dim);
    return rc;
}
