/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the first record at or behind a byte in the middle of a file. The magic number alone says
 * nothing: a payload may contain it, even whole frames. But frames lie side by side from byte 0 on,
 * so each place is either the beginning of a frame or strictly inside one. Inside one it is only if
 * some header before it, at most the longest frame away, reaches beyond it. Headers that are really
 * payload can only make places look enclosed that are not. So a header that nothing before it
 * encloses is a beginning, with certainty. So much for frames; an anchor is one that no later part
 * of a split record could be (flag 0 or 1). The last anchor at or before the wanted byte is looked
 * for, backwards in growing steps (byte 0 always is one), and from it the records are followed.
 */
#include "io/recordio.h"

/* The last anchor in lo..from; KM_MORE if there is one. lo is a multiple of 4, as are the places of
 * all frames. */
static int find_anchor(struct km_stream *s, uint64_t lo, uint64_t from, size_t max_len,
                       uint64_t *anchor, struct km_err *err)
{
    /* Headers before lo are not seen, and reach up to here at most. */
    uint64_t reach = lo > 0 ? lo + KM_RECORDIO_HEADER + max_len + 3 : 0;
    int found = KM_OK;
    const unsigned char *p;
    size_t got;
    int rc = km_stream_seek(s, lo, err);

    while (rc == KM_OK && km_stream_at(s) <= from) {
        uint64_t at = km_stream_at(s);
        size_t i;

        rc = km_stream_peek(s, KM_RECORDIO_HEADER, &p, &got, err);
        if (rc || got < KM_RECORDIO_HEADER)
            break;
        for (i = 0; i + KM_RECORDIO_HEADER <= got && at + i <= from; i += 4) {
            int first;
            size_t frame = km_recordio_frame_at(p + i, max_len, &first);

            if (frame == 0)
                continue;
            if (reach <= at + i && first) {
                *anchor = at + i;
                found = KM_MORE;
            }
            if (reach < at + i + frame)
                reach = at + i + frame;
        }
        km_stream_skip(s, i);
    }
    return rc ? rc : found;
}

/* Steps from record to record up to the first at or behind `from`. */
static int follow(struct km_stream *s, uint64_t from, size_t max_len, struct km_err *err)
{
    const unsigned char *payload;
    size_t len;
    int rc = KM_MORE;

    while (rc == KM_MORE && km_stream_at(s) < from)
        rc = km_recordio_next(s, 0, max_len, &payload, &len, err);
    return rc == KM_MORE || rc == KM_E_INPUT ? KM_OK : rc; /* a damaged record: stay there */
}

int km_recordio_find(struct km_stream *s, uint64_t from, size_t max_len, struct km_err *err)
{
    uint64_t back = 2 * ((uint64_t)max_len + KM_RECORDIO_HEADER);
    uint64_t anchor = 0;
    int rc = KM_OK;

    while (rc == KM_OK && back < from) {
        rc = find_anchor(s, (from - back) & ~(uint64_t)3, from, max_len, &anchor, err);
        back *= 4;
    }
    if (rc == KM_OK)
        rc = find_anchor(s, 0, from, max_len, &anchor, err);
    if (rc < 0)
        return rc;
    rc = km_stream_seek(s, anchor, err);
    return rc ? rc : follow(s, from, max_len, err);
}
