/* SPDX-License-Identifier: Apache-2.0 */
/* Streams decompressed where they are gzip. */
#ifndef KM_IO_GUNZIP_H
#define KM_IO_GUNZIP_H

#include "io/stream.h"

/**
 * Where the next two bytes of *s are those of gzip, *s becomes the stream of its decompressed
 * bytes, which owns the one before; *yes then. After a failure *s is as it was. The members of a
 * gzip file are one; what follows the last one and is no gzip is left alone, as gzip does. Reading
 * tells damaged or cut gzip as KM_E_INPUT, with the place in the decompressed bytes. There is no
 * way back but within what is buffered.
 */
int km_gunzip(struct km_stream **s, int *yes, struct km_err *err);

#endif
