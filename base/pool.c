/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include "base/aside.h"
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
struct round {
    km_task *fn;
    void *arg;
    _Alignas(64) _Atomic uint64_t ticket;
    _Alignas(64) atomic_size_t finished; /* tasks done */
    pthread_cond_t done;                 /* who started it sleeps here */
};

struct km_pool {
    int threads;
    struct worker *workers; /* workers[1..started] are threads */
    int started;

    struct round front;  /* of km_pool_run */
    struct round beside; /* of km_pool_run_beside, for workers with nothing in front */
    _Alignas(64) atomic_uint started_rounds; /* counts up when there is work */
    atomic_int closing;

    pthread_mutex_t lock;
    pthread_cond_t wake;         /* workers sleep here */
    pthread_mutex_t beside_lock; /* held by who runs a round there */
};

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Runs one task, if there is one left. */
static int run_task(struct km_pool *p, struct round *r, int worker)
{
    uint64_t ticket = atomic_load(&r->ticket);
    size_t tasks, task;

    if ((ticket & UINT32_MAX) >= ticket >> 32)
        return 0;
    ticket = atomic_fetch_add(&r->ticket, 1);
    tasks = ticket >> 32;
    task = ticket & UINT32_MAX;
    if (task >= tasks)
        return 0;
    r->fn(r->arg, task, worker);
    km_pulse_work();
    if (atomic_fetch_add(&r->finished, 1) + 1 == tasks) {
        pthread_mutex_lock(&p->lock);
        pthread_cond_signal(&r->done);
        pthread_mutex_unlock(&p->lock);
    }
    return 1;
}

static void run_tasks(struct km_pool *p, struct round *r, int worker)
{
    while (run_task(p, r, worker))
        ;
}

static void wait_for_round(struct km_pool *p, unsigned seen)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load(&p->started_rounds) != seen)
            return;
        relax();
    }
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->started_rounds) == seen)
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
        seen = atomic_load(&p->started_rounds);
        if (atomic_load(&p->closing))
            return NULL;
        do
            run_tasks(p, &p->front, w->index);
        while (run_task(p, &p->beside, w->index));
    }
}

static void start_round(struct km_pool *p, struct round *r, km_task *fn, void *arg, size_t tasks)
{
    r->fn = fn;
    r->arg = arg;
    atomic_store(&r->finished, 0);
    atomic_store(&r->ticket, (uint64_t)tasks << 32);
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->started_rounds, 1);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

/* Runs what is left of a round with whoever comes, and waits for its end. */
static void finish_round(struct km_pool *p, struct round *r, size_t tasks, int worker)
{
    run_tasks(p, r, worker);
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load(&r->finished) == tasks)
            return;
        relax();
    }
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&r->finished) != tasks)
        pthread_cond_wait(&r->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static void run_alone(km_task *fn, void *arg, size_t tasks, int worker)
{
    for (size_t t = 0; t < tasks; t++) {
        fn(arg, t, worker);
        km_pulse_work();
    }
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
    pthread_mutex_init(&p->beside_lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->front.done, NULL);
    pthread_cond_init(&p->beside.done, NULL);
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
    if (!p || km_aside_left())
        return;
    atomic_store(&p->closing, 1);
    start_round(p, &p->front, NULL, NULL, 0);
    for (int i = 1; i <= p->started; i++)
        pthread_join(p->workers[i].thread, NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->wake);
    pthread_cond_destroy(&p->front.done);
    pthread_cond_destroy(&p->beside.done);
    pthread_mutex_destroy(&p->beside_lock);
    km_free(p->workers);
    km_free(p);
}

int km_pool_threads(const struct km_pool *p)
{
    return p ? p->threads : 1;
}

static int is_alone(const struct km_pool *p, size_t tasks)
{
    return !p || p->started == 0 || tasks <= 1;
}

void km_pool_run(struct km_pool *p, km_task *fn, void *arg, size_t tasks)
{
    if (is_alone(p, tasks)) {
        run_alone(fn, arg, tasks, 0);
        return;
    }
    start_round(p, &p->front, fn, arg, tasks);
    finish_round(p, &p->front, tasks, 0);
}

void km_pool_run_beside(struct km_pool *p, km_task *fn, void *arg, size_t tasks,
                        void (*meanwhile)(void *arg))
{
    int alone = is_alone(p, tasks) || pthread_mutex_trylock(&p->beside_lock) != 0;

    if (!alone)
        start_round(p, &p->beside, fn, arg, tasks);
    if (meanwhile)
        meanwhile(arg);
    if (alone) {
        run_alone(fn, arg, tasks, km_pool_threads(p));
        return;
    }
    finish_round(p, &p->beside, tasks, km_pool_threads(p));
    pthread_mutex_unlock(&p->beside_lock);
}
