/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/link.h"

#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_BYTES 5
#define FIRST_ROOM 512
/* What may wait for a slow reader. A supervisor says some hundred bytes each second. */
#define MOST_OUT ((size_t)1 << 20)
/* Bytes that are taken in one go, so that nobody keeps us busy for ever. */
#define MOST_FILL ((size_t)1 << 16)

void km_link_open(struct km_link *l, int fd, size_t most)
{
    memset(l, 0, sizeof(*l));
    l->fd = fd;
    l->most = most;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void km_link_close(struct km_link *l)
{
    if (l->fd >= 0)
        close(l->fd);
    km_free(l->in);
    km_free(l->out);
    memset(l, 0, sizeof(*l));
    l->fd = -1;
}

static void put(struct km_link *l, const void *bytes, size_t n)
{
    if (l->failed || n > MOST_OUT - l->out_n || km_grow(&l->out, l->out_n, &l->out_room, n, 1)) {
        l->failed = 1;
        return;
    }
    memcpy(l->out + l->out_n, bytes, n);
    l->out_n += n;
}

static void big_endian(unsigned char *b, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        b[i] = (unsigned char)(v >> (8 * (n - 1 - i)));
}

void km_link_begin(struct km_link *l, int type)
{
    unsigned char head[HEAD_BYTES] = {0, 0, 0, 0, (unsigned char)type};

    l->out_at = l->out_n;
    put(l, head, sizeof(head));
}

void km_link_put_u32(struct km_link *l, uint32_t v)
{
    unsigned char b[4];

    big_endian(b, v, sizeof(b));
    put(l, b, sizeof(b));
}

void km_link_put_u64(struct km_link *l, uint64_t v)
{
    unsigned char b[8];

    big_endian(b, v, sizeof(b));
    put(l, b, sizeof(b));
}

void km_link_put_f64(struct km_link *l, double v)
{
    uint64_t u;

    memcpy(&u, &v, sizeof(u));
    km_link_put_u64(l, u);
}

void km_link_put_text(struct km_link *l, const char *s)
{
    size_t n = strlen(s);

    km_link_put_u32(l, (uint32_t)n);
    put(l, s, n);
}

void km_link_end(struct km_link *l)
{
    if (!l->failed)
        big_endian(l->out + l->out_at, l->out_n - l->out_at - HEAD_BYTES, 4);
}

int km_link_flush(struct km_link *l)
{
    size_t sent = 0;

    while (!l->failed && l->fd >= 0 && sent < l->out_n) {
        ssize_t n = send(l->fd, l->out + sent, l->out_n - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n < 0) {
            l->failed = 1;
            break;
        }
        sent += (size_t)n;
    }
    if (sent) {
        memmove(l->out, l->out + sent, l->out_n - sent);
        l->out_n -= sent;
    }
    return l->failed || l->fd < 0 ? -1 : 0;
}

int km_link_pending(const struct km_link *l)
{
    return l->fd >= 0 && l->out_n > 0;
}

int km_link_fill(struct km_link *l)
{
    size_t taken = 0;

    if (l->in_at) {
        memmove(l->in, l->in + l->in_at, l->in_n - l->in_at);
        l->in_n -= l->in_at;
        l->in_at = 0;
    }
    while (l->fd >= 0 && taken < MOST_FILL && l->in_n < HEAD_BYTES + l->most) {
        size_t room;
        ssize_t n;

        if (l->in_n == l->in_room && km_grow(&l->in, l->in_n, &l->in_room, FIRST_ROOM, 1)) {
            l->failed = 1;
            return -1;
        }
        room = l->in_room - l->in_n;
        n = recv(l->fd, l->in + l->in_n, room, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return 0;
        if (n <= 0)
            return -1;
        l->in_n += (size_t)n;
        taken += (size_t)n;
    }
    return l->fd >= 0 ? 0 : -1;
}

static uint64_t from_big_endian(const unsigned char *b, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | b[i];
    return v;
}

int km_link_next(struct km_link *l, struct km_frame *f)
{
    size_t left = l->in_n - l->in_at, n;
    const unsigned char *b = l->in + l->in_at;

    if (left < HEAD_BYTES)
        return 0;
    n = (size_t)from_big_endian(b, 4);
    if (n > l->most || b[4] == 0)
        return -1;
    if (left - HEAD_BYTES < n)
        return 0;
    *f = (struct km_frame){b[4], b + HEAD_BYTES, n, 0};
    l->in_at += HEAD_BYTES + n;
    return 1;
}

int km_link_serve(struct km_link *l, int (*take)(void *arg, struct km_frame *f), void *arg)
{
    int over = km_link_fill(l), got;
    struct km_frame f;

    while ((got = km_link_next(l, &f)) > 0)
        if (take(arg, &f))
            return -1;
    return over || got < 0 || km_link_flush(l) ? -1 : 0;
}

/* The next n bytes of a frame, NULL if it has not so many. */
static const unsigned char *take(struct km_frame *f, size_t n)
{
    const unsigned char *p = f->p;

    if (f->failed || n > f->n) {
        f->failed = 1;
        return NULL;
    }
    f->p += n;
    f->n -= n;
    return p;
}

uint32_t km_frame_u32(struct km_frame *f)
{
    const unsigned char *p = take(f, 4);

    return p ? (uint32_t)from_big_endian(p, 4) : 0;
}

uint64_t km_frame_u64(struct km_frame *f)
{
    const unsigned char *p = take(f, 8);

    return p ? from_big_endian(p, 8) : 0;
}

double km_frame_f64(struct km_frame *f)
{
    uint64_t u = km_frame_u64(f);
    double v;

    memcpy(&v, &u, sizeof(v));
    return v;
}

void km_frame_text(struct km_frame *f, char *out, size_t size)
{
    size_t n = km_frame_u32(f);
    const unsigned char *p;

    out[0] = 0;
    if (n >= size) {
        f->failed = 1;
        return;
    }
    p = take(f, n);
    if (!p)
        return;
    memcpy(out, p, n);
    out[n] = 0;
    if (strlen(out) != n) { /* a text has no byte 0 inside */
        f->failed = 1;
        out[0] = 0;
    }
}

int km_frame_done(const struct km_frame *f)
{
    return f->failed || f->n ? -1 : 0;
}
