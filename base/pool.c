/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include "base/crash.h"
#include "base/mem.h"
#include "base/pulse.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

/* About 20 microseconds of waiting awake: longer than the gap between two steps of a batch, far
 * shorter than a time slice, so a busy machine loses nothing to our spinning. */
#define SPINS 2000

struct worker {
    struct km_pool *pool;
    int index;
    pthread_t thread;
};

/*
 * A round of work is one word: how many tasks it has (high half) and the next to claim (low half).
 * One atomic add claims a task and tells whether there is one; a worker that wakes up after the
 * round is over, or in the next one, needs to know nothing else. fn and arg are read only by who
 * holds a task, and a round cannot end before its tasks have.
 */
struct km_pool {
    int threads;
    struct worker *workers; /* workers[1..started] are threads */
    int started;

    km_task *fn;
    void *arg;
    _Alignas(64) _Atomic uint64_t ticket;
    _Alignas(64) atomic_size_t finished; /* tasks done in this round */
    _Alignas(64) atomic_uint round;      /* counts up when there is work */
    atomic_int closing;

    pthread_mutex_t lock;
    pthread_cond_t wake; /* workers sleep here */
    pthread_cond_t done; /* the caller sleeps here */
};

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void run_tasks(struct km_pool *p, int worker)
{
    for (;;) {
        uint64_t ticket = atomic_fetch_add(&p->ticket, 1);
        size_t tasks = ticket >> 32, task = ticket & UINT32_MAX;

        if (task >= tasks)
            return;
        p->fn(p->arg, task, worker);
        km_pulse_work();
        if (atomic_fetch_add(&p->finished, 1) + 1 == tasks) {
            pthread_mutex_lock(&p->lock);
            pthread_cond_signal(&p->done);
            pthread_mutex_unlock(&p->lock);
        }
    }
}

static void wait_for_round(struct km_pool *p, unsigned seen)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load(&p->round) != seen)
            return;
        relax();
    }
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->round) == seen)
        pthread_cond_wait(&p->wake, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct km_pool *p = w->pool;
    unsigned seen = 0;

    km_crash_thread();
    for (;;) {
        wait_for_round(p, seen);
        seen = atomic_load(&p->round);
        if (atomic_load(&p->closing))
            return NULL;
        run_tasks(p, w->index);
    }
}

static void start_round(struct km_pool *p, size_t tasks)
{
    atomic_store(&p->finished, 0);
    atomic_store(&p->ticket, (uint64_t)tasks << 32);
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->round, 1);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

int km_pool_open(struct km_pool **out, int threads, struct km_err *err)
{
    struct km_pool *p = km_alloc(1, sizeof(*p));

    *out = NULL;
    if (p)
        p->workers = km_alloc((size_t)threads, sizeof(*p->workers));
    if (!p || !p->workers) {
        km_free(p);
        return km_fail(err, KM_E_MEM, "no memory for %d threads", threads);
    }
    p->threads = threads;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->done, NULL);
    for (int i = 1; i < threads; i++) {
        struct worker *w = &p->workers[i];
        int rc;

        w->pool = p;
        w->index = i;
        rc = pthread_create(&w->thread, NULL, worker_main, w);
        if (rc) {
            km_pool_close(p);
            return km_fail(err, KM_E_SYS, "cannot start thread %d of %d: %s", i + 1, threads,
                           strerror(rc));
        }
        p->started = i;
    }
    *out = p;
    return KM_OK;
}

void km_pool_close(struct km_pool *p)
{
    if (!p)
        return;
    atomic_store(&p->closing, 1);
    start_round(p, 0);
    for (int i = 1; i <= p->started; i++)
        pthread_join(p->workers[i].thread, NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->wake);
    pthread_cond_destroy(&p->done);
    km_free(p->workers);
    km_free(p);
}

int km_pool_threads(const struct km_pool *p)
{
    return p ? p->threads : 1;
}

void km_pool_run(struct km_pool *p, km_task *fn, void *arg, size_t tasks)
{
    if (!p || p->started == 0 || tasks <= 1) {
        for (size_t t = 0; t < tasks; t++) {
            fn(arg, t, 0);
            km_pulse_work();
        }
        return;
    }
    p->fn = fn;
    p->arg = arg;
    start_round(p, tasks);
    run_tasks(p, 0);
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load(&p->finished) == tasks)
            return;
        relax();
    }
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->finished) != tasks)
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}
