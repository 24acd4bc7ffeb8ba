/* SPDX-License-Identifier: Apache-2.0 */
/* An array of a numpy archive (.npz): a member of a zip archive, stored or deflated. */
#ifndef KM_IO_UNZIP_H
#define KM_IO_UNZIP_H

#include "io/stream.h"

/** Whether n bytes begin as a zip archive, and an array (NAME.npy) begins among them. */
int km_unzip_is(const unsigned char *p, size_t n);

/**
 * Where *s, at its first byte, is a zip archive, *s becomes the stream of the bytes of its member
 * `name` (with or without .npy; "": the only array), which owns the one before. After a failure *s
 * is as it was. Which arrays there are is seen before the first one is read where *s can be read
 * again, else behind it. Reading compares the check sum at the end. What can be read again stays
 * so.
 */
int km_unzip(struct km_stream **s, const char *name, struct km_err *err);

#endif
