/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a file or FIFO, decompressed where it is gzip. */
#ifndef KM_IO_GUNZIP_H
#define KM_IO_GUNZIP_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

struct km_gunzip;

/** Opens path, and waits for its first two bytes, which tell gzip. On failure *gunzip is NULL; a
 * missing file is KM_E_INPUT. */
int km_gunzip_open(struct km_gunzip **gunzip, const char *path, struct km_err *err);
void km_gunzip_close(struct km_gunzip *z); /* NULL is fine */

/** Whether the file is compressed. */
int km_gunzip_is_gzip(const struct km_gunzip *z);

/**
 * The next n bytes; *got is less only at the end. The members of a gzip file are one; what follows
 * the last one and is no gzip is left alone, as gzip does. KM_E_INPUT: damaged or cut gzip, with
 * the place in the decompressed bytes.
 */
int km_gunzip_read(struct km_gunzip *z, void *bytes, size_t n, size_t *got, struct km_err *err);

#endif
