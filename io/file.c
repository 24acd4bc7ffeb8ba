/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists the data files of a channel. A folder is walked depth first and its files are sorted at the
 * end by their whole path, so that the order is that of the objects' keys, whatever readdir says.
 */
#include "io/file.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Deeper than any real layout; keeps recursion and path length bounded. */
#define DEPTH_MAX 64

/* So many regular files stay open from a look to their turn; each has a buffer (io/stream.c). */
#define HELD_FILES 16

/* The chain of folders being walked, up to the one the caller named: finds loops. */
struct folder {
    const struct folder *parent;
    dev_t dev;
    ino_t ino;
    int depth;
};

static int grow(struct km_files *files, struct km_err *err)
{
    size_t n = files->n, room = files->room, held = files->room;

    if (km_grow(&files->path, n, &room, 1, sizeof(*files->path)) ||
        km_grow(&files->held, n, &held, 1, sizeof(*files->held)) ||
        km_grow(&files->bytes, n, &files->room, 1, sizeof(*files->bytes)))
        return km_fail(err, KM_E_MEM, "no memory for a list of more than %zu files", n);
    return KM_OK;
}

static int append(struct km_files *files, const char *path, const struct stat *st,
                  struct km_err *err)
{
    int rc = grow(files, err);
    uint64_t bytes = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;

    if (rc)
        return rc;
    files->path[files->n] = km_strdup(path);
    if (!files->path[files->n])
        return km_fail(err, KM_E_MEM, "no memory for the name of %s", path);
    files->bytes[files->n] = bytes;
    files->n++;
    files->total += bytes;
    return KM_OK;
}

static int is_data_name(const char *name)
{
    /* Markers of folders, our own unfinished files, and what the platform is about to upload. */
    static const char *const no_data[] = {"_$folder$", ".sagemaker-ignore", ".sagemaker-uploading",
                                          ".sagemaker-uploaded"};
    size_t n = strlen(name);

    for (size_t i = 0; i < sizeof(no_data) / sizeof(*no_data); i++) {
        size_t m = strlen(no_data[i]);

        if (n >= m && strcmp(name + n - m, no_data[i]) == 0)
            return 0;
    }
    return name[0] != '.' && name[0] != '_';
}

int km_link_fail(const char *path, struct km_err *err)
{
    char target[PATH_MAX];
    int why = errno;
    ssize_t n = -1;

    if (why == ENOENT || why == ENOTDIR || why == ELOOP)
        n = readlink(path, target, sizeof(target) - 1);
    errno = why;
    if (n < 0)
        return KM_OK;
    target[n] = 0;
    if (why == ELOOP)
        return km_fail(err, KM_E_INPUT,
                       "%s is a link to %s, which leads back to it; remove it or restore the file",
                       path, target);
    return km_fail(err, KM_E_INPUT,
                   "%s is a link to %s, which does not exist; remove it or restore the file", path,
                   target);
}

/* After a failed stat. */
static int fail_stat(const char *path, struct km_err *err)
{
    int rc = km_link_fail(path, err);

    return rc ? rc : km_fail_errno(err, "%s: cannot be examined", path);
}

static int check_folder(const char *path, const struct folder *f, struct km_err *err)
{
    if (f->depth > DEPTH_MAX)
        return km_fail(err, KM_E_INPUT, "%s: more than %d folders deep; flatten the data", path,
                       DEPTH_MAX);
    for (const struct folder *up = f->parent; up; up = up->parent) {
        if (up->dev == f->dev && up->ino == f->ino)
            return km_fail(err, KM_E_INPUT,
                           "%s: leads back to a folder that contains it; remove the symbolic link",
                           path);
    }
    return KM_OK;
}

static int walk(struct km_files *files, const char *path, const struct stat *st,
                const struct folder *parent, struct km_err *err);

static int add_member(struct km_files *files, const char *folder, const char *name,
                      const struct folder *self, struct km_err *err)
{
    char path[PATH_MAX];
    size_t n = strlen(folder);
    struct stat st;
    int len;

    while (n > 1 && folder[n - 1] == '/')
        n--;
    len = snprintf(path, sizeof(path), "%.*s%s%s", (int)n, folder,
                   n == 1 && *folder == '/' ? "" : "/", name);
    if (len < 0 || (size_t)len >= sizeof(path))
        return km_fail(err, KM_E_INPUT, "%s/%s: the path is longer than %zu characters", folder,
                       name, sizeof(path) - 1);
    if (stat(path, &st))
        return fail_stat(path, err);
    if (S_ISDIR(st.st_mode))
        return walk(files, path, &st, self, err);
    if (S_ISREG(st.st_mode) && st.st_size > 0)
        return append(files, path, &st, err);
    return KM_OK;
}

/* Recursion is bounded by DEPTH_MAX. */
static int walk(struct km_files *files, const char *path, const struct stat *st,
                const struct folder *parent, struct km_err *err)
{
    struct folder self = {parent, st->st_dev, st->st_ino, parent ? parent->depth + 1 : 0};
    struct dirent *entry;
    DIR *dir = NULL;
    int rc;

    rc = check_folder(path, &self, err);
    if (rc)
        return rc;
    dir = opendir(path);
    if (!dir)
        return km_fail_errno(err, "%s: cannot open the folder", path);
    for (;;) {
        errno = 0;
        entry = readdir(dir);
        if (!entry)
            break;
        if (!is_data_name(entry->d_name))
            continue;
        rc = add_member(files, path, entry->d_name, &self, err);
        if (rc)
            goto out;
    }
    if (errno)
        rc = km_fail_errno(err, "%s: cannot list the folder", path);
out:
    closedir(dir);
    return rc;
}

