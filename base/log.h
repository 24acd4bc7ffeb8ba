/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines in the shape of the original's framework, on standard output:
 *
 *   [11/21/2026 08:54:36 INFO 140234] text
 *
 * Time is UTC, the number is the process. Every line is written with one call and flushed, so that
 * lines of several threads never mix and a pipe shows them at once. Tabs and newlines inside a
 * line become blanks: the platform would rewrite the first and split at the second.
 */
#ifndef KM_BASE_LOG_H
#define KM_BASE_LOG_H

enum km_level { KM_DEBUG, KM_INFO, KM_WARNING, KM_ERROR };

/** Lines below this level are not printed; INFO at start. */
void km_log_level(enum km_level lowest);

/** One framework line. */
void km_log(enum km_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** One line without time and level, e.g. `#metrics {...}`. */
void km_log_plain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/**
 * Shows text as the one changing last line of a terminal, on standard error; the next log line
 * erases it first. NULL erases it. Does nothing unless standard error is a terminal.
 */
void km_log_status(const char *text);

/** Whether a line is being written, so that a part of it may be out; async-signal-safe. */
int km_log_is_writing(void);

/** True when km_log_status shows something. */
int km_log_on_terminal(void);

/** Text as a warning: where what warns is given a function to call. */
void km_log_warning(const char *text);

#endif
