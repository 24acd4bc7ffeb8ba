/* SPDX-License-Identifier: Apache-2.0 */
#include "base/aside.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include "base/stop.h"
#include "base/wait.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#define GRACE_SECONDS 1.0
#define LOOK_SECONDS  0.02 /* between two looks at whether somebody asked to stop */

static atomic_int left;

/* Freed by the last of the two who know it. */
struct aside {
    void (*work)(void *arg);
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int ended, abandoned;
};

static void aside_free(struct aside *a)
{
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    km_free(a);
}

static void *run(void *arg)
{
    struct aside *a = arg;
    int abandoned;

    km_crash_thread();
    a->work(a->arg);
    pthread_mutex_lock(&a->lock);
    a->ended = 1;
    abandoned = a->abandoned;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    if (abandoned)
        aside_free(a);
    return NULL;
}

/* Signals are for the other threads. */
static int start(struct aside *a, pthread_t *thread)
{
    sigset_t before;
    int rc;

    km_crash_block_others(&before);
    rc = pthread_create(thread, NULL, run, a);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

int km_aside(void (*work)(void *arg), void *arg, struct km_err *err)
{
    struct aside *a = km_alloc(1, sizeof(*a));
    pthread_t thread;
    int ended;

    if (!a)
        return km_fail(err, KM_E_MEM, "no memory for a reading thread");
    *a = (struct aside){.work = work, .arg = arg};
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    errno = start(a, &thread);
    if (errno) {
        aside_free(a);
        return km_fail_errno(err, "cannot start a reading thread");
    }
    pthread_mutex_lock(&a->lock);
    while (!a->ended && km_stop_seconds() < GRACE_SECONDS)
        km_wait(&a->changed, &a->lock, LOOK_SECONDS);
    ended = a->ended;
    a->abandoned = !ended;
    pthread_mutex_unlock(&a->lock);
    if (!ended) {
        pthread_detach(thread);
        km_aside_leave();
        return KM_MORE;
    }
    pthread_join(thread, NULL);
    aside_free(a);
    return KM_OK;
}

void km_aside_leave(void)
{
    atomic_store(&left, 1);
}

int km_aside_left(void)
{
    return atomic_load(&left);
}
