/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files as a source of bytes. What is no regular file (FIFO, terminal, socket) is opened
 * non-blocking and waited for with poll(2), beside a descriptor by which another thread can end the
 * wait; on Linux poll waits for the first writer of a FIFO, too, and tells its end by POLLHUP.
 * Standard input is not opened but duplicated: a pipe of another user, or a socket, cannot be
 * opened by name. Its flags are shared with other processes and stay as they are; poll comes before
 * each read.
 */
#include "base/mem.h"
#include "io/file.h"
#include "io/source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
    const char *path;
    int fd;
    uint64_t at; /* the next byte to be read, for messages */
};

static int fail_read(const struct file *f, struct km_err *err)
{
    return km_fail_errno(err, "%s: cannot read at byte %" PRIu64, f->path, f->at);
}

/* Waits until there is something to read, or the end, or the stop. */
static int wait_for_bytes(const struct file *f, int stop_fd, struct km_err *err)
{
    struct pollfd fds[2] = {{f->fd, POLLIN, 0}, {stop_fd, POLLIN, 0}}; /* poll skips fd -1 */

    while (poll(fds, 2, -1) < 0) {
        if (errno != EINTR)
            return km_fail_errno(err, "%s: cannot wait for byte %" PRIu64, f->path, f->at);
    }
    if (fds[1].revents)
        return km_fail(err, KM_E_SYS, "%s: stopped while waiting for bytes", f->path);
    return KM_OK;
}

/* Whatever has to be waited for. */
static int read_pipe(void *source, void *bytes, size_t n, int stop_fd, size_t *got,
                     struct km_err *err)
{
    struct file *f = source;
    ssize_t done;
    int rc;

    do {
        rc = wait_for_bytes(f, stop_fd, err);
        if (rc)
            return rc;
        done = read(f->fd, bytes, n);
    } while (done < 0 && (errno == EINTR || errno == EAGAIN));
    if (done < 0)
        return fail_read(f, err);
    *got = (size_t)done;
    f->at += *got;
    return KM_OK;
}

static int read_file(void *source, void *bytes, size_t n, int stop_fd, size_t *got,
                     struct km_err *err)
{
    struct file *f = source;
    ssize_t done;

    (void)stop_fd; /* nobody can end it */
    do
        done = read(f->fd, bytes, n);
    while (done < 0 && (errno == EINTR || errno == EAGAIN));
    if (done < 0)
        return fail_read(f, err);
    *got = (size_t)done;
    f->at += *got;
    return KM_OK;
}

static int seek_file(void *source, uint64_t at, struct km_err *err)
{
    struct file *f = source;

    if (lseek(f->fd, (off_t)at, SEEK_SET) < 0)
        return km_fail_errno(err, "%s: cannot go to byte %" PRIu64, f->path, at);
    f->at = at;
    return KM_OK;
}

static void close_file(void *source)
{
    struct file *f = source;

    if (f && f->fd >= 0)
        close(f->fd);
    km_free(f);
}

static const struct km_source regular = {read_file, seek_file, close_file};
static const struct km_source other = {read_pipe, NULL, close_file};

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

int km_stream_open(struct km_stream **s, const char *path, struct km_err *err)
{
    struct file *f = km_alloc(1, sizeof(*f));
    struct stat st;
    int rc;

    *s = NULL;
    if (!f)
        return km_fail(err, KM_E_MEM, "%s: no memory to open it", path);
    f->path = path;
    f->fd = open_path(path);
    if (f->fd < 0 || fstat(f->fd, &st)) {
        rc = fail_open(path, err);
        goto out;
    }
    if (S_ISDIR(st.st_mode)) {
        rc = km_fail(err, KM_E_INPUT, "%s: is a folder, expected a file", path);
        goto out;
    }
    if (S_ISREG(st.st_mode))
        (void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* advice: may fail */
    return km_stream_make(s, path, S_ISREG(st.st_mode) ? &regular : &other, f, err);
out:
    close_file(f);
    return rc;
}
