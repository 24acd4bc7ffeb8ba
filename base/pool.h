/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pool of threads for the process. Work comes as numbered tasks; which thread runs which task
 * is left to chance, so a result may depend on the task numbers only, never on the worker.
 */
#ifndef KM_BASE_POOL_H
#define KM_BASE_POOL_H

#include "base/err.h"
#include <stddef.h>

struct km_pool;

/** One task: its number, and which worker (0 = the caller's thread) runs it, for scratch space. */
typedef void km_task(void *arg, size_t task, int worker);

/**
 * Starts threads - 1 workers; the caller's thread is worker 0. threads >= 1.
 * Close with km_pool_close.
 */
int km_pool_open(struct km_pool **out, int threads, struct km_err *err);

/** Ends the workers; NULL is fine. Where a thread was left behind (base/aside.h), which may call
 * km_pool_run_beside any time, the pool is left, too. */
void km_pool_close(struct km_pool *pool);

/** Number of workers, the caller included; a NULL pool is the caller alone. */
int km_pool_threads(const struct km_pool *pool);

/**
 * Runs fn(arg, 0..tasks-1, worker) and returns when all are done. Called from one thread at a time,
 * and not from inside a task. A NULL pool runs them in order in the caller's thread.
 *
 * Workers spin for a few microseconds before they sleep, and tasks are claimed one by one: a worker
 * that the system took off its core delays the one task that it holds.
 */
void km_pool_run(struct km_pool *pool, km_task *fn, void *arg, size_t tasks);

/**
 * The same for a thread beside the one that calls km_pool_run: workers run these tasks while they
 * have none of the other, so the cores are shared without a fixed split. The caller is worker
 * number km_pool_threads(pool); it runs meanwhile(arg) first (NULL: nothing). Several threads may
 * call it; while one does, the others run their tasks alone.
 */
void km_pool_run_beside(struct km_pool *pool, km_task *fn, void *arg, size_t tasks,
                        void (*meanwhile)(void *arg));

#endif
