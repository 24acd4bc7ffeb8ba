/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a request: collected while it is read, so that one failed job tells
 * everything. */
#ifndef KM_TRAIN_PROBLEMS_H
#define KM_TRAIN_PROBLEMS_H

#include "base/err.h"
#include "base/text.h"

/** Starts zeroed. list.s[0 .. list.n - 1] are the texts, valid UTF-8, each one line. */
struct km_problems {
    struct km_list list;
    int lost; /* there was no memory to keep one */
};

/** Frees the texts. */
void km_problems_done(struct km_problems *p);

/** Adds one. Cannot fail here: if there is no memory for it, km_problems_check says so. */
void km_problem(struct km_problems *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** KM_OK if there is none; else KM_E_INPUT with all of them in err->msg, one after the other ("; ",
 * cut where it is full), or KM_E_MEM. */
int km_problems_check(const struct km_problems *p, struct km_err *err);

#endif
