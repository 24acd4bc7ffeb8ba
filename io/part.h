/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One part of the rows of a channel, for hosts that all see all of it: the bytes of all files in
 * their order are cut into ranges of the same size, and a record or line belongs to the range that
 * its first byte is in; of what has no size (FIFO), row i belongs to part i mod parts. So each row
 * is in exactly one part, which may be empty.
 */
#ifndef KM_IO_PART_H
#define KM_IO_PART_H

#include "io/file.h"
#include "io/reader.h"

/** Part number `part` of `parts`. */
struct km_part {
    size_t part, parts;
};

/** Bytes of the part, what has no size not counted. */
uint64_t km_part_bytes(const struct km_part *p, const struct km_files *files);

/** What of file i, which begins at byte `at` of all of them, is in the part: 0 if nothing is. */
int km_part_of_file(const struct km_part *p, const struct km_files *files, size_t i, uint64_t at,
                    struct km_range *range);

#endif
