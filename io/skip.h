/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that are passed over where they would end the job: which, how many, what is told. */
#ifndef KM_IO_SKIP_H
#define KM_IO_SKIP_H

#include <stddef.h>
#include <stdint.h>

/** How many rows were passed over: bad ones, and those that lack a value and are sound else. */
struct km_skipped {
    uint64_t bad, lacking;
};

/** Zeroed: none may be. */
struct km_skip {
    /* the caller's wishes */
    uint64_t most_bad; /* bad rows, at most */
    int lacking;       /* those that lack a value, whatever their number */
    int has_stand_in;  /* `stand_in` is written for a value that is missing */
    float stand_in;
    void (*warn)(const char *text); /* hears of the first bad rows */

    int telling; /* this pass tells */
    struct km_skipped n;
};

/** Whether any row may be passed over. */
static inline int km_skip_may(const struct km_skip *s)
{
    return s->most_bad > 0 || s->lacking;
}

/** A new pass over the rows; the first one tells. */
void km_skip_restart(struct km_skip *s, int telling);

/** Whether one more bad row, or one that lacks a value, may be passed over. */
int km_skip_allows(const struct km_skip *s, int lacks);

/** Whether the next bad row is one of the first, which are told; and tells it. */
int km_skip_tells(const struct km_skip *s);
void km_skip_tell(const struct km_skip *s, const char *why);

/** Whether one of n values is the stand-in. */
int km_skip_stands_in(const struct km_skip *s, const float *v, size_t n);

#endif
