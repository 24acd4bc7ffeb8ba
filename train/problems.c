/* SPDX-License-Identifier: Apache-2.0 */
#include "train/problems.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

void km_problems_done(struct km_problems *p)
{
    km_list_done(&p->list);
    p->lost = 0;
}

void km_problem(struct km_problems *p, const char *fmt, ...)
{
    char text[4096];
    char *copy;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    km_utf8_clean(text);
    copy = km_strdup(text);
    if (!copy || km_list_add(&p->list, copy))
        p->lost = 1;
}

int km_problems_check(const struct km_problems *p, struct km_err *err)
{
    size_t used = 0;

    if (p->lost)
        return km_fail(err, KM_E_MEM, "no memory for the problems of the request");
    if (p->list.n == 0)
        return KM_OK;
    err->code = KM_E_INPUT;
    for (size_t i = 0; i < p->list.n && used < sizeof(err->msg); i++)
        used += (size_t)snprintf(err->msg + used, sizeof(err->msg) - used, "%s%s", i ? "; " : "",
                                 p->list.s[i]);
    return err->code;
}
