/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crash.h"

#include "base/line.h"
#include "base/log.h"
#include "base/pulse.h"
#include "base/temporary.h"
#include "base/trace.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* the kernel puts up to 12 KB of registers there, the unwinder a few more */
#define STACK_BYTES  65536
#define MOST_SECONDS 5 /* a failure file on a dead server, a reader of the log that sleeps */
#define EXIT_CRASH   1

static const struct {
    int number;
    const char *name;
} crash[] = {{SIGSEGV, "SIGSEGV"},
             {SIGBUS, "SIGBUS"},
             {SIGILL, "SIGILL"},
             {SIGFPE, "SIGFPE"},
             {SIGABRT, "SIGABRT"}};
#define CRASHES (sizeof(crash) / sizeof(crash[0]))

/* What the handler needs, as it is prepared. */
static _Atomic(const char *) stage, verb = "";
static atomic_int counts_rows;
static char host[256];
static struct {
    atomic_int ready;
    char path[PATH_MAX], temporary[PATH_MAX], folder[PATH_MAX];
} failure;
static _Atomic(void (*)(const char *)) hook;
static int on_terminal, ours[CRASHES]; /* signals that nobody had taken before us */

/* A thread's stack for the handler lies far from the end of its own. */
static _Thread_local _Alignas(64) unsigned char stack[STACK_BYTES];

/* The handler's. */
static _Atomic pid_t teller; /* the thread that tells; 0: nobody */
static atomic_int ending;
static struct km_line text, line;
static int number;
static siginfo_t info;

/* Begins a line as base/log.h does, or as a command line tool. */
static void begin_line(void)
{
    const char *name = atomic_load(&verb);
    static atomic_int begun;
    struct timespec now = {0};

    line.n = 0;
    if (name) {
        km_line_text(&line, *name ? "kmeans " : "kmeans");
        km_line_text(&line, name);
        km_line_text(&line, ": ");
        return;
    }
    if (km_log_is_writing() &&
        !atomic_exchange(&begun, 1)) /* ends the line that was being written */
        km_line_text(&line, "\n");
    clock_gettime(CLOCK_REALTIME, &now);
    km_line_text(&line, "[");
    km_line_time(&line, now.tv_sec);
    km_line_text(&line, " ERROR ");
    km_line_number(&line, (uint64_t)getpid());
    km_line_text(&line, "] ");
}

static void end_line(void)
{
    static const char erase[] = "\r\033[K"; /* the changing last line of a terminal */
    int is_log = !atomic_load(&verb);

    line.n -= line.n == sizeof(line.s) - 1;
    km_line_text(&line, "\n");
    if (is_log && on_terminal && write(STDERR_FILENO, erase, sizeof(erase) - 1) < 0)
        on_terminal = 0;
    km_line_write(&line, is_log ? STDOUT_FILENO : STDERR_FILENO);
}

/* Tells the others, who may kill us as soon as they know: so this comes last. */
static _Noreturn void leave(void)
{
    void (*others)(const char *) = atomic_exchange(&hook, NULL);

    if (others)
        others(text.s);
    _exit(EXIT_CRASH);
}

/* The line with the addresses that are known by now, and the end. */
static _Noreturn void end(void)
{
    if (atomic_exchange(&ending, 1))
        leave();
    begin_line();
    km_line_text(&line, "signal ");
    km_line_number(&line, (uint64_t)number);
    for (size_t i = 0; i < CRASHES; i++)
        if (crash[i].number == number) {
            km_line_text(&line, " (");
            km_line_text(&line, crash[i].name);
            km_line_text(&line, ")");
        }
    if (info.si_code > 0) {
        km_line_text(&line, " at address ");
        km_line_hex(&line, (uintptr_t)info.si_addr);
    } else if (info.si_pid != getpid()) {
        km_line_text(&line, " sent by process ");
        km_line_number(&line, (uint64_t)info.si_pid);
    }
    km_line_text(&line, "; kmeans " KM_VERSION ", build id ");
    km_line_text(&line, km_trace_build_id());
    km_line_text(&line, "; return addresses: ");
    km_trace_put(&line);
    end_line();
    leave();
}

/* The line may be what takes so long: nobody reads it. */
static void on_late(int late)
{
    static atomic_int again;

    (void)late;
    if (atomic_exchange(&again, 1))
        leave();
    alarm(1);
    end();
}

/* From now on this takes MOST_SECONDS at most. */
static void limit_time(void)
{
    struct sigaction action = {.sa_handler = on_late, .sa_flags = SA_ONSTACK | SA_NODEFER};
    sigset_t alarm_only;

    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
    alarm(MOST_SECONDS);
}

