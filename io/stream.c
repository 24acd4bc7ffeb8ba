/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte stream that goes forward but for km_stream_seek (io/file.h). What is no regular file
 * (FIFO, terminal, socket) is opened non-blocking and waited for with poll(2), beside a descriptor
 * by which another thread can end the wait; on Linux poll waits for the first writer of a FIFO,
 * too, and tells its end by POLLHUP. Standard input is not opened but duplicated: a pipe of another
 * user, or a socket, cannot be opened by name. Its flags are shared with other processes and stay
 * as they are; poll comes before each read.
 */
#include "base/mem.h"
#include "base/pulse.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER ((size_t)1 << 20)
/* The first read is small: opening a thousand files to look at their first row stays cheap. */
#define FIRST_READ ((size_t)1 << 16)

struct km_stream {
    char *path;
    int fd;
    int stop_fd; /* -1, or readable when waiting must end */
    int regular;
    int ended;
    unsigned char *buf; /* (cap) */
    size_t cap;
    size_t from; /* the next byte for the caller */
    size_t to;   /* end of the bytes read */
    uint64_t at; /* position of buf[from] in the file */
    int keep;    /* closing goes back to the first byte: nothing read is dropped */
    struct km_stream *next;
};

/* Kept streams that nobody has open. Threads use them one after the other (io/file.h). */
static struct km_stream *kept;

/* Takes the kept stream of this path out of the list; NULL if there is none. */
static struct km_stream *take_kept(const char *path)
{
    for (struct km_stream **p = &kept; *p; p = &(*p)->next) {
        struct km_stream *s = *p;

        if (strcmp(s->path, path) == 0) {
            *p = s->next;
            s->next = NULL;
            return s;
        }
    }
    return NULL;
}

static void put_kept(struct km_stream *s)
{
    s->stop_fd = -1;
    s->from = 0;
    s->at = 0;
    s->next = kept;
    kept = s;
}

