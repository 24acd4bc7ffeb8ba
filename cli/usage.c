/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/usage.h"

#include "base/mem.h"

#include <stdio.h>

int km_usage(const struct km_options *o, int rc, const struct km_err *err)
{
    struct km_text text = {0};

    if (rc == KM_MORE) {
        km_options_help(o, &text);
        fputs(text.failed ? "" : text.s, stdout);
        km_free(text.s);
        return 0;
    }
    km_exit_code(o->verb, rc, err);
    if (rc == KM_E_INPUT)
        fprintf(stderr, "See `kmeans %s --help`.\n", o->verb);
    return rc == KM_E_INPUT ? 2 : 3;
}

int km_exit_code(const char *verb, int rc, const struct km_err *err)
{
    if (rc)
        fprintf(stderr, "kmeans %s: %s\n", verb, err->msg);
    return !rc ? 0 : rc == KM_E_INPUT ? 2 : 3;
}
