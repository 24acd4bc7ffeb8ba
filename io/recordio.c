/* SPDX-License-Identifier: Apache-2.0 */
#include "io/recordio.h"

#include "io/probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEADER KM_RECORDIO_HEADER

/* What a frame holds of its record: its continuation flag. */
enum flag { WHOLE, FIRST, MIDDLE, LAST };

static const unsigned char magic[4] = {KM_RECORDIO_MAGIC & 0xff, KM_RECORDIO_MAGIC >> 8 & 0xff,
                                       KM_RECORDIO_MAGIC >> 16 & 0xff, KM_RECORDIO_MAGIC >> 24};

/* Where a frame stands: as a later part of a split record, `offset` bytes behind its beginning. */
struct place {
    const struct km_stream *s;
    uint64_t record;
    size_t offset;
};

/* A frame's header. */
struct head {
    unsigned flag;
    size_t len;
};

static uint32_t le32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static struct head read_head(const unsigned char *p)
{
    uint32_t word = le32(p + 4);

    return (struct head){word >> 29, word & KM_RECORDIO_MAX};
}

static size_t padded(size_t len)
{
    return (len + 3) & ~(size_t)3;
}

/* Puts the place in front of a message. */
static int add_place(struct km_err *err, const struct place *at)
{
    struct km_err inner = *err;
    uint64_t byte = km_stream_at(at->s);
    char part[64] = "";

    if (at->offset > 0)
        snprintf(part, sizeof(part), ", its part at byte %" PRIu64, byte + at->offset);
    return km_fail(err, inner.code, "%s: record %" PRIu64 " at byte %" PRIu64 "%s: %s",
                   km_stream_path(at->s), at->record, byte, part, inner.msg);
}

/* Something else than a frame's first bytes; of the n (1 or more) up to 4 are shown. */
static int fail_magic(const struct place *at, const unsigned char *p, size_t n, struct km_err *err)
{
    char hex[3 * sizeof(magic) + 1] = "";
    const char *hint = at->record == 1 && at->offset == 0
                           ? "the file is no RecordIO; check the channel's content type"
                           : "the file is damaged here or in the record before";
    struct km_probe probe = {.is_text = 0};

    for (size_t i = 0; i < n && i < sizeof(magic); i++)
        snprintf(hex + 3 * i, sizeof(hex) - 3 * i, " %02x", p[i]);
    if (at->offset > 0)
        hint = "the file is damaged here, or parts of a split record are missing";
    else if (km_stream_at(at->s) == 0)
        km_probe(&probe, p, n, km_stream_path(at->s));
    if (probe.is_text)
        hint = "this looks like text; for CSV set the channel's content type to "
               "text/csv;label_size=0";
    return km_fail(err, KM_E_INPUT, "found%s, expected the RecordIO magic number 0a 23 d7 ce; %s",
                   hex, hint);
}

static int fail_cut(const char *part, size_t got, size_t want, struct km_err *err)
{
    return km_fail(err, KM_E_INPUT,
                   "the file is cut inside the record's %s (%zu of %zu bytes are there); copy or "
                   "write the file again",
                   part, got, want);
}

/* A frame that is not the next one of its record. */
static int fail_flag(unsigned flag, int later, struct km_err *err)
{
    if (flag > LAST)
        return km_fail(err, KM_E_INPUT,
                       "continuation flag %u, expected 0 to 3; the file is damaged here", flag);
    if (later)
        return km_fail(err, KM_E_INPUT,
                       "a frame with continuation flag %u inside a split record, expected its "
                       "next part, with flag 2 or 3; parts are missing here: write or copy the "
                       "file again",
                       flag);
    return km_fail(err, KM_E_INPUT,
                   "part of a split record (continuation flag %u) without its first one, expected "
                   "a whole record (flag 0) or a first part (flag 1); parts are missing before: "
                   "write or copy the file again",
                   flag);
}

static int fail_length(size_t len, size_t max_len, struct km_err *err)
{
    return km_fail(err, KM_E_INPUT,
                   "a length of %zu bytes, expected at most %zu; the file is damaged here, or its "
                   "records have far more values than feature_dim",
                   len, max_len);
}

/* Looks at a frame's header, which has `got` (1 or more) of its bytes. */
static int check_head(const struct place *at, const unsigned char *p, size_t got, struct head *h,
                      struct km_err *err)
{
    int later = at->offset > 0;

    if (memcmp(p, magic, got < sizeof(magic) ? got : sizeof(magic)) != 0)
        return fail_magic(at, p, got, err);
    if (got < HEADER)
        return fail_cut("header", got, HEADER, err);
    *h = read_head(p);
    if (h->flag > LAST || later != (h->flag == MIDDLE || h->flag == LAST))
        return fail_flag(h->flag, later, err);
    return KM_OK;
}

/* Sees to it that the whole of a frame can be looked at, behind the parts before it; *got is what
 * the stream shows. */
