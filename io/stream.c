/* SPDX-License-Identifier: Apache-2.0 */
/* The buffer of a stream. What has been read stays in it until its place is needed. */
#include "io/stream.h"

#include "base/mem.h"
#include "base/pulse.h"
#include "io/source.h"

#include <inttypes.h>
#include <string.h>

#define BUFFER ((size_t)1 << 20)
/* The first read is small: opening a thousand files to look at their first row stays cheap. */
#define FIRST_READ ((size_t)1 << 16)
/* Buffers kept for the next time that one is held: new ones would cost a page fault every 4 KiB. */
#define SPARES 4

/* A buffer whose bytes were shown and are held. */
struct held {
    unsigned char *bytes; /* (cap) */
    size_t cap;
};

struct km_stream {
    const char *path;
    const struct km_source *kind;
    void *source;
    int stop_fd; /* -1, or readable when waiting must end */
    int keep;
    int ended;
    unsigned char *buf; /* (cap) */
    size_t cap;
    size_t from;            /* the next byte for the caller */
    size_t to;              /* end of the bytes read */
    uint64_t at;            /* position of buf[from] in the file */
    unsigned char *scratch; /* (scratch_cap) */
    size_t scratch_cap;
    int hold;
    struct held *held; /* (helds of held_room) */
    size_t helds, held_room;
    unsigned char *spare[SPARES]; /* (cap each) the first `spares` of them */
    int spares;
};

int km_stream_make(struct km_stream **stream, const char *path, const struct km_source *kind,
                   void *source, struct km_err *err)
{
    struct km_stream *s = km_alloc(1, sizeof(*s));

    *stream = NULL;
    if (s)
        s->buf = km_alloc(BUFFER, 1);
    if (!s || !s->buf) {
        km_free(s);
        kind->close(source);
        return km_fail(err, KM_E_MEM, "%s: no memory to read it", path);
    }
    s->path = path;
    s->kind = kind;
    s->source = source;
    s->stop_fd = -1;
    s->cap = BUFFER;
    *stream = s;
    return KM_OK;
}

static void drop_spares(struct km_stream *s)
{
    while (s->spares > 0)
        km_free(s->spare[--s->spares]);
}

void km_stream_hold(struct km_stream *s)
{
    s->hold = 1;
}

void km_stream_release(struct km_stream *s)
{
    s->hold = 0;
    while (s->helds > 0) {
        struct held *h = &s->held[--s->helds];

        if (h->cap == s->cap && s->spares < SPARES)
            s->spare[s->spares++] = h->bytes;
        else
            km_free(h->bytes);
    }
}

/* Gives up a buffer: it is freed now, or when what it showed is held no longer. 0, or -1 if there
 * is no memory to know it; then it stays. */
static int give_up(struct km_stream *s, unsigned char *bytes, size_t cap)
{
    if (!s->hold) {
        km_free(bytes);
        return 0;
    }
    if (km_grow(&s->held, s->helds, &s->held_room, 1, sizeof(*s->held)))
        return -1;
    s->held[s->helds++] = (struct held){bytes, cap};
    return 0;
}

void km_stream_close(struct km_stream *s)
{
    if (!s)
        return;
    km_stream_release(s);
    drop_spares(s);
    s->kind->close(s->source);
    km_free(s->held);
    km_free(s->buf);
    km_free(s->scratch);
    km_free(s);
}

void km_stream_until(struct km_stream *s, int stop_fd)
{
    s->stop_fd = stop_fd;
}

void km_stream_keep(struct km_stream *s, int keep)
{
    s->keep = keep && !s->kind->seek;
}

/* Goes on in a buffer of `cap` bytes, with those from byte `from` of this one on. */
static int change_buffer(struct km_stream *s, size_t cap, size_t from, struct km_err *err)
{
    unsigned char *next = cap == s->cap && s->spares > 0 ? s->spare[--s->spares] : km_alloc(cap, 1);

    if (next)
        memcpy(next, s->buf + from, s->to - from);
    if (!next || give_up(s, s->buf, s->cap)) {
        km_free(next);
        return km_fail(err, KM_E_MEM, "%s: no memory for more than %zu bytes at byte %" PRIu64,
                       s->path, s->cap, s->at);
    }
    if (cap != s->cap)
        drop_spares(s);
    s->buf = next;
    s->cap = cap;
    s->from -= from;
    s->to -= from;
    return KM_OK;
}

