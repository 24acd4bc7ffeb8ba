/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/kern/openblas.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "libopenblas.so.0"

__typeof__(cblas_sgemm) *km_openblas_sgemm;
static __typeof__(openblas_get_config) *get_config;

/* A pointer to an object becomes one to a function as POSIX says of dlsym. Found among all that is
 * loaded, so that a debugger's library in front is heard, too. */
static int find(void *fn, const char *name)
{
    void *found = dlsym(RTLD_DEFAULT, name);

    memcpy(fn, &found, sizeof(found));
    return found != NULL;
}

int km_openblas_load(struct km_err *err)
{
    if (km_openblas_sgemm)
        return KM_OK;
    if (setenv("OPENBLAS_NUM_THREADS", "1", 1))
        return km_fail_errno(err, "cannot set OPENBLAS_NUM_THREADS");
    if (!dlopen(LIBRARY, RTLD_NOW | RTLD_GLOBAL) || !find(&get_config, "openblas_get_config") ||
        !find(&km_openblas_sgemm, "cblas_sgemm"))
        return km_fail(err, KM_E_SYS,
                       "kernels blas need OpenBLAS (Debian: libopenblas0), which cannot be loaded: "
                       "%s; or set KM_ISA=generic",
                       dlerror());
    return KM_OK;
}

const char *km_openblas_name(void)
{
    static char name[256];

    if (get_config)
        snprintf(name, sizeof(name), ", %s", get_config());
    return name;
}
