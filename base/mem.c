/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include "base/size.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* In front of every block: how it was made. As wide as the alignment, so that it is kept. */
#define ALIGN 64
struct header {
    size_t mapped; /* length of the mapping; 0 = from aligned_alloc */
};

/* From here on blocks are mapped: the kernel zeroes them page by page as they are touched. */
#define MAP_FROM ((size_t)1 << 20)

/* From here on pages of 2 MiB are worth the slack at both ends. */
#define HUGE_FROM ((size_t)8 << 20)

#define LEAST_ITEMS 32

static atomic_size_t fail_at; /* countdown to the allocation that fails; 0 = off */
static atomic_size_t calls;

static int must_fail(void)
{
    atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
    if (atomic_load_explicit(&fail_at, memory_order_relaxed) == 0)
        return 0;
    return atomic_fetch_sub_explicit(&fail_at, 1, memory_order_relaxed) == 1;
}

void *km_alloc(size_t n, size_t size)
{
    size_t bytes, total;
    struct header *h;

    if (must_fail() || __builtin_mul_overflow(n, size, &bytes) ||
        __builtin_add_overflow(bytes, (size_t)2 * ALIGN, &total))
        return NULL;
    total = total / ALIGN * ALIGN;
    if (total >= MAP_FROM) {
        void *p = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
            return NULL;
        if (total >= HUGE_FROM)
            madvise(p, total, MADV_HUGEPAGE); /* a wish: fewer page faults and table look-ups */
        h = p;
        h->mapped = total;
    } else {
        h = aligned_alloc(ALIGN, total);
        if (!h)
            return NULL;
        memset(h, 0, total);
    }
    return (char *)h + ALIGN;
}

void km_free(void *p)
{
    struct header *h;

    if (!p)
        return;
    h = (struct header *)(void *)((char *)p - ALIGN);
    if (h->mapped)
        munmap(h, h->mapped);
    else
        free(h);
}

int km_grow(void *array, size_t used, size_t *room, size_t more, size_t size)
{
    size_t want = *room * 2 + LEAST_ITEMS;
    void *old, *fresh;

    if (more <= *room - used)
        return 0;
    if (more > SIZE_MAX / 4 - used)
        return -1;
    want = km_max(want, used + more);
    fresh = km_alloc(want, size);
    if (!fresh)
        return -1;
    memcpy(&old, array, sizeof(old)); /* whatever type it points to */
    if (used)
        memcpy(fresh, old, used * size);
    km_free(old);
    memcpy(array, &fresh, sizeof(fresh));
    *room = want;
    return 0;
}

char *km_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = km_alloc(n, 1);

    if (copy)
        memcpy(copy, s, n);
    return copy;
}

size_t km_alloc_fail_at(size_t n)
{
    atomic_store(&fail_at, n);
    return atomic_exchange(&calls, 0);
}
