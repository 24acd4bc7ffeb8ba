/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a crash happened, as addresses that can be looked up in the files that were running: which
 * objects are loaded, the program's build id, and the chain of calls. One for the process.
 */
#ifndef KM_BASE_TRACE_H
#define KM_BASE_TRACE_H

#include "base/line.h"
#include <ucontext.h>

/**
 * Notes the loaded objects and the build id, and lets the unwinder make ready what it makes once.
 * Again whenever more objects may have been loaded; one thread. Not for signal handlers.
 */
void km_trace_prepare(void);

/** The program's build id as the linker wrote it, in hexadecimal (`readelf -n`); "none" if it has
 * none. */
const char *km_trace_build_id(void);

/**
 * Collects the addresses of the calls that led to a signal, innermost first; once. Called in the
 * signal's handler, with its third argument. It takes no lock and no memory, but walks a stack that
 * may be broken: it may crash, and what was found until then can still be put.
 */
void km_trace_take(const ucontext_t *where);

/**
 * Adds the addresses to a line: "kmeans+0x1234 libc.so.6+0x5678": the file, and where in it, for
 * `addr2line -e FILE 0x1234`; a number alone lies in no object that is known. A return address is
 * told as the byte before it, which belongs to the call. Async-signal-safe.
 */
void km_trace_put(struct km_line *l);

#endif
