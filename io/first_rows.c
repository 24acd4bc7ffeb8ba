/* SPDX-License-Identifier: Apache-2.0 */
#include "io/first_rows.h"

#include "io/reader.h"

/* So many files are looked into before the first row is used; the others when their turn comes. */
#define CHECKED_FILES 1000

#define MEASURED_ROWS 16
#define LOOK_ROWS     1000
#define LOOK_VALUES   ((size_t)1 << 20)

/* How long rows are, from the first ones of a file that has just been opened. */
static void measure(struct km_first_rows *first, struct km_reader *r)
{
    const struct km_shape shape = {.d = first->format->feature_dim};
    const struct km_room one = {.rows = 1};
    struct km_rows row;
    struct km_err err;
    size_t n = 0, got = 1;

    if (km_rows_init(&row, &shape, one, &err))
        return;
    for (; n < MEASURED_ROWS && got > 0; n += got) {
        row.dense.n = 0;
        if (km_reader_read(r, &row, one, &got, &err))
            break; /* a bad row is told in its turn */
    }
    first->row_bytes = n ? (double)km_reader_bytes(r) / (double)n : 0;
    km_rows_done(&row);
}

/* How sparse rows are, from more of the first ones; *stream is at the first byte before. */
static int look(struct km_first_rows *first, struct km_stream **stream, struct km_err *err)
{
    struct km_format format =
        *first->format; /* what these rows teach it is learned in their turn */
    const struct km_shape shape = {.d = format.feature_dim, .sparse = 1};
    const struct km_room room = {LOOK_ROWS, LOOK_VALUES},
                         memory = {LOOK_ROWS, LOOK_VALUES + shape.d};
    struct km_rows rows = {0};
    struct km_reader *r;
    int rc;

    km_skip_restart(&format.skip, 0);
    rc = km_reader_open(&r, *stream, &format, NULL, err);
    *stream = NULL;
    if (rc)
        return rc;
    rc = km_rows_init(&rows, &shape, memory, err);
    if (rc == KM_OK)
        rc = km_reader_read(r, &rows, room, &first->look.rows, err);
    if (rc == KM_E_INPUT && first->look.rows > 0)
        rc = KM_OK; /* as above */
    first->look.values = km_rows_values(&rows);
    first->look.sparse = (size_t)km_reader_sparse(r);
    *stream = km_reader_leave(r);
    km_rows_done(&rows);
    return rc;
}

/* Decodes the first row of a file; of the first that has some it looks at more of them. */
static int look_into(struct km_first_rows *first, size_t i, struct km_err *err)
{
    struct km_format *f = first->format;
    struct km_stream *stream;
    struct km_reader *r;
    int rc = km_files_look(first->files, i, &stream, err);

    km_skip_restart(&f->skip, 0);
    if (rc == KM_OK)
        rc = km_reader_open(&r, stream, f, NULL, err);
    if (rc)
        return rc;
    if (first->row_bytes == 0 && f->feature_dim > 0)
        measure(first, r);
    stream = km_reader_leave(r);
    if (first->look.rows == 0 && f->feature_dim > 0 && f->kind->may_be_sparse) {
        rc = km_stream_seek(stream, 0, err);
        if (rc == KM_OK)
            rc = look(first, &stream, err);
    }
    if (rc == KM_OK)
        km_files_hold(first->files, i, stream);
    else
        km_stream_close(stream);
    return rc;
}

int km_first_rows_open(struct km_first_rows *first, struct km_err *err)
{
    const struct km_files *files = first->files;
    int rc = KM_OK;

    for (size_t i = 0; rc == KM_OK && i < files->n; i++) {
        if (i >= CHECKED_FILES && km_format_complete(first->format))
            break;
        if (km_files_regular(files, i))
            rc = look_into(first, i, err);
    }
    return rc;
}

int km_first_rows_wait(struct km_first_rows *first, struct km_err *err)
{
    const struct km_files *files = first->files;
    int rc = KM_OK;

    for (size_t i = 0; rc == KM_OK && i < files->n && !first->format->feature_dim; i++)
        if (!km_files_regular(files, i))
            rc = look_into(first, i, err);
    return rc;
}
