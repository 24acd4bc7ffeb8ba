/* SPDX-License-Identifier: Apache-2.0 */
/* Private to io: what a stream takes its bytes from. A new source is a file with such a table. */
#ifndef KM_IO_SOURCE_H
#define KM_IO_SOURCE_H

#include "io/stream.h"

struct km_source {
    /** Up to n bytes (n > 0) of those that follow, waiting for at least one of them, but not longer
     * than km_stream_until says; *got 0: the end. */
    int (*read)(void *source, void *bytes, size_t n, int stop_fd, size_t *got, struct km_err *err);
    /** The next byte to be read is number `at`; NULL: there is no way back. */
    int (*seek)(void *source, uint64_t at, struct km_err *err);
    void (*close)(void *source); /**< frees it; NULL is fine */
};

/** A stream over a source, which belongs to it from then on, also after a failure. */
int km_stream_make(struct km_stream **s, const char *path, const struct km_source *kind,
                   void *source, struct km_err *err);

#endif
