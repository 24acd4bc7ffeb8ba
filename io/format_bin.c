/* SPDX-License-Identifier: Apache-2.0 */
/* fbin, u8bin, i8bin: how many vectors and how many values of each, as u32, then all values. */
#include "io/fixed.h"

#include <string.h>

#define HEADER 8

static int open_matrix(struct km_scan *s, struct km_err *err)
{
    const unsigned char *p;
    uint32_t size[2];
    size_t got;
    int rc = km_stream_peek(s->stream, HEADER, &p, &got, err);

    if (rc)
        return rc;
    if (got < HEADER)
        return km_fail(
            err, KM_E_INPUT,
            "%s: byte %zu: the file ends within its header, expected the numbers of rows "
            "and of values; fetch the file again",
            km_stream_path(s->stream), got);
    memcpy(size, p, HEADER);
    rc = km_fixed_check(s, size[1], 4, err);
    if (rc)
        return rc;
    km_stream_skip(s->stream, HEADER);
    return km_fixed_open(
        s,
        &(struct km_fixed){
            .of = s->format->kind->of, .data = HEADER, .rows = size[0], .dim = size[1]},
        err);
}

/* What the three have in common. */
#define MATRIX .value_bytes = 1, .open = open_matrix, KM_FIXED

const struct km_format_kind km_format_fbin = {
    .name = "fbin",
    .word = "fbin",
    .content_type = "application/x-fbin",
    .accepted = "application/x-fbin",
    .assumed = "application/x-fbin",
    .suffix = ".fbin",
    .of = {'f', 4, 0},
    MATRIX,
};

const struct km_format_kind km_format_u8bin = {
    .name = "u8bin",
    .word = "u8bin",
    .content_type = "application/x-u8bin",
    .accepted = "application/x-u8bin",
    .assumed = "application/x-u8bin",
    .suffix = ".u8bin",
    .of = {'u', 1, 0},
    MATRIX,
};

const struct km_format_kind km_format_i8bin = {
    .name = "i8bin",
    .word = "i8bin",
    .content_type = "application/x-i8bin",
    .accepted = "application/x-i8bin",
    .assumed = "application/x-i8bin",
    .suffix = ".i8bin",
    .of = {'i', 1, 0},
    MATRIX,
};
