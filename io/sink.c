/* SPDX-License-Identifier: Apache-2.0 */
#include "io/sink.h"

#include "base/mem.h"
#include "io/writer.h"

#include <stdio.h>
#include <string.h>

struct km_sink {
    struct km_writer **file; /* (shards); NULL for standard output */
    size_t shards;
    const struct km_format_kind *kind;
    size_t dim;
    unsigned char *line; /* one encoded row */
    uint64_t rows, bytes;
};

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

int km_sink_open(struct km_sink **s, const char *path, const struct km_format_kind *kind,
                 size_t shards, size_t dim, struct km_err *err)
{
    struct km_sink *new = km_alloc(1, sizeof(*new));
    int rc = KM_OK;

    *s = NULL;
    if (new &&dim <= KM_RECORD_DIM_MAX)
        new->line = km_alloc(kind->row_bytes(dim), 1);
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

static int put_stdout(const unsigned char *p, size_t n, struct km_err *err)
{
    if (fwrite(p, 1, n, stdout) != n)
        return km_fail_errno(err, "standard output: cannot be written");
    return KM_OK;
}

int km_sink_put(struct km_sink *s, const float *row, struct km_err *err)
{
    size_t n = s->kind->write(s->line, row, s->dim);
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
