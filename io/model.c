/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes, all little endian (docs/formats.md):
 *
 *   0 u64 0x112   8 u64 0   16 u64 1 array   24 u32 0xF993FAC9 (V2)   28 i32 0 dense   32 i32 2
 * axes 36 i64 k   44 i64 d   52 i32 1 (CPU)   56 i32 0   60 i32 0 (float32)   64 f32[k * d] 64 +
 * 4kd u64 0 names
 */
#include "io/model.h"

#include "base/mem.h"
#include "io/stream.h"
#include "io/tar.h"
#include "io/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#define LIST_MAGIC  0x112u
#define V1_MAGIC    0xF993FAC8u
#define V2_MAGIC    0xF993FAC9u
#define V3_MAGIC    0xF993FACAu
#define HEAD_SIZE   64
#define NAMES_SIZE  8
#define DEVICE_CPU  1
#define TYPE_FLOAT  0
#define DENSE       0
#define READ_FLOATS ((size_t)16 << 10) /* values taken from the stream at a time */

static unsigned char *put_le(unsigned char *p, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *p++ = (unsigned char)(v >> (8 * i));
    return p;
}

static uint64_t get_le(const unsigned char *p, int bytes)
{
    uint64_t v = 0;

    for (int i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

/* The whole file in memory, to be freed with km_free. */
static int encode(unsigned char **bytes, size_t *size, const struct km_mat *c, struct km_err *err)
{
    unsigned char *p;
    size_t values;

    if (__builtin_mul_overflow(c->n, c->d, &values) ||
        __builtin_mul_overflow(values, sizeof(float), size) ||
        __builtin_add_overflow(*size, (size_t)HEAD_SIZE + NAMES_SIZE, size) ||
        !(*bytes = km_alloc(*size, 1)))
        return km_fail(err, KM_E_MEM, "no memory to write a model of %zu x %zu values", c->n, c->d);
    p = put_le(*bytes, LIST_MAGIC, 8);
    p = put_le(p, 0, 8);
    p = put_le(p, 1, 8);
    p = put_le(p, V2_MAGIC, 4);
    p = put_le(p, DENSE, 4);
    p = put_le(p, 2, 4);
    p = put_le(p, c->n, 8);
    p = put_le(p, c->d, 8);
    p = put_le(p, DEVICE_CPU, 4);
    p = put_le(p, 0, 4);
    p = put_le(p, TYPE_FLOAT, 4);
    for (size_t j = 0; j < c->n; j++) {
        const float *row = km_mat_row(c, j);

        for (size_t t = 0; t < c->d; t++) {
            uint32_t bits;

            memcpy(&bits, &row[t], sizeof(bits));
            p = put_le(p, bits, 4);
        }
    }
    put_le(p, 0, NAMES_SIZE);
    return KM_OK;
}

int km_model_write(const char *path, const struct km_mat *c, struct km_err *err)
{
    struct km_writer *w = NULL;
    unsigned char *bytes = NULL;
    size_t size;
    int rc;

    rc = encode(&bytes, &size, c, err);
    if (!rc)
        rc = km_writer_open(&w, path, err);
    if (!rc)
        rc = km_writer_put(w, bytes, size, err);
    if (!rc) {
        rc = km_writer_commit(w, err);
        w = NULL;
    }
    km_writer_abort(w);
    km_free(bytes);
    return rc;
}

int km_model_pack(const char *path, const struct km_mat *c, struct km_err *err)
{
    unsigned char *bytes = NULL;
    size_t size;
    int rc;

    rc = encode(&bytes, &size, c, err);
    if (!rc)
        rc = km_tar_gz_write(path, KM_MODEL_NAME, bytes, size, err);
    km_free(bytes);
    return rc;
}

/* The next little-endian number of the file; `what` names it if the file ends there. */
static int take(struct km_stream *s, uint64_t *v, int bytes, const char *what, struct km_err *err)
{
    const unsigned char *p;
    size_t got;
    int rc;

    *v = 0;
    rc = km_stream_peek(s, (size_t)bytes, &p, &got, err);
    if (rc)
        return rc;
    if (got < (size_t)bytes)
        return km_fail(err, KM_E_INPUT,
                       "%s: byte %" PRIu64
                       ": the file ends after %zu more bytes, expected %s of %d "
                       "bytes; the model file is cut short",
                       km_stream_path(s), km_stream_at(s), got, what, bytes);
    *v = get_le(p, bytes);
    km_stream_skip(s, (size_t)bytes);
    return KM_OK;
}

/* The same, for a number that can have one value only. */
static int expect(struct km_stream *s, uint64_t want, int bytes, const char *what,
                  struct km_err *err)
{
    uint64_t at = km_stream_at(s), v;
    int rc;

    rc = take(s, &v, bytes, what, err);
    if (rc || v == want)
        return rc;
    return km_fail(err, KM_E_INPUT,
                   "%s: byte %" PRIu64 ": found %s 0x%" PRIx64 ", expected 0x%" PRIx64
                   "; give a model of k centers in float32 as k-means training writes it",
                   km_stream_path(s), at, what, v, want);
}

/* People unpack once too few: say so when the file is an archive. */
static int check_kind(struct km_stream *s, struct km_err *err)
{
    const unsigned char *p;
    size_t got;
    int rc;

    rc = km_stream_peek(s, 2, &p, &got, err);
    if (!rc && got >= 2 && p[0] == 0x1f && p[1] == 0x8b)
        return km_fail(err, KM_E_INPUT,
                       "%s: byte 0: found gzip, expected a model file; unpack it first "
                       "(tar xzf) and give the member " KM_MODEL_NAME,
                       km_stream_path(s));
    if (!rc && got >= 2 && p[0] == 'P' && p[1] == 'K')
        return km_fail(err, KM_E_INPUT,
                       "%s: byte 0: found a zip archive, expected a model file; "
                       "k-means models are never zipped: is it a model of another algorithm?",
                       km_stream_path(s));
    return rc;
}

/* Everything up to the array's shape. *wide: bytes of one dimension (those before V1 have 4). */
static int read_prolog(struct km_stream *s, int *wide, struct km_err *err)
{
    uint64_t at, v;
    int rc;

    rc = check_kind(s, err);
    if (!rc)
        rc = expect(s, LIST_MAGIC, 8, "file magic", err);
    if (!rc)
        rc = take(s, &v, 8, "a reserved number", err); /* MXNet reads it and does not look */
    if (!rc)
        rc = expect(s, 1, 8, "number of arrays", err);
    at = km_stream_at(s);
    if (!rc)
        rc = take(s, &v, 4, "array magic", err);
    if (rc)
        return rc;
    *wide = 8;
    if (v == V2_MAGIC || v == V3_MAGIC)
        rc = expect(s, DENSE, 4, "storage type", err);
    if (!rc && (v == V1_MAGIC || v == V2_MAGIC || v == V3_MAGIC))
        return expect(s, 2, 4, "number of axes", err);
    if (rc)
        return rc;
    *wide = 4; /* the oldest layout has no magic: this was the number of axes */
    if (v == 2)
        return KM_OK;
    return km_fail(err, KM_E_INPUT,
                   "%s: byte %" PRIu64 ": found array magic 0x%" PRIx64
                   ", expected 0x%x (or an older NDArray with 2 axes)",
                   km_stream_path(s), at, v, V2_MAGIC);
}

/* Shape and type, checked against the size of the file before any memory is taken for it. */
static int read_shape(struct km_stream *s, int wide, uint64_t size, struct km_mat *c,
                      struct km_err *err)
{
    uint64_t at = km_stream_at(s), k, d, v, bytes, left;
    int rc;

    rc = take(s, &k, wide, "number of centers", err);
    if (!rc)
        rc = take(s, &d, wide, "number of features", err);
    if (!rc)
        rc = take(s, &v, 4, "device type", err); /* where it was trained: of no meaning here */
    if (!rc)
        rc = take(s, &v, 4, "device number", err);
    if (!rc)
        rc = expect(s, TYPE_FLOAT, 4, "element type (0 is float32)", err);
    if (rc)
        return rc;
    if (k == 0 || d == 0)
        return km_fail(err, KM_E_INPUT,
                       "%s: byte %" PRIu64 ": found a model of %" PRIu64 " x %" PRIu64
                       " values, expected at least one center with one feature",
                       km_stream_path(s), at, k, d);
    left = size > km_stream_at(s) ? size - km_stream_at(s) : 0;
    if (__builtin_mul_overflow(k, d, &v) || __builtin_mul_overflow(v, sizeof(float), &bytes) ||
        bytes > left)
        return km_fail(err, KM_E_INPUT,
                       "%s: byte %" PRIu64 ": found a model of %" PRIu64 " x %" PRIu64
                       " float32 values, but only %" PRIu64
                       " bytes follow; the model file is cut short or damaged",
                       km_stream_path(s), at, k, d, left);
    return km_mat_init(c, (size_t)k, (size_t)d, err);
}

/* One row of float32 values, a piece at a time. */
static int read_row(struct km_stream *s, float *row, size_t j, size_t d, struct km_err *err)
{
    const unsigned char *p;
    size_t got;
    int rc;

    for (size_t t = 0; t < d;) {
        size_t n = d - t < READ_FLOATS ? d - t : READ_FLOATS;

        rc = km_stream_peek(s, n * sizeof(float), &p, &got, err);
        if (rc)
            return rc;
        if (got < n * sizeof(float))
            return km_fail(err, KM_E_INPUT,
                           "%s: byte %" PRIu64 ": the file ends within center %zu; "
                           "the model file is cut short",
                           km_stream_path(s), km_stream_at(s) + got, j);
        for (size_t i = 0; i < n; i++) {
            uint32_t bits = (uint32_t)get_le(p + i * sizeof(float), 4);

            memcpy(&row[t + i], &bits, sizeof(bits));
            if (!isfinite(row[t + i]))
                return km_fail(err, KM_E_INPUT,
                               "%s: byte %" PRIu64 ": found %f as feature %zu of center %zu, "
                               "expected a finite number; train the model again",
                               km_stream_path(s), km_stream_at(s) + i * sizeof(float),
                               (double)row[t + i], t + i, j);
        }
        km_stream_skip(s, n * sizeof(float));
        t += n;
    }
    return KM_OK;
}

/* The list of names (none, or one that is not looked at), then nothing. */
static int read_epilog(struct km_stream *s, struct km_err *err)
{
    uint64_t at = km_stream_at(s), names, len = 0;
    const unsigned char *p;
    size_t got = 0;
    int rc;

    rc = take(s, &names, 8, "number of names", err);
    if (!rc && names > 1)
        rc = km_fail(err, KM_E_INPUT,
                     "%s: byte %" PRIu64 ": found %" PRIu64 " names, expected 0 or 1 for one array",
                     km_stream_path(s), at, names);
    if (!rc && names == 1)
        rc = take(s, &len, 8, "length of a name", err);
    while (!rc && len > 0) {
        uint64_t v;

        rc = take(s, &v, 1, "a name", err);
        len--;
    }
    if (!rc)
        rc = km_stream_peek(s, 1, &p, &got, err);
    if (!rc && got > 0)
        rc = km_fail(err, KM_E_INPUT,
                     "%s: byte %" PRIu64 ": found more bytes, expected the end of the file",
                     km_stream_path(s), km_stream_at(s));
    return rc;
}

int km_model_read(const char *path, struct km_mat *c, struct km_err *err)
{
    struct km_stream *s = NULL;
    struct stat st;
    int wide, rc;

    *c = (struct km_mat){0};
    if (stat(path, &st) != 0) {
        if (errno != ENOENT)
            return km_fail_errno(err, "%s: cannot read the model", path);
        return km_fail(err, KM_E_INPUT, "%s: there is no such file, expected a model file", path);
    }
    if (!S_ISREG(st.st_mode))
        return km_fail(err, KM_E_INPUT, "%s: is no regular file, expected a model file", path);
    rc = km_stream_open(&s, path, err);
    if (!rc)
        rc = read_prolog(s, &wide, err);
    if (!rc)
        rc = read_shape(s, wide, (uint64_t)st.st_size, c, err);
    for (size_t j = 0; !rc && j < c->n; j++)
        rc = read_row(s, km_mat_row(c, j), j, c->d, err);
    if (!rc)
        rc = read_epilog(s, err);
    if (rc)
        km_mat_done(c);
    km_stream_close(s);
    return rc;
}
