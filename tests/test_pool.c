/* SPDX-License-Identifier: Apache-2.0 */
/* The pool of threads: every task once, whatever the numbers of tasks, threads and rounds. */
#include "tests/algo_test.h"

#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_TASKS 5000

struct work {
    atomic_int done[MAX_TASKS];
    atomic_int active[8]; /* of each worker: two tasks at a time would share its scratch space */
    atomic_int wrong;
    int threads;
    int slow;
};

static void work_task(void *arg, size_t task, int worker)
{
    struct work *w = arg;

    if (worker < 0 || worker >= w->threads || task >= MAX_TASKS) {
        atomic_fetch_add(&w->wrong, 1);
        return;
    }
    if (atomic_fetch_add(&w->active[worker], 1) != 0)
        atomic_fetch_add(&w->wrong, 1);
    if (w->slow)
        usleep(200);
    atomic_fetch_add(&w->done[task], 1);
    atomic_fetch_sub(&w->active[worker], 1);
}

static void run_and_check(struct km_pool *pool, struct work *w, size_t tasks)
{
    w->threads = km_pool_threads(pool);
    for (size_t t = 0; t < MAX_TASKS; t++)
        atomic_store(&w->done[t], 0);
    km_pool_run(pool, work_task, w, tasks);
    for (size_t t = 0; t < MAX_TASKS; t++)
        if (atomic_load(&w->done[t]) != (t < tasks))
            fail_msg("task %zu of %zu ran %d times", t, tasks, atomic_load(&w->done[t]));
    assert_int_equal(atomic_load(&w->wrong), 0);
}

static void every_task_runs_once_on_any_number_of_threads(void **state)
{
    static const size_t tasks[] = {0, 1, 2, 3, 7, 64, 1000, MAX_TASKS};
    static struct work w;

    (void)state;
    for (int threads = 1; threads <= 8; threads++) {
        struct km_pool *pool = make_pool(threads);

        assert_int_equal(km_pool_threads(pool), threads);
        for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++)
            run_and_check(pool, &w, tasks[i]);
        km_pool_close(pool);
    }
}

struct count {
    atomic_size_t sum;
};

static void count_task(void *arg, size_t task, int worker)
{
    struct count *c = arg;

    (void)worker;
    atomic_fetch_add(&c->sum, task + 1);
}

/* Rounds follow each other while workers of the last one are still on their way out or in. */
static void thousands_of_short_rounds_lose_no_task(void **state)
{
    struct km_pool *pool = make_pool(4);

    (void)state;
    for (size_t round = 0; round < 5000; round++) {
        struct count c = {0}; /* of this round alone: a straggler that saw it later would tear it */
        size_t tasks = round % 9;

        km_pool_run(pool, count_task, &c, tasks);
        assert_int_equal(atomic_load(&c.sum), tasks * (tasks + 1) / 2);
    }
    km_pool_close(pool);
}

static void workers_that_fell_asleep_wake_up(void **state)
{
    static struct work w;
    struct km_pool *pool = make_pool(3);

    (void)state;
    w.slow = 1; /* the caller sleeps too, while the others finish */
    for (int round = 0; round < 5; round++) {
        usleep(5000);
        run_and_check(pool, &w, 10);
    }
    km_pool_close(pool);
}

struct meeting {
    atomic_int here;
};

/* Ends only when two are in it at once (or after a long time, which fails the test). */
static void meeting_task(void *arg, size_t task, int worker)
{
    struct meeting *m = arg;

    (void)task, (void)worker;
    atomic_fetch_add(&m->here, 1);
    for (int i = 0; i < 20000 && atomic_load(&m->here) < 2; i++)
        usleep(500);
}

static void tasks_really_run_at_the_same_time(void **state)
{
    struct km_pool *pool = make_pool(2);
    struct meeting m = {0};

    (void)state;
    km_pool_run(pool, meeting_task, &m, 2);
    assert_int_equal(atomic_load(&m.here), 2);
    km_pool_close(pool);
}

static void order_task(void *arg, size_t task, int worker)
{
    size_t *next = arg;

    assert_int_equal(worker, 0);
    assert_int_equal(task, *next);
    ++*next;
}

static void no_pool_runs_the_tasks_in_order(void **state)
{
    size_t next = 0;

    (void)state;
    km_pool_run(NULL, order_task, &next, 100);
    assert_int_equal(next, 100);
    assert_int_equal(km_pool_threads(NULL), 1);
    km_pool_close(NULL);
}

struct beside {
    struct km_pool *pool;
    atomic_size_t sum, meanwhile;
    size_t wrong;
};

static void add_task(void *arg, size_t task, int worker)
{
    struct beside *b = arg;

    if (worker < 0 || worker > km_pool_threads(b->pool))
        abort();
    atomic_fetch_add(&b->sum, task + 1);
}

static void count_meanwhile(void *arg)
{
    struct beside *b = arg;

    atomic_fetch_add(&b->meanwhile, 1);
}

static void *run_beside(void *arg)
{
    struct beside *b = arg;

    for (size_t round = 0; round < 3000; round++) {
        size_t tasks = round % 9;

        atomic_store(&b->sum, 0);
        km_pool_run_beside(b->pool, add_task, b, tasks, count_meanwhile);
        b->wrong += atomic_load(&b->sum) != tasks * (tasks + 1) / 2;
    }
    return NULL;
}

/* Three threads beside the one in front: one of them at a time has the workers. */
static void rounds_beside_others_lose_no_task(void **state)
{
    struct km_pool *pool = make_pool(3);
    struct beside b[3] = {{.pool = pool}, {.pool = pool}, {.pool = NULL}};
    pthread_t thread[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, run_beside, &b[i]), 0);
    for (size_t round = 0; round < 3000; round++) {
        struct count c = {0};

        km_pool_run(pool, count_task, &c, 7);
        assert_int_equal(atomic_load(&c.sum), 28);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(b[i].wrong, 0);
        assert_int_equal(b[i].meanwhile, 3000);
    }
    km_pool_close(pool);
}

static void workers_help_beside(void **state)
{
    struct km_pool *pool = make_pool(2);
    struct meeting m = {0};

    (void)state;
    km_pool_run_beside(pool, meeting_task, &m, 2, NULL);
    assert_int_equal(atomic_load(&m.here), 2);
    km_pool_close(pool);
}

static void pools_open_and_close_without_work(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        km_pool_close(make_pool(1 + i % 5));
}

static void no_memory_is_an_error_with_a_text(void **state)
{
    struct km_pool *pool;
    struct km_err err;

    (void)state;
    for (size_t n = 1;; n++) {
        int rc;

        err = (struct km_err){0};
        km_alloc_fail_at(n);
        rc = km_pool_open(&pool, 3, &err);
        km_alloc_fail_at(0);
        if (rc == KM_OK) {
            assert_int_equal(n, 3); /* two allocations, each of which failed once */
            km_pool_close(pool);
            return;
        }
        assert_int_equal(rc, KM_E_MEM);
        assert_contains(err.msg, "3 threads");
        assert_null(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_runs_once_on_any_number_of_threads),
        cmocka_unit_test(thousands_of_short_rounds_lose_no_task),
        cmocka_unit_test(workers_that_fell_asleep_wake_up),
        cmocka_unit_test(tasks_really_run_at_the_same_time),
        cmocka_unit_test(no_pool_runs_the_tasks_in_order),
        cmocka_unit_test(rounds_beside_others_lose_no_task),
        cmocka_unit_test(workers_help_beside),
        cmocka_unit_test(pools_open_and_close_without_work),
        cmocka_unit_test(no_memory_is_an_error_with_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
