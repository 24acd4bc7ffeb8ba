/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/source.h"

#include "base/mem.h"
#include "io/file.h"
#include "io/probe.h"
#include "io/recordio.h"

#include <sys/stat.h>

/* What the first bytes of a file that is not idx are. */
static int probe_file(struct km_probe *probe, const char *path, struct km_err *err)
{
    const unsigned char *p;
    struct km_stream *s;
    size_t got;
    int rc;

    rc = km_stream_open(&s, path, err);
    if (rc)
        return rc;
    rc = km_stream_peek(s, KM_RECORDIO_HEADER, &p, &got, err);
    if (rc == KM_OK)
        km_probe(probe, p, got, path);
    km_stream_close(s);
    return rc;
}

/* The format of an input from its first bytes. */
static int detect(enum km_source_kind *kind, const char *path, struct km_err *err)
{
    struct km_idx_probe idx;
    struct km_probe probe;
    int rc;

    rc = km_idx_probe(path, &idx, err);
    if (rc)
        return rc;
    if (idx.idx) {
        *kind = KM_FROM_IDX;
        return KM_OK;
    }
    rc = probe_file(&probe, path, err);
    if (rc)
        return rc;
    if (idx.gzip)
        return km_fail(err, KM_E_INPUT,
                       "%s: byte 0: found gzip that holds no idx file; only idx is "
                       "read compressed: the file %s; %s",
                       path, probe.what, probe.todo);
    if (probe.kind == KM_PROBE_FOREIGN)
        return km_fail(err, KM_E_INPUT,
                       "%s: the file %s, expected idx, CSV or RecordIO-protobuf; %s", path,
                       probe.what, probe.todo);
    *kind = probe.kind == KM_PROBE_RECORDIO ? KM_FROM_RECORDIO : KM_FROM_CSV;
    return KM_OK;
}

void km_source_close(struct km_source *s)
{
    km_idx_close(s->idx);
    km_shard_close(s->shard);
    km_free(s->bytes);
    *s = (struct km_source){0};
}

static int open_idx(struct km_source *s, struct km_err *err)
{
    int rc;

    rc = km_idx_open(&s->idx, s->path, err);
    if (rc)
        return rc;
    if (km_idx_axes(s->idx) == 1)
        return km_fail(
            err, KM_E_INPUT,
            "%s: byte 3: found 1 axis, expected 2 or more: this is a file of labels, and "
            "k-means takes no labels; give the file of images",
            s->path);
    s->format.feature_dim = km_idx_rows(s->idx) ? km_idx_dim(s->idx) : 0;
    s->bytes = km_alloc(km_idx_dim(s->idx), 1);
    if (!s->bytes)
        return km_fail(err, KM_E_MEM, "%s: no memory for images of %zu bytes", s->path,
                       km_idx_dim(s->idx));
    return KM_OK;
}

int km_source_open(struct km_source *s, const char *path, enum km_source_kind kind,
                   const struct km_format *format, struct km_err *err)
{
    struct stat st;
    int exists = stat(path, &st) == 0, rc = KM_OK;

    *s = (struct km_source){.path = path, .format = *format};
    if (exists && S_ISDIR(st.st_mode))
        return km_fail(err, KM_E_INPUT, "%s: is a folder, expected a file; name the files in it",
                       path);
    if (kind == KM_FROM_ANY && exists) /* a pipe shows its first bytes once */
        rc = km_stream_keep(path, err);
    if (kind == KM_FROM_ANY && !rc)
        rc = detect(&kind, path, err);
    km_stream_unkeep(path);
    if (rc)
        return rc;
    s->kind = kind;
    if (kind == KM_FROM_IDX)
        return open_idx(s, err);
    s->format.kind = kind == KM_FROM_CSV ? KM_CSV : KM_RECORDIO;
    return km_shard_open(&s->shard, path, &s->format, err);
}

int km_source_read(struct km_source *s, struct km_mat *x, size_t *rows, struct km_err *err)
{
    int rc;

    *rows = 0;
    if (s->shard)
        return km_shard_read(s->shard, x, 0, rows, err);
    while (*rows < x->n) {
        float *row = km_mat_row(x, *rows);

        rc = km_idx_next(s->idx, s->bytes, err);
        if (rc != KM_MORE)
            return rc;
        for (size_t t = 0; t < x->d; t++)
            row[t] = s->bytes[t];
        ++*rows;
    }
    return KM_OK;
}
