/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192

/* The process has one standard output, so the state of its last line is the process's. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum km_level lowest_level = KM_INFO;
static int status_shown;
static atomic_int writing;

static const char *const level_name[] = {"DEBUG", "INFO", "WARNING", "ERROR"};

static void erase_status(void)
{
    if (status_shown)
        fputs("\r\033[K", stderr);
    status_shown = 0;
}

/* Takes the UTF-8 character at the end away, if it is one of several bytes. */
static void cut_character(char *line)
{
    size_t n = strlen(line);

    while (n > 0 && (line[n - 1] & 0xc0) == 0x80)
        line[--n] = 0;
    if (n > 0 && (line[n - 1] & 0x80))
        line[n - 1] = 0;
}

static void __attribute__((format(printf, 3, 0)))
put_line(char *line, size_t used, const char *fmt, va_list ap)
{
    size_t room = LINE_MAX_BYTES - used;

    /* a line that does not fit ends before the character that was cut */
    if ((size_t)vsnprintf(line + used, room, fmt, ap) >= room)
        cut_character(line);
    /* File names and data reach the log: nothing in them may end a line or steer a terminal. */
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    pthread_mutex_lock(&lock);
    atomic_store(&writing, 1);
    erase_status();
    fputs(line, stdout);
    fputc('\n', stdout);
    fflush(stdout);
    atomic_store(&writing, 0);
    pthread_mutex_unlock(&lock);
}

void km_log_level(enum km_level lowest)
{
    lowest_level = lowest;
}

void km_log(enum km_level level, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    struct tm tm;
    time_t now = time(NULL);
    va_list ap;
    size_t used;

    if (level < lowest_level)
        return;
    gmtime_r(&now, &tm);
    used = strftime(line, sizeof(line), "[%m/%d/%Y %H:%M:%S ", &tm);
    used += (size_t)snprintf(line + used, sizeof(line) - used, "%s %ld] ", level_name[level],
                             (long)getpid());
    va_start(ap, fmt);
    put_line(line, used, fmt, ap);
    va_end(ap);
}

void km_log_plain(const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    va_list ap;

    va_start(ap, fmt);
    put_line(line, 0, fmt, ap);
    va_end(ap);
}

int km_log_is_writing(void)
{
    return atomic_load(&writing);
}

int km_log_on_terminal(void)
{
    const char *term = getenv("TERM");

    return isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0);
}

void km_log_status(const char *text)
{
    if (!km_log_on_terminal())
        return;
    pthread_mutex_lock(&lock);
    erase_status();
    if (text) {
        fprintf(stderr, "%s", text);
        status_shown = 1;
    }
    fflush(stderr);
    pthread_mutex_unlock(&lock);
}

void km_log_warning(const char *text)
{
    km_log(KM_WARNING, "%s", text);
}
