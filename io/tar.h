/* SPDX-License-Identifier: Apache-2.0 */
/* A .tar.gz with one member, by hand on zlib: an archive library would weigh more than the program.
 */
#ifndef KM_IO_TAR_H
#define KM_IO_TAR_H

#include "base/err.h"
#include <stddef.h>

/**
 * Writes path, atomically, as a gzip of a ustar archive that holds bytes[0..n-1] under the name
 * member (at most 99 characters): mode 0644, user and group 0, no time stamps, two zero blocks at
 * the end. The same bytes give the same archive with the same zlib. n is below 8 GiB (ustar's
 * limit).
 */
int km_tar_gz_write(const char *path, const char *member, const void *bytes, size_t n,
                    struct km_err *err);

#endif