struct entry {
    char *path;
    uint64_t bytes;
};

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

/* Sorts the files from `from` on. They share the folder's name, so whole paths may be compared. */
static int sort_files(struct km_files *files, size_t from, struct km_err *err)
{
    size_t n = files->n - from;
    struct entry *e = km_alloc(n, sizeof(*e));

    if (!e)
        return km_fail(err, KM_E_MEM, "no memory to sort %zu files", n);
    for (size_t i = 0; i < n; i++)
        e[i] = (struct entry){files->path[from + i], files->bytes[from + i]};
    qsort(e, n, sizeof(*e), by_path);
    for (size_t i = 0; i < n; i++) {
        files->path[from + i] = e[i].path;
        files->bytes[from + i] = e[i].bytes;
    }
    km_free(e);
    return KM_OK;
}

int km_files_add(struct km_files *files, const char *path, struct km_err *err)
{
    size_t from = files->n;
    struct stat st;
    int rc;

    if (stat(path, &st)) {
        rc = fail_stat(path, err);
        if (rc != KM_E_INPUT && (errno == ENOENT || errno == ENOTDIR))
            rc = km_fail(err, KM_E_INPUT, "%s: no such file or folder", path);
        return rc;
    }
    if (!S_ISDIR(st.st_mode))
        return append(files, path, &st, err);
    rc = walk(files, path, &st, NULL, err);
    if (rc)
        return rc;
    return sort_files(files, from, err);
}

static int is_stdin(const char *path)
{
    return strcmp(path, "-") == 0 || strcmp(path, KM_STDIN) == 0 ||
           strcmp(path, "/dev/fd/0") == 0 || strcmp(path, "/proc/self/fd/0") == 0;
}

/* A file that somebody has begun to read would be read from its beginning again. */
static int check_stdin(struct km_err *err)
{
    struct stat st;
    off_t at;

    if (fstat(STDIN_FILENO, &st))
        return km_fail(err, KM_E_INPUT,
                       "standard input is closed; give it data (cat rows.csv | kmeans ... -), or "
                       "name a file");
    if (S_ISDIR(st.st_mode))
        return km_fail(err, KM_E_INPUT, "standard input is a folder; name it instead of -");
    at = S_ISREG(st.st_mode) ? lseek(STDIN_FILENO, 0, SEEK_CUR) : 0;
    if (at > 0)
        return km_fail(err, KM_E_INPUT,
                       "standard input is a file of which %lld bytes have been read already; send "
                       "the rest through a pipe (cat | kmeans ... -), or name the file",
                       (long long)at);
    return KM_OK;
}

int km_stdin_name(char **paths, size_t n, int *times, struct km_err *err)
{
    static char name[] = KM_STDIN;

    for (size_t i = 0; i < n; i++) {
        int rc;

        if (!is_stdin(paths[i]))
            continue;
        paths[i] = name;
        if (++*times > 1)
            return km_fail(err, KM_E_INPUT,
                           "standard input (-) is named more than once, but can be read only once; "
                           "save the data in a file");
        rc = check_stdin(err);
        if (rc)
            return rc;
    }
    return KM_OK;
}

int km_files_regular(const struct km_files *files, size_t i)
{
    struct stat st;

    return files->bytes[i] > 0 || (stat(files->path[i], &st) == 0 && S_ISREG(st.st_mode));
}

/* The stream of file i, which nobody else has open. */
static int open_file(const struct km_files *files, size_t i, int keep, struct km_stream **s,
                     struct km_err *err)
{
    int rc = KM_OK;

    *s = files->held[i];
    files->held[i] = NULL;
    if (!*s)
        rc = km_stream_open(s, files->path[i], err);
    if (rc == KM_OK)
        km_stream_keep(*s, keep);
    return rc;
}

int km_files_look(const struct km_files *files, size_t i, struct km_stream **s, struct km_err *err)
{
    return open_file(files, i, 1, s, err);
}

void km_files_hold(const struct km_files *files, size_t i, struct km_stream *s)
{
    struct km_err err;

    km_stream_until(s, -1);
    if ((i < HELD_FILES || !km_stream_again(s)) && km_stream_seek(s, 0, &err) == KM_OK)
        files->held[i] = s;
    else
        km_stream_close(s);
}

int km_files_take(const struct km_files *files, size_t i, int stop_fd, struct km_stream **s,
                  struct km_err *err)
{
    int rc = open_file(files, i, 0, s, err);

    if (rc == KM_OK)
        km_stream_until(*s, stop_fd);
    return rc;
}

void km_files_done(struct km_files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        km_stream_close(files->held[i]);
        km_free(files->path[i]);
    }
    km_free(files->path);
    km_free(files->bytes);
    km_free(files->held);
    *files = (struct km_files){0};
}
