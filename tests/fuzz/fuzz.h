/* SPDX-License-Identifier: Apache-2.0 */
/* What every fuzz target includes: its one function, and how it tells a finding. */
#ifndef KM_TESTS_FUZZ_H
#define KM_TESTS_FUZZ_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Takes n bytes of anything; aborts where what the target promises does not hold. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#define MUST(what, ...)                                                                            \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: not so: %s: ", __FILE__, __LINE__, #what);                     \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/** A failure has a code that a caller may give, and a text; no lack of memory, no bug of ours. */
static inline void must_be_told(int rc, const struct km_err *err)
{
    MUST(rc == KM_E_INPUT && err->code == rc && err->msg[0], "code %d, '%s'", rc, err->msg);
}

#endif