void km_stream_keep_from(struct km_stream *s, struct km_stream *in)
{
    km_stream_keep(s, in->keep);
    in->keep = 0;
}

/* Makes room for more bytes behind s->to, at least up to `want` bytes from s->from. The buffer only
 * grows when it is full of bytes that really came, so a claimed length costs nothing. */
static int make_room(struct km_stream *s, size_t want, struct km_err *err)
{
    if (s->cap - s->from >= want || s->to < s->cap)
        return KM_OK;
    if (s->from == 0 || s->keep)
        return change_buffer(s, s->cap <= SIZE_MAX / 2 ? s->cap * 2 : SIZE_MAX, 0, err);
    if (s->hold)
        return change_buffer(s, s->cap, s->from, err);
    memmove(s->buf, s->buf + s->from, s->to - s->from);
    s->to -= s->from;
    s->from = 0;
    return KM_OK;
}

static int read_some(struct km_stream *s, struct km_err *err)
{
    size_t room = s->cap - s->to, got;
    int rc;

    if (s->at == 0 && s->to == 0 && room > FIRST_READ)
        room = FIRST_READ;
    rc = s->kind->read(s->source, s->buf + s->to, room, s->stop_fd, &got, err);
    if (rc)
        return rc;
    km_pulse_work();
    s->ended = got == 0;
    s->to += got;
    return KM_OK;
}

int km_stream_peek(struct km_stream *s, size_t want, const unsigned char **p, size_t *got,
                   struct km_err *err)
{
    int rc;

    while (s->to - s->from < want && !s->ended) {
        rc = make_room(s, want, err);
        if (rc == KM_OK)
            rc = read_some(s, err);
        if (rc)
            return rc;
    }
    *p = s->buf + s->from;
    *got = s->to - s->from;
    return KM_OK;
}

void km_stream_ahead(struct km_stream *s)
{
    struct km_err ignored;

    if (s->ended || !s->kind->seek || s->to - s->from > s->cap / 2)
        return;
    if (make_room(s, s->to - s->from + 1, &ignored) == KM_OK)
        read_some(s, &ignored);
}

int km_stream_scratch(struct km_stream *s, size_t n, unsigned char **p, struct km_err *err)
{
    if (s->scratch_cap < n || (s->hold && s->scratch)) {
        unsigned char *next = km_alloc(n, 1);

        if (!next || (s->scratch && give_up(s, s->scratch, s->scratch_cap))) {
            km_free(next);
            return km_fail(err, KM_E_MEM, "%s: no memory for %zu bytes at byte %" PRIu64, s->path,
                           n, s->at);
        }
        s->scratch = next;
        s->scratch_cap = n;
    }
    *p = s->scratch;
    return KM_OK;
}

void km_stream_skip(struct km_stream *s, size_t n)
{
    s->from += n;
    s->at += n;
}

int km_stream_seek(struct km_stream *s, uint64_t at, struct km_err *err)
{
    uint64_t first = s->at - s->from; /* of the bytes in the buffer */
    int rc;

    if (at >= first && at - first <= s->to) {
        s->from = (size_t)(at - first);
        s->at = at;
        return KM_OK;
    }
    if (!s->kind->seek)
        return km_fail(err, KM_E_BUG, "%s: no regular file, cannot go to byte %" PRIu64, s->path,
                       at);
    rc = s->kind->seek(s->source, at, err);
    if (rc)
        return rc;
    s->from = 0;
    s->to = 0;
    s->at = at;
    s->ended = 0;
    return KM_OK;
}

int km_stream_again(const struct km_stream *s)
{
    return s->kind->seek != NULL;
}

uint64_t km_stream_at(const struct km_stream *s)
{
    return s->at;
}

const char *km_stream_path(const struct km_stream *s)
{
    return s->path;
}
