/* SPDX-License-Identifier: Apache-2.0 */
/* The one gate to the heap: zeroed, 64-byte aligned, overflow checked, countable, failable. */
#ifndef KM_BASE_MEM_H
#define KM_BASE_MEM_H

#include <stddef.h>

/**
 * Allocates n * size bytes, zeroed, aligned to 64 bytes. NULL when n * size overflows or there is
 * no memory. n * size may be 0. Large blocks come straight from the kernel and cost memory only
 * where they are touched, so a capacity may be generous. Threads: safe.
 */
void *km_alloc(size_t n, size_t size);

/** Frees what km_alloc gave; NULL is fine. */
void km_free(void *p);

/**
 * Makes room for `more` items of `size` bytes behind the first `used` of the array that *(T
 * **)array points to (NULL at first) and that has *room of them. It at least doubles when it must,
 * so the address may change; what is behind `used` is zero in a new array. 0, or -1 when there is
 * no memory, nothing having changed.
 */
int km_grow(void *array, size_t used, size_t *room, size_t more, size_t size);

/** A copy of a string, to be freed with km_free; NULL when there is no memory. */
char *km_strdup(const char *s);

/**
 * Tests only: lets the n-th allocation from now fail (1 = the next), once; 0 = none.
 * Returns how many allocations there were since the last call.
 */
size_t km_alloc_fail_at(size_t n);

#endif
