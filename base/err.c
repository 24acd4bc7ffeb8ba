/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int km_fail(struct km_err *err, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    err->code = code;
    err->lacks_value = 0;
    vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    va_end(ap);
    return code;
}

int km_fail_errno(struct km_err *err, const char *fmt, ...)
{
    int saved = errno;
    va_list ap;
    size_t used;

    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    va_end(ap);
    used = strlen(err->msg);
    snprintf(err->msg + used, sizeof(err->msg) - used, ": %s", strerror(saved));
    err->code = saved == ENOMEM ? KM_E_MEM : KM_E_SYS;
    return err->code;
}
