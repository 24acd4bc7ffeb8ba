/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crash is told: SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT end the process with exit code 1,
 * after
 *
 *   - the unfinished files were removed (base/temporary.h),
 *   - the failure file was written: "Algorithm Error: the program crashed (signal 11 in the pass,
 *     row 1,234,567); please report this",
 *   - two lines were written: the same text; and the build id and the return addresses
 *     (base/trace.h),
 *   - the hook has told others.
 *
 * The handler runs on a stack of its own and makes async-signal-safe calls only; what it needs is
 * prepared by the functions here. A crash of the handler, or 5 seconds in it, end the process at
 * once, with exit code 1 too. Of several threads that crash one tells. A signal that somebody else
 * had taken before (a sanitizer, a debugger's library) stays theirs.
 */
#ifndef KM_BASE_CRASH_H
#define KM_BASE_CRASH_H

#include <signal.h>

/** Called first of all in main. Until km_crash_verb the lines go to standard error, behind "kmeans:
 * ". */
void km_crash_open(void);

/** Called again after a library has been started that loads objects, and may have taken the signals
 * for itself. */
void km_crash_again(void);

/** Behind "kmeans NAME: " from now on; NULL: as ERROR lines of the log, on standard output. Lives
 * on. */
void km_crash_verb(const char *name);

/** Gives the calling thread the stack for the handler, so that an overflow of its own one is told.
 * Called first in each thread; ends with it. */
void km_crash_thread(void);

/** Blocks all signals of the calling thread but those of a crash, which would kill the process
 * without a word. For a thread that is about to be started, so that signals go to others. */
void km_crash_block_others(sigset_t *before);

/** What the process does, such as "in the pass"; a constant. counts_rows: the row is told, too: the
 * first one that is not done yet, by km_pulse_rows. */
void km_crash_stage(const char *words, int counts_rows);

/** Whose crash it is, where there are several hosts: stands in front of the text. Copied. */
void km_crash_host(const char *name);

/** Where the failure file goes; "": nowhere (also: a failure has been told already). Copied; a path
 * too long for a file's name is none. */
void km_crash_failure(const char *path);

/** Called in the handler, last, with the text (without "Algorithm Error: "): async-signal-safe
 * calls only. */
void km_crash_hook(void (*others)(const char *text));

/** Does not return while another thread tells of a crash. For the end of main. */
void km_crash_wait(void);

#endif