static void compose(void)
{
    const char *where = atomic_load(&stage);

    if (host[0]) {
        km_line_text(&text, host);
        km_line_text(&text, ": ");
    }
    km_line_text(&text, "the program crashed (signal ");
    km_line_number(&text, (uint64_t)number);
    if (where) {
        km_line_text(&text, " ");
        km_line_text(&text, where);
    }
    if (where && atomic_load(&counts_rows)) {
        km_line_text(&text, ", row ");
        km_line_grouped(&text, km_pulse_look().rows + 1);
    }
    km_line_text(&text, "); please report this");
}

/* 0, or -1 with errno. */
static int write_failure(void)
{
    int fd, bad;

    mkdir(failure.folder, 0755);
    fd = open(failure.temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return -1;
    line.n = 0;
    km_line_text(&line, "Algorithm Error: ");
    km_line_text(&line, text.s);
    bad = km_line_write(&line, fd) || fsync(fd);
    bad = close(fd) || bad;
    if (!bad && rename(failure.temporary, failure.path) == 0)
        return 0;
    unlink(failure.temporary);
    return -1;
}

static void tell(void)
{
    int written;

    compose();
    km_temporary_remove();
    written = !atomic_load(&failure.ready) || write_failure() == 0;
    begin_line();
    km_line_text(&line, "Algorithm Error: ");
    km_line_text(&line, text.s);
    if (!written)
        km_line_text(&line, " (the failure text could not be written)");
    end_line();
}

static void on_crash(int signal_number, siginfo_t *why, void *context)
{
    pid_t me = gettid(), other = 0;

    if (!atomic_compare_exchange_strong(&teller, &other, me)) {
        if (other == me)
            end(); /* we crashed ourselves */
        for (;;)
            pause();
    }
    number = signal_number;
    info = *why;
    limit_time();
    tell();
    km_trace_take(context);
    end();
}

void km_crash_again(void)
{
    struct sigaction action = {.sa_sigaction = on_crash,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

    km_trace_prepare();
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < CRASHES; i++)
        sigdelset(&action.sa_mask, crash[i].number);
    for (size_t i = 0; i < CRASHES; i++)
        if (ours[i])
            sigaction(crash[i].number, &action, NULL);
}

void km_crash_open(void)
{
    struct sigaction old;

    on_terminal = km_log_on_terminal();
    for (size_t i = 0; i < CRASHES; i++)
        ours[i] = sigaction(crash[i].number, NULL, &old) == 0 && !(old.sa_flags & SA_SIGINFO) &&
                  (old.sa_handler == SIG_DFL || old.sa_handler == SIG_IGN);
    km_crash_thread();
    km_crash_again();
}

void km_crash_verb(const char *name)
{
    atomic_store(&verb, name);
}

void km_crash_thread(void)
{
    const stack_t own = {.ss_sp = stack, .ss_size = sizeof(stack)};
    stack_t old;

    if (sigaltstack(NULL, &old) == 0 && (old.ss_flags & SS_DISABLE))
        sigaltstack(&own, NULL);
}

void km_crash_block_others(sigset_t *before)
{
    sigset_t others;

    sigfillset(&others);
    for (size_t i = 0; i < CRASHES; i++)
        sigdelset(&others, crash[i].number);
    pthread_sigmask(SIG_SETMASK, &others, before);
}

void km_crash_stage(const char *words, int rows)
{
    atomic_store(&counts_rows, rows);
    atomic_store(&stage, words);
}

void km_crash_host(const char *name)
{
    snprintf(host, sizeof(host), "%s", name);
}

void km_crash_failure(const char *path)
{
    const char *slash = strrchr(path, '/');
    int n = snprintf(failure.temporary, sizeof(failure.temporary), "%s.%ld.sagemaker-ignore", path,
                     (long)getpid());

    atomic_store(&failure.ready, 0);
    if (!path[0] || n < 0 || (size_t)n >= sizeof(failure.temporary))
        return;
    snprintf(failure.path, sizeof(failure.path), "%s", path);
    snprintf(failure.folder, sizeof(failure.folder), "%.*s",
             slash && slash != path ? (int)(slash - path) : 1, slash ? path : ".");
    atomic_store(&failure.ready, 1);
}

void km_crash_hook(void (*others)(const char *text))
{
    atomic_store(&hook, others);
}

void km_crash_wait(void)
{
    while (atomic_load(&teller))
        pause();
}
