/* SPDX-License-Identifier: Apache-2.0 */
/* fvecs, bvecs, ivecs: each vector behind an i32, the number of its values. */
#include "io/fixed.h"

#include <string.h>

static int open_vectors(struct km_scan *s, struct km_err *err)
{
    struct km_fixed x = {.of = s->format->kind->of, .rows = KM_FIXED_OPEN, .front = 4};
    const unsigned char *p;
    uint32_t dim = 0;
    size_t got;
    int rc = km_stream_peek(s->stream, sizeof(dim), &p, &got, err);

    if (rc == KM_OK && got >= sizeof(dim)) {
        memcpy(&dim, p, sizeof(dim));
        rc = km_fixed_check(s, dim, 0, err);
    }
    x.dim = dim; /* 0: the file is empty, or cut, which the first row tells */
    return rc ? rc : km_fixed_open(s, &x, err);
}

/* What the three have in common. */
#define VECTORS .value_bytes = 1, .open = open_vectors, KM_FIXED

const struct km_format_kind km_format_fvecs = {
    .name = "fvecs",
    .word = "fvecs",
    .content_type = "application/x-fvecs",
    .accepted = "application/x-fvecs",
    .assumed = "application/x-fvecs",
    .suffix = ".fvecs",
    .of = {'f', 4, 0},
    VECTORS,
};

const struct km_format_kind km_format_bvecs = {
    .name = "bvecs",
    .word = "bvecs",
    .content_type = "application/x-bvecs",
    .accepted = "application/x-bvecs",
    .assumed = "application/x-bvecs",
    .suffix = ".bvecs",
    .of = {'u', 1, 0},
    VECTORS,
};

const struct km_format_kind km_format_ivecs = {
    .name = "ivecs",
    .word = "ivecs",
    .content_type = "application/x-ivecs",
    .accepted = "application/x-ivecs",
    .assumed = "application/x-ivecs",
    .suffix = ".ivecs",
    .of = {'i', 4, 0},
    VECTORS,
};
