/* SPDX-License-Identifier: Apache-2.0 */
/* idx: the images of MNIST, each a row of its pixels. Labels are no rows. */
#include "io/format.h"

#include "io/idx.h"

static int open_images(struct km_scan *s, struct km_err *err)
{
    struct km_idx *x;
    int rc = km_idx_open(&x, s->stream, err);

    s->state = x;
    if (rc == KM_OK && km_idx_axes(x) == 1)
        rc = km_fail(err, KM_E_INPUT,
                     "%s: byte 3: found 1 axis, expected 2 or more: this is a file of labels, and "
                     "k-means takes no labels; give the file of images",
                     km_stream_path(s->stream));
    return rc;
}

static void close_images(struct km_scan *s)
{
    km_idx_close(s->state);
}

static size_t longest_image(const struct km_format *f)
{
    return f->feature_dim; /* the file's header has judged it */
}

static int next_image(struct km_scan *s, struct km_raw *raw, struct km_err *err)
{
    int rc;

    raw->at = km_stream_at(s->stream);
    rc = km_idx_next(s->state, &raw->p, err);
    raw->len = km_idx_dim(s->state);
    s->number += rc == KM_MORE;
    return rc;
}

static int width_of_image(struct km_scan *s, const struct km_raw *raw, size_t *dim,
                          struct km_err *err)
{
    (void)s;
    (void)err;
    *dim = raw->len;
    return KM_OK;
}

static int decode_image(struct km_scan *s, const struct km_raw *raw, float *row, struct km_err *err)
{
    if (raw->len != s->format->feature_dim)
        return km_fail(err, KM_E_INPUT, "%zu pixels, expected %zu; give images of the same size",
                       raw->len, s->format->feature_dim);
    for (size_t t = 0; t < raw->len; t++)
        row[t] = raw->p[t];
    return KM_OK;
}

static int fail_image(struct km_scan *s, const struct km_raw *raw, struct km_err *err)
{
    return km_format_place(err, s, "item", raw->at);
}

const struct km_format_kind km_format_idx = {
    .name = "idx",
    .word = "idx",
    .found = "is an idx file (the format of MNIST)",
    .todo = "turn it into rows: kmeans convert FILE --output rows.recordio",
    .may_be_zipped = 1,
    .value_bytes = 1,
    .is = km_idx_is,
    .open = open_images,
    .close = close_images,
    .longest = longest_image,
    .next = next_image,
    .width = width_of_image,
    .decode = decode_image,
    .fail = fail_image,
};
