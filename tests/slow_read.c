/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: a read of a file whose name ends in ".slow" sees the bytes up to the number that
 * stands in front of that (rows.4096.slow), and then never comes back, as from a file server that
 * is gone.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef ssize_t read_fn(int fd, void *buf, size_t n);

/* Bytes of the file behind fd that can be read; -1: all. */
static long long limit_of(int fd)
{
    char link[64], path[4096];
    ssize_t n;
    char *end;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof(path) - 1);
    if (n < 5 || memcmp(path + n - 5, ".slow", 5) != 0)
        return -1;
    path[n - 5] = '\0';
    end = strrchr(path, '.');
    return end ? strtoll(end + 1, NULL, 10) : -1;
}

ssize_t read(int fd, void *buf, size_t n)
{
    long long limit = limit_of(fd), at;
    void *found = dlsym(RTLD_NEXT, "read");
    read_fn *real;

    memcpy(&real, &found, sizeof(real));
    at = limit < 0 ? 0 : (long long)lseek(fd, 0, SEEK_CUR);
    while (limit >= 0 && at >= limit) {
        const struct timespec hour = {3600, 0};

        nanosleep(&hour, NULL);
    }
    return real(fd, buf, limit >= 0 && (long long)n > limit - at ? (size_t)(limit - at) : n);
}
