/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a model file: centers that survive being written, or words. */
#include "tests/fuzz/fuzz.h"

#include "io/model.h"

#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

/* The path of a file of these bytes in memory. */
static int file_of(const uint8_t *bytes, size_t n, char path[64])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    MUST(fd >= 0 && write(fd, bytes, n) == (ssize_t)n, "no file in memory");
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct km_mat c;
    struct km_err err;
    char path[64];
    int fd = file_of(bytes, n, path), rc = km_model_read(path, &c, &err);

    close(fd);
    if (rc) {
        must_be_told(rc, &err);
        return 0;
    }
    MUST(c.n > 0 && c.d > 0 && c.n * c.d * sizeof(float) <= n, "%zu x %zu of %zu bytes", c.n, c.d,
         n);
    for (size_t i = 0; i < c.n; i++)
        for (size_t t = 0; t < c.d; t++)
            MUST(isfinite(km_mat_row(&c, i)[t]), "center %zu", i);
    km_mat_done(&c);
    return 0;
}