static int open_path(const char *path)
{
    struct stat st;

    if (strcmp(path, KM_STDIN) == 0 && fstat(STDIN_FILENO, &st) == 0 && !S_ISREG(st.st_mode))
        return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

/* After a failed open. */
static int fail_open(const char *path, struct km_err *err)
{
    int rc = km_link_fail(path, err);

    return rc ? rc : km_fail_errno(err, "%s: cannot be opened", path);
}

int km_stream_open_until(struct km_stream **stream, const char *path, int stop_fd,
                         struct km_err *err)
{
    struct km_stream *s = take_kept(path);
    struct stat st;
    int rc;

    *stream = s;
    if (s) {
        s->stop_fd = stop_fd;
        return KM_OK;
    }
    s = km_alloc(1, sizeof(*s));
    if (!s)
        return km_fail(err, KM_E_MEM, "%s: no memory to open it", path);
    s->stop_fd = stop_fd;
    s->cap = BUFFER;
    s->fd = open_path(path);
    if (s->fd < 0 || fstat(s->fd, &st)) {
        rc = fail_open(path, err);
        goto out;
    }
    if (S_ISDIR(st.st_mode)) {
        rc = km_fail(err, KM_E_INPUT, "%s: is a folder, expected a file", path);
        goto out;
    }
    s->regular = S_ISREG(st.st_mode);
    if (s->regular)
        (void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* advice: may fail */
    s->path = km_strdup(path);
    s->buf = km_alloc(s->cap, 1);
    if (!s->path || !s->buf) {
        rc = km_fail(err, KM_E_MEM, "%s: no memory to read it", path);
        goto out;
    }
    *stream = s;
    return KM_OK;
out:
    km_stream_close(s);
    return rc;
}

int km_stream_open(struct km_stream **s, const char *path, struct km_err *err)
{
    return km_stream_open_until(s, path, -1, err);
}

void km_stream_close(struct km_stream *s)
{
    if (!s)
        return;
    if (s->keep) {
        put_kept(s);
        return;
    }
    if (s->fd >= 0)
        close(s->fd);
    km_free(s->buf);
    km_free(s->path);
    km_free(s);
}

int km_stream_keep(const char *path, struct km_err *err)
{
    struct km_stream *s;
    int rc = km_stream_open(&s, path, err);

    if (rc)
        return rc;
    s->keep = !s->regular;
    km_stream_close(s);
    return KM_OK;
}

void km_stream_unkeep(const char *path)
{
    struct km_stream *s = take_kept(path);

    if (!s)
        return;
    s->keep = 0;
    put_kept(s);
}

/* Makes room for more bytes behind s->to, at least up to `want` bytes from s->from. The buffer only
 * grows when it is full of bytes that really came, so a claimed length costs nothing. */
static int make_room(struct km_stream *s, size_t want, struct km_err *err)
{
    size_t have = s->to - s->from;
    unsigned char *bigger;

    if (s->cap - s->from >= want || s->to < s->cap)
        return KM_OK;
    if (s->from > 0 && !s->keep) {
        memmove(s->buf, s->buf + s->from, have);
    } else {
        bigger = s->cap <= SIZE_MAX / 2 ? km_alloc(s->cap * 2, 1) : NULL;
        if (!bigger)
            return km_fail(err, KM_E_MEM, "%s: no memory for more than %zu bytes at byte %" PRIu64,
                           s->path, s->cap, s->at);
        memcpy(bigger, s->buf, s->to);
        km_free(s->buf);
        s->buf = bigger;
        s->cap *= 2;
        return KM_OK;
    }
    s->from = 0;
    s->to = have;
    return KM_OK;
}

/* Waits until there is something to read, or the end, or the stop. */
static int wait_for_bytes(struct km_stream *s, struct km_err *err)
{
    struct pollfd fds[2] = {{s->fd, POLLIN, 0}, {s->stop_fd, POLLIN, 0}}; /* poll skips fd -1 */

    while (poll(fds, 2, -1) < 0) {
        if (errno != EINTR)
            return km_fail_errno(err, "%s: cannot wait for byte %" PRIu64, s->path,
                                 s->at + (s->to - s->from));
    }
    if (fds[1].revents)
        return km_fail(err, KM_E_SYS, "%s: stopped while waiting for bytes", s->path);
    return KM_OK;
}

static int read_some(struct km_stream *s, struct km_err *err)
{
    size_t room = s->cap - s->to;
    ssize_t n;
    int rc;

    if (s->at == 0 && s->to == 0 && room > FIRST_READ)
        room = FIRST_READ;
    for (;;) {
        if (!s->regular) {
            rc = wait_for_bytes(s, err);
            if (rc)
                return rc;
        }
        n = read(s->fd, s->buf + s->to, room);
        if (n >= 0)
            break;
        if (errno != EINTR && errno != EAGAIN)
            return km_fail_errno(err, "%s: cannot read at byte %" PRIu64, s->path,
                                 s->at + (s->to - s->from));
    }
    km_pulse_work();
    s->ended = n == 0;
    s->to += (size_t)n;
    return KM_OK;
}

int km_stream_peek(struct km_stream *s, size_t want, const unsigned char **p, size_t *got,
                   struct km_err *err)
{
    int rc;

    while (s->to - s->from < want && !s->ended) {
        rc = make_room(s, want, err);
        if (rc)
            return rc;
        rc = read_some(s, err);
        if (rc)
            return rc;
    }
    *p = s->buf + s->from;
    *got = s->to - s->from;
    return KM_OK;
}

unsigned char *km_stream_bytes(struct km_stream *s)
{
    return s->buf + s->from;
}

void km_stream_skip(struct km_stream *s, size_t n)
{
    s->from += n;
    s->at += n;
}

int km_stream_seek(struct km_stream *s, uint64_t at, struct km_err *err)
{
    if (at >= s->at && at - s->at <= s->to - s->from) {
        km_stream_skip(s, (size_t)(at - s->at));
        return KM_OK;
    }
    if (!s->regular)
        return km_fail(err, KM_E_BUG, "%s: no regular file, cannot go to byte %" PRIu64, s->path,
                       at);
    if (lseek(s->fd, (off_t)at, SEEK_SET) < 0)
        return km_fail_errno(err, "%s: cannot go to byte %" PRIu64, s->path, at);
    s->from = 0;
    s->to = 0;
    s->at = at;
    s->ended = 0;
    return KM_OK;
}

int km_stream_is_regular(const struct km_stream *s)
{
    return s->regular;
}

uint64_t km_stream_at(const struct km_stream *s)
{
    return s->at;
}

const char *km_stream_path(const struct km_stream *s)
{
    return s->path;
}
