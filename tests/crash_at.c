/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: KM_CRASH="HOW WHERE N" lets the process crash in the N-th call (1 is the first)
 * of a function that the program takes from a shared object.
 *
 *   HOW    segv bus ill fpe abort: the signal. overflow: of the stack. heap: glibc's malloc finds
 *          its heap broken, and holds its lock. null: a call of no function. two: two threads at
 *          the same time. again: the handler's own stack cannot be walked.
 *   WHERE  read: of a file under input/data/; sgemm: outside the main thread; rename, fsync: of a
 *          model
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* As cblas.h declares it; enumerations are integers. */
typedef void sgemm_fn(int, int, int, int, int, int, float, const float *, int, const float *, int,
                      float, float *, int);
typedef ssize_t read_fn(int, void *, size_t);
typedef int rename_fn(const char *, const char *);
typedef int fsync_fn(int);

static volatile int zero;

static void find(void *fn, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    memcpy(fn, &found, sizeof(found));
}

static void write_null(void)
{
    *(volatile int *)(uintptr_t)(unsigned)zero = 1;
}

static void bus(void)
{
    FILE *f = tmpfile(); /* an empty one, and a page of it */
    volatile char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(f), 0);

    *p = 1;
}

static int overflow(int n)
{
    volatile char page[4096];

    page[0] = (char)n;
    return n < 0 ? 0 : overflow(n + 1) + page[0];
}

static void heap(void)
{
    char *p = malloc(24);
    void *volatile got;

    memset(p, 0xff, 64); /* also the size of what lies behind */
    for (size_t n = 24; n < 1 << 20; n *= 2)
        got = malloc(n);
    (void)got;
    abort();
}

static void *crash_too(void *together)
{
    pthread_barrier_wait(together);
    write_null();
    return NULL;
}

static void two(void)
{
    static pthread_barrier_t together;
    pthread_t thread;

    pthread_barrier_init(&together, NULL, 2);
    pthread_create(&thread, NULL, crash_too, &together);
    crash_too(&together);
}

/* A call with a stack that is none. */
static void again(void)
{
#if defined(__x86_64__)
    __asm__ volatile("mov %0, %%rbp\n mov %0, %%rsp\n ud2" ::"r"((uintptr_t)64));
#elif defined(__aarch64__)
    __asm__ volatile("mov x29, %0\n mov sp, %0\n udf #0" ::"r"((uintptr_t)64));
#endif
}

static void crash(const char *how)
{
    void (*volatile nothing)(void) = NULL;

    if (strcmp(how, "segv") == 0)
        write_null();
    if (strcmp(how, "bus") == 0)
        bus();
    if (strcmp(how, "ill") == 0)
        __builtin_trap();
    if (strcmp(how, "fpe") == 0)
        raise(SIGFPE); /* arm64 divides by zero */
    if (strcmp(how, "overflow") == 0)
        zero = overflow(0);
    if (strcmp(how, "heap") == 0)
        heap();
    if (strcmp(how, "null") == 0)
        nothing();
    if (strcmp(how, "two") == 0)
        two();
    if (strcmp(how, "again") == 0)
        again();
    abort();
}

static void at(const char *where)
{
    static atomic_int calls;
    const char *wanted = getenv("KM_CRASH");
    char how[16], there[16];
    int n;

    if (!wanted || sscanf(wanted, "%15s %15s %d", how, there, &n) != 3 || strcmp(there, where) != 0)
        return;
    if (atomic_fetch_add(&calls, 1) + 1 == n)
        crash(how);
}

static int names(int fd, const char *part)
{
    char link[64], path[4096] = "";

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    return readlink(link, path, sizeof(path) - 1) > 0 && strstr(path, part);
}

ssize_t read(int fd, void *buf, size_t n)
{
    read_fn *real;

    find(&real, "read");
    if (names(fd, "/input/data/"))
        at("read");
    return real(fd, buf, n);
}

int rename(const char *from, const char *to)
{
    rename_fn *real;

    find(&real, "rename");
    if (strstr(to, "model"))
        at("rename");
    return real(from, to);
}

int fsync(int fd)
{
    fsync_fn *real;

    find(&real, "fsync");
    if (names(fd, "model"))
        at("fsync");
    return real(fd);
}

void cblas_sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a,
                 int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
    sgemm_fn *real;

    find(&real, "cblas_sgemm");
    if (gettid() != getpid())
        at("sgemm");
    real(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
