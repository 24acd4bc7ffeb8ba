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

/** A copy of a string, to be freed with km_free; NULL when there is no memory. */
char *km_strdup(const char *s);

/**
 * Tests only: lets the n-th allocation from now fail (1 = the next), once; 0 = none.
 * Returns how many allocations there were since the last call.
 */
size_t km_alloc_fail_at(size_t n);

#endif
