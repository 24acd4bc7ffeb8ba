/* SPDX-License-Identifier: Apache-2.0 */
#include "algo/kern/kernels.h"

#include "algo/kern/openblas.h"

#include <string.h>

#define MAX_LEVELS 8

static const struct km_kernels *levels[MAX_LEVELS];

#if defined(__x86_64__)
static struct km_kernels vnni, vnni_zen4;

static const struct km_kernels *make_screened(struct km_kernels *kern, const char *name,
                                              const struct km_screen *screen)
{
    *kern = km_kernels_avx512;
    kern->name = name;
    kern->plain = &km_kernels_avx512;
    kern->pays = screen->pays;
    kern->layout = screen->layout;
    kern->pack = screen->pack;
    kern->nearest = screen->nearest;
    return kern;
}
#endif

/* The compiler's test covers the operating system's part (does it save the wide registers?). */
static void find_levels(void)
{
    size_t n = 0;

#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        if (__builtin_cpu_supports("avx512vnni")) {
            int zen4 = __builtin_cpu_is("amdfam19h"); /* with these instructions: not Zen 3 */

            levels[n + (zen4 ? 1 : 0)] = make_screened(&vnni, "vnni", &km_screen_vnni);
            levels[n + (zen4 ? 0 : 1)] =
                make_screened(&vnni_zen4, "vnni-zen4", &km_screen_vnni_zen4);
            n += 2;
        }
        levels[n++] = &km_kernels_avx512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        levels[n++] = &km_kernels_avx2;
#endif
    levels[n++] = &km_kernels_blas;
    levels[n] = &km_kernels_generic;
}

const struct km_kernels *const *km_kernels_all(void)
{
    struct km_err err;

    if (!levels[0])
        find_levels();
    for (size_t i = 0; levels[i]; i++)
        if (levels[i] == &km_kernels_blas && km_openblas_load(&err)) {
            levels[i] = levels[i + 1]; /* the last level but one */
            levels[i + 1] = NULL;
        }
    return levels;
}

/* The level of that name; the best for NULL or "". NULL: there is none. */
static const struct km_kernels *find_level(const char *name)
{
    size_t i = 0;

    if (!levels[0])
        find_levels();
    while (name && *name && levels[i] && strcmp(levels[i]->name, name) != 0)
        i++;
    return levels[i];
}

int km_kernels_pick(const struct km_kernels **kern, const char *name, struct km_err *err)
{
    char known[128] = "";

    *kern = find_level(name);
    if (*kern)
        return *kern == &km_kernels_blas ? km_openblas_load(err) : KM_OK;
    for (size_t i = 0; levels[i]; i++) {
        strncat(known, i ? ", " : "", sizeof(known) - strlen(known) - 1);
        strncat(known, levels[i]->name, sizeof(known) - strlen(known) - 1);
    }
    return km_fail(err, KM_E_INPUT, "KM_ISA names '%s'; the kernels that this CPU can run are: %s",
                   name, known);
}

size_t km_kernels_room(const struct km_kernels *kern, size_t max_k, size_t d)
{
    size_t most = 0;

    for (; kern; kern = kern->plain)
        for (size_t k = 1; k <= max_k; k++) {
            size_t floats = kern->layout(k, d).floats;

            most = km_max(most, floats);
        }
    return most;
}

const char *km_kernels_library(const struct km_kernels *kern)
{
    return kern == &km_kernels_blas ? km_openblas_name() : "";
}
