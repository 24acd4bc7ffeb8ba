/* SPDX-License-Identifier: Apache-2.0 */
#include "io/first_rows.h"

#include "io/reader.h"

/* So many files are looked into before the first row is used; the others when their turn comes. */
#define CHECKED_FILES 1000

#define MEASURED_ROWS 16
#define LOOK_ROWS     1000
#define LOOK_VALUES   ((size_t)1 << 20)

static int open_reader(struct km_reader **r, const struct km_files *files, size_t i,
                       struct km_format *format, struct km_err *err)
{
    struct km_stream *stream;
    int rc = km_files_look(files, i, &stream, err);

    return rc ? rc : km_reader_open(r, stream, format, NULL, err);
}

/* How long rows are, from the first ones of a file that has just been opened. */
static void measure_rows(struct km_first_rows *look, struct km_reader *r)
{
    const struct km_shape shape = {.d = look->format->feature_dim};
    const struct km_room one = {.rows = 1};
    struct km_rows row;
    struct km_err err;
    size_t n = 0, got = 1;

    if (look->row_bytes > 0 || shape.d == 0 || km_rows_init(&row, &shape, one, &err))
        return;
    for (; n < MEASURED_ROWS && got > 0; n += got) {
        row.dense.n = 0;
        if (km_reader_read(r, &row, one, &got, &err))
            break; /* a bad row is told in its turn */
    }
    look->row_bytes = n ? (double)km_reader_bytes(r) / (double)n : 0;
    km_rows_done(&row);
}

int km_first_rows_open(struct km_first_rows *look, struct km_err *err)
{
    const struct km_files *files = look->files;
    struct km_reader *r;
    int rc = KM_OK;

    for (size_t i = 0; rc == KM_OK && i < files->n; i++) {
        if (i >= CHECKED_FILES && km_format_complete(look->format))
            break;
        if (!km_files_regular(files, i))
            continue;
        rc = open_reader(&r, files, i, look->format, err);
        if (rc)
            break;
        measure_rows(look, r);
        km_files_hold(files, i, km_reader_leave(r));
    }
    return rc;
}

int km_first_rows_wait(struct km_first_rows *look, struct km_err *err)
{
    const struct km_files *files = look->files;
    struct km_reader *r;
    int rc = KM_OK;

    for (size_t i = 0; rc == KM_OK && i < files->n && !look->format->feature_dim; i++) {
        if (km_files_regular(files, i))
            continue;
        rc = open_reader(&r, files, i, look->format, err);
        if (rc == KM_OK)
            km_files_hold(files, i, km_reader_leave(r));
        look->waited = i + 1;
    }
    return rc;
}

/* Looks at the rows of one file. */
static int look_into(const struct km_files *files, size_t i, struct km_format *format,
                     struct km_feed_look *found, struct km_err *err)
{
    const struct km_room room = {LOOK_ROWS, LOOK_VALUES};
    struct km_rows rows = {0};
    struct km_reader *r;
    int rc = open_reader(&r, files, i, format, err);

    if (rc)
        return rc;
    rc = km_csr_init(&rows.sparse, LOOK_ROWS, LOOK_VALUES + format->feature_dim,
                     format->feature_dim, err);
    if (rc == KM_OK)
        rc = km_reader_read(r, &rows, room, &found->rows, err);
    if (rc == KM_E_INPUT && found->rows > 0)
        rc = KM_OK; /* a bad row behind good ones is told in its turn */
    if (rc == KM_OK) {
        found->values = rows.sparse.nnz;
        found->sparse = (size_t)km_reader_sparse(r);
    }
    km_rows_done(&rows);
    km_files_hold(files, i, km_reader_leave(r));
    return rc;
}

int km_first_rows_look(const struct km_first_rows *look, struct km_feed_look *found,
                       struct km_err *err)
{
    const struct km_files *files = look->files;
    struct km_format *format = look->format;
    int rc = KM_OK;

    *found = (struct km_feed_look){0};
    for (size_t i = 0; rc == KM_OK && i < files->n && i < CHECKED_FILES && found->rows == 0; i++)
        if (km_files_regular(files, i))
            rc = look_into(files, i, format, found, err);
    if (rc == KM_OK && found->rows == 0 && look->waited > 0)
        rc = look_into(files, look->waited - 1, format, found, err);
    return rc;
}
