/* SPDX-License-Identifier: Apache-2.0 */
#include "base/temporary.h"

#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { FREE, TAKEN, LISTED };

/* Pages of it that are never used cost nothing. */
static struct {
    atomic_int state;
    char path[PATH_MAX];
} list[KM_TEMPORARY_MOST];

int km_temporary_add(const char *path)
{
    size_t n = strlen(path);

    if (n >= sizeof(list[0].path))
        return -1;
    for (int i = 0; i < KM_TEMPORARY_MOST; i++) {
        int state = FREE;

        if (!atomic_compare_exchange_strong(&list[i].state, &state, TAKEN))
            continue;
        memcpy(list[i].path, path, n + 1);
        atomic_store(&list[i].state, LISTED);
        return i;
    }
    return -1;
}

void km_temporary_drop(int place)
{
    if (place >= 0)
        atomic_store(&list[place].state, FREE);
}

void km_temporary_remove(void)
{
    for (int i = 0; i < KM_TEMPORARY_MOST; i++)
        if (atomic_load(&list[i].state) == LISTED)
            unlink(list[i].path);
}
