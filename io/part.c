/* SPDX-License-Identifier: Apache-2.0 */
#include "io/part.h"

/* Byte of the files, one behind the other, with which a part begins. */
static uint64_t part_at(const struct km_part *p, uint64_t total, size_t part)
{
    uint64_t parts = p->parts;

    return total / parts * part + total % parts * part / parts; /* = total * part / parts */
}

uint64_t km_part_bytes(const struct km_part *p, const struct km_files *files)
{
    return part_at(p, files->total, p->part + 1) - part_at(p, files->total, p->part);
}

int km_part_of_file(const struct km_part *p, const struct km_files *files, size_t i, uint64_t at,
                    struct km_range *range)
{
    uint64_t from = part_at(p, files->total, p->part), to = part_at(p, files->total, p->part + 1);
    uint64_t bytes = files->bytes[i];

    *range = (struct km_range){0};
    if (p->parts == 1)
        return 1;
    if (bytes == 0) {
        range->turn = p->part;
        range->turns = p->parts;
        return 1;
    }
    if (to <= at || from >= at + bytes || from == to)
        return 0;
    if (from > at)
        range->from = from - at;
    if (to < at + bytes)
        range->to = to - at;
    return 1;
}
