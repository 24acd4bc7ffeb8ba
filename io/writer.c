/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that appear whole or not at all (io/file.h). The temporary name ends in .sagemaker-ignore:
 * the platform's uploader skips such files, so it never sees half a checkpoint.
 */
#include "io/writer.h"
#include "base/mem.h"
#include "base/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER ((size_t)1 << 18)

struct km_writer {
    int fd;
    int direct; /* a device or a FIFO: there is nothing to rename */
    char path[PATH_MAX];
    char temporary[PATH_MAX];
    int listed; /* its place among those that a crash removes */
    size_t used;
    unsigned char *buf;
};

/* /dev/stdout and its like are links to whatever is open there: opened, never replaced. */
static int is_descriptor_link(const char *path)
{
    struct stat st;

    return (strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0) &&
           lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/* Fills path (links resolved, so that a link's target is replaced and not the link) and direct. */
static int examine(struct km_writer *w, const char *path, struct km_err *err)
{
    struct stat st;
    size_t n = strlen(path);

    if (n == 0 || n >= sizeof(w->path))
        return km_fail(err, KM_E_INPUT, "\"%.40s\": no file name of 1 to %zu characters", path,
                       sizeof(w->path) - 1);
    memcpy(w->path, path, n + 1);
    if (lstat(path, &st)) {
        if (errno == ENOENT)
            return KM_OK;
        return km_fail_errno(err, "%s: cannot be written", path);
    }
    if (is_descriptor_link(path)) {
        w->direct = 1;
        return KM_OK;
    }
    if (S_ISLNK(st.st_mode) && (!realpath(path, w->path) || stat(w->path, &st)))
        return km_fail_errno(err, "%s: cannot be written, a symbolic link that leads nowhere",
                             path);
    if (S_ISDIR(st.st_mode))
        return km_fail(err, KM_E_INPUT, "%s: is a folder, expected the name of a file to write",
                       path);
    w->direct = !S_ISREG(st.st_mode);
    return KM_OK;
}

static int open_target(struct km_writer *w, struct km_err *err)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    int n;

    if (w->direct) {
        w->fd = open(w->path, O_WRONLY | O_CLOEXEC);
        if (w->fd < 0)
            return km_fail_errno(err, "%s: cannot be opened for writing", w->path);
        return KM_OK;
    }
    n = snprintf(w->temporary, sizeof(w->temporary), "%s.%ld.sagemaker-ignore", w->path,
                 (long)getpid());
    if (n < 0 || (size_t)n >= sizeof(w->temporary)) {
        w->temporary[0] = 0;
        return km_fail(err, KM_E_INPUT, "%.100s...: the path is too long", w->path);
    }
    w->listed = km_temporary_add(w->temporary);
    w->fd = open(w->temporary, flags, 0666);
    if (w->fd < 0 && errno == EEXIST && unlink(w->temporary) == 0) /* of a run that was killed */
        w->fd = open(w->temporary, flags, 0666);
    if (w->fd < 0) {
        w->temporary[0] = 0;
        return km_fail_errno(err, "%s: cannot be created", w->path);
    }
    return KM_OK;
}

int km_writer_open(struct km_writer **writer, const char *path, struct km_err *err)
{
    struct km_writer *w = km_alloc(1, sizeof(*w));
    int rc;

    *writer = NULL;
    if (!w)
        return km_fail(err, KM_E_MEM, "%s: no memory to write it", path);
    w->fd = w->listed = -1;
    w->buf = km_alloc(BUFFER, 1);
    if (!w->buf) {
        rc = km_fail(err, KM_E_MEM, "%s: no memory to write it", path);
        goto out;
    }
    rc = examine(w, path, err);
    if (rc)
        goto out;
    rc = open_target(w, err);
    if (rc)
        goto out;
    *writer = w;
    return KM_OK;
out:
    km_writer_abort(w);
    return rc;
}

static int write_all(struct km_writer *w, const unsigned char *p, size_t n, struct km_err *err)
{
    while (n > 0) {
        ssize_t done = write(w->fd, p, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return km_fail_errno(err, "%s: cannot be written", w->path);
        p += done;
        n -= (size_t)done;
    }
    return KM_OK;
}

static int flush(struct km_writer *w, struct km_err *err)
{
    size_t n = w->used;

    w->used = 0;
    return write_all(w, w->buf, n, err);
}

int km_writer_put(struct km_writer *w, const void *bytes, size_t n, struct km_err *err)
{
    int rc;

    if (n > BUFFER - w->used) {
        rc = flush(w, err);
        if (rc)
            return rc;
    }
    if (n > BUFFER)
        return write_all(w, bytes, n, err);
    if (n > 0)
        memcpy(w->buf + w->used, bytes, n);
    w->used += n;
    return KM_OK;
}

/* True for what says "this cannot be flushed to a disk", which is no failure. */
static int has_no_disk(int error)
{
    return error == EINVAL || error == ENOTSUP || error == EROFS || error == EBADF;
}

/* The rename itself must reach the disk. A folder that may be written but not read cannot be
 * flushed; the file itself has been. */
static int flush_folder(const char *path, struct km_err *err)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int fd;
    int rc = KM_OK;

    if (!slash)
        snprintf(folder, sizeof(folder), ".");
    else
        snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES ? KM_OK
                               : km_fail_errno(err, "%s: cannot be flushed to disk", folder);
    if (fsync(fd) && !has_no_disk(errno))
        rc = km_fail_errno(err, "%s: cannot be flushed to disk", folder);
    close(fd);
    return rc;
}

int km_writer_commit(struct km_writer *w, struct km_err *err)
{
    int rc = flush(w, err);
    int fd = w->fd;

    if (rc)
        goto out;
    if (fsync(fd) && !(w->direct && has_no_disk(errno))) {
        rc = km_fail_errno(err, "%s: cannot be flushed to disk", w->path);
        goto out;
    }
    w->fd = -1; /* closed, whatever close says */
    if (close(fd)) {
        rc = km_fail_errno(err, "%s: cannot be closed", w->path);
        goto out;
    }
    if (w->direct)
        goto out;
    if (rename(w->temporary, w->path)) {
        rc = km_fail_errno(err, "%s: cannot be put in place", w->path);
        goto out;
    }
    w->temporary[0] = 0;
    rc = flush_folder(w->path, err);
out:
    km_writer_abort(w);
    return rc;
}

void km_writer_abort(struct km_writer *w)
{
    if (!w)
        return;
    if (w->fd >= 0)
        close(w->fd);
    if (w->temporary[0])
        unlink(w->temporary);
    km_temporary_drop(w->listed);
    km_free(w->buf);
    km_free(w);
}
