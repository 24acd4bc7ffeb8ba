/* SPDX-License-Identifier: Apache-2.0 */
#include "io/recordio.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEADER KM_RECORDIO_HEADER

static const unsigned char magic[4] = {0x0a, 0x23, 0xd7, 0xce};

static uint32_t le32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static size_t padded(size_t len)
{
    return (len + 3) & ~(size_t)3;
}

/* Something else than a frame's first bytes; n of them (1 to 4) are shown. */
static int fail_magic(const struct km_stream *s, uint64_t record, const unsigned char *p, size_t n,
                      struct km_err *err)
{
    char hex[3 * sizeof(magic) + 1] = "";
    const char *hint = record == 1 ? "the file is no RecordIO; check the channel's content type"
                                   : "the file is damaged here or in the record before";
    int text = 1;

    for (size_t i = 0; i < n; i++) {
        snprintf(hex + 3 * i, sizeof(hex) - 3 * i, " %02x", p[i]);
        text = text && (isprint(p[i]) || isspace(p[i]));
    }
    if (text && record == 1)
        hint = "this looks like text; for CSV set the channel's content type to "
               "text/csv;label_size=0";
    return km_fail(err, KM_E_INPUT,
                   "%s: record %" PRIu64 " at byte %" PRIu64
                   ": found%s, expected the RecordIO magic number 0a 23 d7 ce; %s",
                   km_stream_path(s), record, km_stream_at(s), hex, hint);
}

static int fail_cut(const struct km_stream *s, uint64_t record, const char *part, size_t got,
                    size_t want, struct km_err *err)
{
    return km_fail(err, KM_E_INPUT,
                   "%s: record %" PRIu64 " at byte %" PRIu64
                   ": the file is cut inside the record's %s (%zu of %zu bytes are there); "
                   "copy or write the file again",
                   km_stream_path(s), record, km_stream_at(s), part, got, want);
}

/* Looks at a frame's header: its length, or what is wrong. */
static int check_header(const struct km_stream *s, uint64_t record, size_t max_len,
                        const unsigned char *p, size_t got, size_t *len, struct km_err *err)
{
    size_t n = got < sizeof(magic) ? got : sizeof(magic);
    uint32_t word;

    if (memcmp(p, magic, n) != 0)
        return fail_magic(s, record, p, n, err);
    if (got < HEADER)
        return fail_cut(s, record, "header", got, HEADER, err);
    word = le32(p + 4);
    *len = word & 0x1fffffff;
    if (word >> 29)
        return km_fail(err, KM_E_INPUT,
                       "%s: record %" PRIu64 " at byte %" PRIu64
                       ": part of a split record (continuation flag %u), expected whole records; "
                       "write the file again without splitting",
                       km_stream_path(s), record, km_stream_at(s), (unsigned)(word >> 29));
    if (*len > max_len)
        return km_fail(err, KM_E_INPUT,
                       "%s: record %" PRIu64 " at byte %" PRIu64
                       ": a length of %zu bytes, expected at most %zu; the file is damaged here, "
                       "or its records have far more values than feature_dim",
                       km_stream_path(s), record, km_stream_at(s), *len, max_len);
    return KM_OK;
}

size_t km_recordio_frame(const unsigned char *header, size_t max_len)
{
    uint32_t word = le32(header + 4);

    if (memcmp(header, magic, sizeof(magic)) != 0 || word > KM_RECORDIO_MAX || word > max_len)
        return 0;
    return HEADER + padded(word);
}

int km_recordio_next(struct km_stream *s, uint64_t record, size_t max_len,
                     const unsigned char **payload, size_t *len, struct km_err *err)
{
    const unsigned char *p;
    size_t got, frame;
    int rc;

    rc = km_stream_peek(s, HEADER, &p, &got, err);
    if (rc || got == 0)
        return rc;
    rc = check_header(s, record, max_len, p, got, len, err);
    if (rc)
        return rc;
    frame = HEADER + padded(*len);
    if (got < frame) {
        rc = km_stream_peek(s, frame, &p, &got, err);
        if (rc)
            return rc;
        if (got < HEADER + *len)
            return fail_cut(s, record, "payload", got - HEADER, *len, err);
        if (got < frame)
            return fail_cut(s, record, "padding", got - HEADER - *len, padded(*len) - *len, err);
    }
    *payload = p + HEADER;
    km_stream_skip(s, frame);
    return KM_MORE;
}

int km_recordio_put(struct km_writer *w, const void *payload, size_t len, struct km_err *err)
{
    static const unsigned char zero[4];
    unsigned char header[HEADER];
    int rc;

    if (len > KM_RECORDIO_MAX)
        return km_fail(err, KM_E_INPUT, "a record of %zu bytes, RecordIO holds at most %zu", len,
                       (size_t)KM_RECORDIO_MAX);
    memcpy(header, magic, sizeof(magic));
    for (int i = 0; i < 4; i++)
        header[4 + i] = (unsigned char)(len >> (8 * i));
    rc = km_writer_put(w, header, sizeof(header), err);
    if (rc)
        return rc;
    rc = km_writer_put(w, payload, len, err);
    if (rc)
        return rc;
    return km_writer_put(w, zero, padded(len) - len, err);
}
