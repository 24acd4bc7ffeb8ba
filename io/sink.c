/* SPDX-License-Identifier: Apache-2.0 */
#include "io/sink.h"

#include "base/mem.h"
#include "io/fields.h"
#include "io/file.h"
#include "io/record.h"
#include "io/recordio.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FRAME_SIZE 8u /* magic and length in front of a payload */

struct km_sink {
    struct km_writer **file; /* (shards); NULL for standard output */
    size_t shards;
    enum km_format_kind kind;
    size_t dim;
    unsigned char *line; /* one encoded row */
    uint64_t rows, bytes;
};

size_t km_float_print(char text[KM_FLOAT_TEXT], float v)
{
    int n;
    float back;

    if (v > -1e6F && v < 1e6F && v == (float)(int)v && (v != 0 || !__builtin_signbit(v)))
        return (size_t)snprintf(text, KM_FLOAT_TEXT, "%d", (int)v);
    /* %g drops zeros at the end, and a decimal of up to six digits survives float32: so six finds
     * every shorter one as well. Not so among the denormals. */
    for (int digits = fabsf(v) < FLT_MIN ? 1 : FLT_DIG; digits < FLT_DECIMAL_DIG; digits++) {
        n = snprintf(text, KM_FLOAT_TEXT, "%.*g", digits, (double)v);
        if (km_parse_float(text, (size_t)n, &back) == 0 && memcmp(&back, &v, sizeof(v)) == 0)
            return (size_t)n;
    }
    return (size_t)snprintf(text, KM_FLOAT_TEXT, "%.*g", FLT_DECIMAL_DIG, (double)v);
}

char *km_sink_path(const char *path, size_t shard, size_t shards)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    size_t stem = dot && dot != base ? (size_t)(dot - path) : strlen(path);
    int width = snprintf(NULL, 0, "%zu", shards - 1);
    size_t size = strlen(path) + (size_t)width + 2;
    char *name = km_alloc(size, 1);

    if (name)
        snprintf(name, size, "%.*s_%0*zu%s", (int)stem, path, width, shard, path + stem);
    return name;
}

static int open_files(struct km_sink *s, const char *path, struct km_err *err)
{
    int rc = KM_OK;

    s->file = km_alloc(s->shards, sizeof(*s->file));
    if (!s->file)
        return km_fail(err, KM_E_MEM, "no memory to write %zu shards", s->shards);
    if (s->shards == 1)
        return km_writer_open(&s->file[0], path, err);
    for (size_t i = 0; !rc && i < s->shards; i++) {
        char *name = km_sink_path(path, i, s->shards);

        rc = name ? km_writer_open(&s->file[i], name, err)
                  : km_fail(err, KM_E_MEM, "no memory to write %zu shards", s->shards);
        km_free(name);
    }
    return rc;
}

int km_sink_open(struct km_sink **s, const char *path, enum km_format_kind kind, size_t shards,
                 size_t dim, struct km_err *err)
{
    struct km_sink *new;
    size_t size;
    int rc = KM_OK;

    *s = NULL;
    if (dim > SIZE_MAX / KM_FLOAT_TEXT)
        return km_fail(err, KM_E_MEM, "no memory for rows of %zu values", dim);
    new = km_alloc(1, sizeof(*new));
    /* The frame's padding is at most three bytes. */
    size = kind == KM_CSV ? dim * KM_FLOAT_TEXT : FRAME_SIZE + km_record_size_max(dim) + 3;
    if (new)
        new->line = km_alloc(size, 1);
    if (!new || !new->line) {
        km_free(new);
        return km_fail(err, KM_E_MEM, "no memory for rows of %zu values", dim);
    }
    new->shards = shards;
    new->kind = kind;
    new->dim = dim;
    if (shards > 1 || strcmp(path, "-") != 0)
        rc = open_files(new, path, err);
    if (rc)
        km_sink_abort(new);
    else
        *s = new;
    return rc;
}

static size_t encode_csv(unsigned char *line, const float *row, size_t dim)
{
    char *p = (char *)line;

    for (size_t t = 0; t < dim; t++) {
        p += km_float_print(p, row[t]);
        *p++ = t + 1 < dim ? ',' : '\n';
    }
    return (size_t)(p - (char *)line);
}

/* A frame as km_recordio_put writes it, but in memory, since it may go to standard output. */
static size_t encode_record(unsigned char *line, const float *row, size_t dim)
{
    size_t len = km_record_encode(line + FRAME_SIZE, row, dim, NULL);
    size_t end = FRAME_SIZE + len;

    for (unsigned i = 0; i < 4; i++) {
        line[i] = (unsigned char)(KM_RECORDIO_MAGIC >> (8 * i));
        line[4 + i] = (unsigned char)(len >> (8 * i));
    }
    while (end % 4 != 0)
        line[end++] = 0;
    return end;
}

static int put_stdout(const unsigned char *p, size_t n, struct km_err *err)
{
    if (fwrite(p, 1, n, stdout) != n)
        return km_fail_errno(err, "standard output: cannot be written");
    return KM_OK;
}

int km_sink_put(struct km_sink *s, const float *row, struct km_err *err)
{
    size_t n =
        s->kind == KM_CSV ? encode_csv(s->line, row, s->dim) : encode_record(s->line, row, s->dim);
    size_t shard = (size_t)(s->rows++ % s->shards);

    s->bytes += n;
    if (!s->file)
        return put_stdout(s->line, n, err);
    return km_writer_put(s->file[shard], s->line, n, err);
}

int km_sink_commit(struct km_sink *s, uint64_t *bytes, struct km_err *err)
{
    int rc = KM_OK;

    *bytes = s->bytes;
    if (!s->file && fflush(stdout) != 0)
        rc = km_fail_errno(err, "standard output: cannot be written");
    for (size_t i = 0; s->file && !rc && i < s->shards; i++) {
        rc = km_writer_commit(s->file[i], err);
        s->file[i] = NULL;
    }
    km_sink_abort(s);
    return rc;
}

void km_sink_abort(struct km_sink *s)
{
    if (!s)
        return;
    for (size_t i = 0; s->file && i < s->shards; i++)
        km_writer_abort(s->file[i]);
    km_free(s->file);
    km_free(s->line);
    km_free(s);
}