static int fetch_frame(struct km_stream *s, const struct place *at, const struct head *h,
                       const unsigned char **p, size_t *got, struct km_err *err)
{
    size_t start = at->offset + HEADER, frame = HEADER + padded(h->len);
    int rc;

    if (*got >= at->offset + frame)
        return KM_OK;
    rc = km_stream_peek(s, at->offset + frame, p, got, err);
    if (rc || *got >= at->offset + frame)
        return rc;
    if (*got < start + h->len)
        rc = fail_cut("payload", *got - start, h->len, err);
    else
        rc = fail_cut("padding", *got - start - h->len, padded(h->len) - h->len, err);
    return add_place(err, at);
}

/* Joins the payloads of the frames that lie in p[0..end-1], with the magic number between them. The
 * length. */
static size_t join(unsigned char *out, const unsigned char *p, size_t end)
{
    unsigned char *to = out;

    for (size_t at = 0; at < end;) {
        size_t len = read_head(p + at).len;

        if (at > 0) {
            memcpy(to, magic, sizeof(magic));
            to += sizeof(magic);
        }
        memcpy(to, p + at + HEADER, len);
        to += len;
        at += HEADER + padded(len);
    }
    return (size_t)(to - out);
}

/* The split record whose first header is h. Its parts stay as they are: they may be looked at
 * again. */
static int next_split(struct km_stream *s, struct place at, struct head h, size_t max_len,
                      const unsigned char **payload, size_t *len, struct km_err *err)
{
    const unsigned char *p;
    unsigned char *out;
    size_t got = 0, joined = 0;
    int rc;

    while (h.flag != LAST) {
        rc = fetch_frame(s, &at, &h, &p, &got, err);
        if (rc)
            return rc;
        joined += h.len + sizeof(magic);
        at.offset += HEADER + padded(h.len);
        rc = km_stream_peek(s, at.offset + HEADER, &p, &got, err);
        if (rc)
            return rc;
        if (got == at.offset)
            rc = km_fail(err, KM_E_INPUT,
                         "the file ends inside a split record, behind a part of it (continuation "
                         "flag %u), expected the next one, with flag 2 or 3; copy or write the "
                         "file again",
                         h.flag);
        else
            rc = check_head(&at, p + at.offset, got - at.offset, &h, err);
        if (rc == KM_OK && (joined > max_len || h.len > max_len - joined))
            rc = fail_length(joined + h.len, max_len, err);
        if (rc)
            return add_place(err, &at);
    }
    rc = fetch_frame(s, &at, &h, &p, &got, err);
    if (rc == KM_OK)
        rc = km_stream_scratch(s, joined + h.len, &out, err);
    if (rc)
        return rc;
    *len = join(out, p, at.offset + HEADER + padded(h.len));
    *payload = out;
    km_stream_skip(s, at.offset + HEADER + padded(h.len));
    return KM_MORE;
}

int km_recordio_is(const unsigned char *p, size_t n)
{
    return n >= sizeof(magic) && memcmp(p, magic, sizeof(magic)) == 0;
}

size_t km_recordio_frame_at(const unsigned char *header, size_t max_len, int *first)
{
    struct head h = read_head(header);

    if (memcmp(header, magic, sizeof(magic)) != 0 || h.flag > LAST || h.len > max_len)
        return 0;
    *first = h.flag == WHOLE || h.flag == FIRST;
    return HEADER + padded(h.len);
}

/* Any record, whatever is there of it: 1 byte or more. */
static int next_any(struct km_stream *s, const struct place *at, size_t max_len,
                    const unsigned char **payload, size_t *len, struct km_err *err)
{
    const unsigned char *p;
    struct head h;
    size_t got;
    int rc;

    rc = km_stream_peek(s, HEADER, &p, &got, err);
    if (rc)
        return rc;
    rc = check_head(at, p, got, &h, err);
    if (rc == KM_OK && h.len > max_len)
        rc = fail_length(h.len, max_len, err);
    if (rc)
        return add_place(err, at);
    if (h.flag == FIRST)
        return next_split(s, *at, h, max_len, payload, len, err);
    rc = fetch_frame(s, at, &h, &p, &got, err);
    if (rc)
        return rc;
    *len = h.len;
    *payload = p + HEADER;
    km_stream_skip(s, HEADER + padded(h.len));
    return KM_MORE;
}

int km_recordio_next(struct km_stream *s, uint64_t record, size_t max_len,
                     const unsigned char **payload, size_t *len, struct km_err *err)
{
    const unsigned char *p;
    size_t got, word;
    int rc;

    rc = km_stream_peek(s, HEADER, &p, &got, err);
    if (rc || got == 0)
        return rc;
    /* A whole record that is all there, as nearly all are: flag 0 makes the word its length. */
    word = got >= HEADER ? le32(p + 4) : SIZE_MAX;
    if (word > KM_RECORDIO_MAX || word > max_len || got < HEADER + padded(word) ||
        memcmp(p, magic, sizeof(magic)) != 0)
        return next_any(s, &(struct place){s, record, 0}, max_len, payload, len, err);
    *len = word;
    *payload = p + HEADER;
    km_stream_skip(s, HEADER + padded(word));
    return KM_MORE;
}

size_t km_recordio_frame(unsigned char *out, size_t len)
{
    size_t end = HEADER + padded(len);

    memcpy(out, magic, sizeof(magic));
    for (int i = 0; i < 4; i++)
        out[4 + i] = (unsigned char)(len >> (8 * i));
    memset(out + HEADER + len, 0, end - HEADER - len);
    return end;
}
