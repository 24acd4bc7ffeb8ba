/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three blocks go round between the reader thread and the caller: one with the caller, one ready,
 * one being filled. The first block of the first pass is decoded while the caller waits: between it
 * and the second the caller may set the origin, and nothing has been decoded ahead without it. From
 * then on the reader thread alone touches f->blocks; one thread lives for one pass.
 *
 * Closing sets `stop` and makes stop_fd readable: a reader that waits for a block or for the bytes
 * of a FIFO ends at once, one that decodes ends with its block. A read of a regular file cannot be
 * ended (its server may be gone): the caller never waits for one without end once the job is asked
 * to stop, and leaves the thread, and all that it uses, behind.
 *
 *   open         the format from the first bytes; the first rows of the first files are decoded
 *   divide       which bytes of the files, one behind the other, are this host's part
 *   look         the first rows, for whoever decides whether they are sparse
 *   next         the caller gives its block back, and waits for the ready one
 *   read_ahead   the reader thread: produce a block after the other until the pass ends
 *   produce      a block: find_row opens file after file, rows are taken as bytes, and decoded with
 *                the workers of the pool that are free (decoder.h); the origin comes off
 */
#include "io/feed.h"

#include "base/aside.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include "base/pulse.h"
#include "base/size.h"
#include "base/stop.h"
#include "base/wait.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BLOCKS 3

/* Between two looks at whether somebody asked to stop; and as long a closing feed waits for its
 * reader thread, which decodes a block in less. */
#define LOOK_SECONDS  0.02
#define CLOSE_SECONDS 1.0

struct km_feed {
    const struct km_files *files;
    struct km_format format;
    struct km_header header; /* what format.header points to */
    struct km_first_rows first;

    struct km_blocks blocks; /* the reader thread's, or the caller's while there is none */
    int rc;                  /* of what is done aside */
    struct km_err err;

    /* between the two */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct km_batch batch[BLOCKS];
    /* as format.extras was when the last block was filled */
    struct km_record_extras extras;
    struct km_skipped skipped; /* and as format.skip.n was */
    size_t filled;             /* blocks filled in this pass */
    size_t taken;              /* blocks given to the caller in this pass */
    size_t freed;              /* blocks given back */
    int reading;               /* the reader thread has not come to its end */
    int ended;                 /* nothing comes behind `filled`: the pass ended with end_rc */
    int end_rc;
    struct km_err end_err;
    atomic_int stop;
    int stop_fd;

    /* the caller's */
    pthread_t thread;
    int running;
    int left; /* a thread was left behind: nothing of the feed can be freed any more */
    int cut;  /* a pass was ended by the wish to stop */
    int later_pass;

    atomic_uint_fast64_t stat_rows;
    atomic_uint_fast64_t stat_bytes;
    atomic_uint_fast64_t stat_nanoseconds;
};

/* ---- the first look ---- */

static void look_at_first(void *arg)
{
    struct km_feed *f = arg;

    f->rc = km_first_rows_open(&f->first, &f->err);
}

static void wait_for_first(void *arg)
{
    struct km_feed *f = arg;

    f->rc = km_first_rows_wait(&f->first, &f->err);
}

/* Does it in a thread of its own, which is left behind where the job is asked to stop meanwhile. */
static int look_aside(struct km_feed *f, void (*work)(void *), struct km_err *err)
{
    int rc;

    km_pulse_read(1);
    rc = km_aside(work, f, err);
    km_pulse_read(0);
    f->left = rc == KM_MORE;
    if (f->left)
        return km_fail(
            err, KM_E_SYS,
            "the job was asked to stop while the first rows of %zu file(s) were being read "
            "(the first is %s), so there is no model",
            f->files->n, f->files->path[0]);
    if (rc == KM_OK && (rc = f->rc))
        *err = f->err;
    return rc;
}

int km_feed_wait_first(struct km_feed *f, struct km_err *err)
{
    assert(f->taken == 0);
    return look_aside(f, wait_for_first, err);
}

int km_feed_open(struct km_feed **feed, const struct km_files *files,
                 const struct km_format *format, struct km_err *err)
{
    struct km_feed *f = km_alloc(1, sizeof(*f));
    int rc = KM_OK;

    *feed = NULL;
    if (!f)
        return km_fail(err, KM_E_MEM, "no memory for the feed");
    f->files = files;
    f->format = *format;
    f->format.header = &f->header;
    f->first = (struct km_first_rows){.files = files, .format = &f->format};
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    f->stop_fd = eventfd(0, EFD_CLOEXEC);
    f->blocks = (struct km_blocks){
        .files = files, .format = &f->format, .part = {0, 1}, .stop_fd = f->stop_fd};
    if (f->stop_fd < 0)
        rc = km_fail_errno(err, "no eventfd for the feed");
    else
        rc = look_aside(f, look_at_first, err);
    if (rc) {
        km_feed_close(f);
        return rc;
    }
    f->extras = f->format.extras;
    *feed = f;
    return KM_OK;
}

struct km_feed_look km_feed_look(const struct km_feed *f)
{
    return f->first.look;
}

/* ---- what is to come, and how ---- */

int km_feed_divide(struct km_feed *f, size_t part, size_t parts, struct km_err *err)
{
    assert(part < parts);
    if (f->running || f->taken > 0)
        return km_fail(err, KM_E_BUG, "a feed is divided before its first block");
    f->blocks.part = (struct km_part){part, parts};
    return KM_OK;
}

void km_feed_share(struct km_feed *f, struct km_pool *pool)
{
    assert(!f->running && f->taken == 0);
    f->blocks.pool = pool;
}

double km_feed_row_bytes(const struct km_feed *f)
{
    return f->first.row_bytes;
}

uint64_t km_feed_bytes(const struct km_feed *f)
{
    return km_part_bytes(&f->blocks.part, f->files);
}

int km_feed_may_be_sparse(const struct km_feed *f)
{
    return f->format.kind->may_be_sparse;
}

int km_feed_has_files(const struct km_feed *f)
{
    return f->files->n > 0;
}

struct km_shape km_feed_shape_for(const struct km_feed *f, const struct km_shape *want)
{
    return km_feed_may_be_sparse(f) ? *want : (struct km_shape){.d = want->d, .values = want->d};
}

void km_feed_cut(struct km_feed *f, const struct km_shape *shape, size_t mini_batch,
                 struct km_room block)
{
    assert(mini_batch > 0 && block.rows > 0 && f->taken == 0);
    assert(!shape->sparse || (km_feed_may_be_sparse(f) && block.values > 0 && !f->blocks.move.on));
    km_skip_restart(&f->format.skip, 1);
    f->blocks.shape = *shape;
    f->blocks.mini_batch = mini_batch;
    f->blocks.room = (struct km_room){km_min(block.rows, mini_batch), block.values};
}

struct km_shape km_feed_shape(const struct km_feed *f)
{
    return f->blocks.shape;
}

int km_feed_move(struct km_feed *f, const float *origin, int exponent, struct km_err *err)
{
    if (f->running || f->taken > 1)
        return km_fail(err, KM_E_BUG, "the origin comes before the second block");
    return km_move_set(&f->blocks.move, origin, exponent, f->format.feature_dim, err);
}

int km_feed_as_given(struct km_feed *f, struct km_err *err)
{
    if (f->running || f->filled > 0)
        return km_fail(err, KM_E_BUG, "rows change between two passes only");
    km_move_off(&f->blocks.move);
    return KM_OK;
}

const struct km_format *km_feed_format(const struct km_feed *feed)
{
    return &feed->format;
}

/* ---- the two threads ---- */

/* Ends and joins the reader thread, or leaves it behind. */
static void end_reader(struct km_feed *f)
{
    const uint64_t one = 1;
    double until = km_now() + CLOSE_SECONDS;

    atomic_store(&f->stop, 1);
    if (f->stop_fd >= 0 && write(f->stop_fd, &one, sizeof(one)) < 0)
        assert(errno == EAGAIN); /* then it is readable already */
    if (!f->running)
        return;
    pthread_mutex_lock(&f->lock);
    pthread_cond_broadcast(&f->changed);
    while (f->reading && km_now() < until)
        km_wait(&f->changed, &f->lock, LOOK_SECONDS);
    f->left = f->reading;
    pthread_mutex_unlock(&f->lock);
    if (f->left)
        pthread_detach(f->thread);
    else
        pthread_join(f->thread, NULL);
    f->running = 0;
}

void km_feed_close(struct km_feed *f)
{
    if (!f)
        return;
    end_reader(f);
    if (f->left) {
        km_aside_leave();
        return;
    }
    km_blocks_done(&f->blocks);
    for (int i = 0; i < BLOCKS; i++)
        km_rows_done(&f->batch[i].rows);
    if (f->stop_fd >= 0)
        close(f->stop_fd);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    km_header_done(&f->header);
    km_free(f);
}

/* Decodes one block and hands it over, or says that there is none. */
static int produce(struct km_feed *f)
{
    double start = km_now();
    struct km_err err;
    int rc = km_blocks_next(&f->blocks, &f->batch[f->filled % BLOCKS], &err);

    atomic_store_explicit(&f->stat_rows, f->blocks.rows, memory_order_relaxed);
    atomic_store_explicit(&f->stat_bytes, km_blocks_bytes(&f->blocks), memory_order_relaxed);
    atomic_fetch_add_explicit(&f->stat_nanoseconds, (uint64_t)((km_now() - start) * 1e9),
                              memory_order_relaxed);
    pthread_mutex_lock(&f->lock);
    f->extras = f->format.extras;
    f->skipped = f->format.skip.n;
    if (rc == KM_MORE) {
        f->filled++;
    } else {
        f->ended = 1;
        f->end_rc = rc;
        if (rc)
            f->end_err = err;
    }
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    return rc;
}

static void *read_ahead(void *arg)
{
    struct km_feed *f = arg;
    int rc = KM_MORE;

    km_crash_thread();
    while (rc == KM_MORE) {
        pthread_mutex_lock(&f->lock);
        while (f->filled - f->freed == BLOCKS && !atomic_load(&f->stop))
            pthread_cond_wait(&f->changed, &f->lock);
        pthread_mutex_unlock(&f->lock);
        if (atomic_load(&f->stop))
            break;
        rc = produce(f);
    }
    pthread_mutex_lock(&f->lock);
    f->reading = 0;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

static void produce_first(void *arg)
{
    produce(arg);
}

/* Signals are for the other threads. */
static int start_reader(struct km_feed *f, struct km_err *err)
{
    sigset_t before;
    int rc;

    f->reading = 1;
    km_crash_block_others(&before);
    rc = pthread_create(&f->thread, NULL, read_ahead, f);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc) {
        f->reading = 0;
        errno = rc;
        return km_fail_errno(err, "cannot start the reader thread");
    }
    f->running = 1;
    return KM_OK;
}

/* Sees to it that somebody fills blocks. */
static int start_pass(struct km_feed *f, struct km_err *err)
{
    int rc;

    if (f->running || f->ended)
        return KM_OK;
    if (f->later_pass || f->taken > 0)
        return start_reader(f, err);
    rc = km_aside(produce_first, f, err);
    f->left = rc == KM_MORE;
    return rc < 0 ? rc : KM_OK;
}

int km_feed_next(struct km_feed *f, struct km_batch **batch, struct km_err *err)
{
    int rc = KM_OK;

    assert(f->blocks.mini_batch > 0);
    if (f->cut)
        return KM_OK;
    km_pulse_read(1);
    rc = start_pass(f, err);
    km_pulse_read(0);
    if (rc)
        return rc;
    pthread_mutex_lock(&f->lock);
    if (f->freed < f->taken) {
        f->freed = f->taken;
        pthread_cond_broadcast(&f->changed);
    }
    km_pulse_read(1);
    while (f->filled == f->taken && !f->ended && !km_stop_asked())
        km_wait(&f->changed, &f->lock, LOOK_SECONDS);
    km_pulse_read(0);
    if (f->filled > f->taken) {
        *batch = &f->batch[f->taken % BLOCKS];
        f->taken++;
        rc = KM_MORE;
    } else if (f->ended) {
        rc = f->end_rc;
        if (rc)
            *err = f->end_err;
    } else {
        f->cut = 1;
    }
    pthread_mutex_unlock(&f->lock);
    return rc;
}

struct km_record_extras km_feed_extras(struct km_feed *f)
{
    struct km_record_extras extras;

    pthread_mutex_lock(&f->lock);
    extras = f->extras;
    pthread_mutex_unlock(&f->lock);
    return extras;
}

struct km_skipped km_feed_skipped(struct km_feed *f)
{
    struct km_skipped skipped;

    pthread_mutex_lock(&f->lock);
    skipped = f->skipped;
    pthread_mutex_unlock(&f->lock);
    return skipped;
}

int km_feed_stopped(const struct km_feed *f)
{
    return f->cut;
}

int km_feed_rewind(struct km_feed *f, struct km_err *err)
{
    if (!f->ended || f->end_rc)
        return km_fail(err, KM_E_BUG, "a pass starts only after the one before has ended");
    if (f->running)
        pthread_join(f->thread, NULL); /* it has ended, or is about to */
    f->running = 0;
    f->later_pass = 1;
    km_blocks_rewind(&f->blocks);
    km_skip_restart(&f->format.skip, 0);
    f->filled = 0;
    f->taken = 0;
    f->freed = 0;
    f->ended = 0;
    atomic_store(&f->stat_rows, 0);
    atomic_store(&f->stat_bytes, 0);
    return KM_OK;
}

struct km_feed_stats km_feed_stats(const struct km_feed *f)
{
    return (struct km_feed_stats){
        .rows = atomic_load_explicit(&f->stat_rows, memory_order_relaxed),
        .bytes = atomic_load_explicit(&f->stat_bytes, memory_order_relaxed),
        .decode_seconds =
            (double)atomic_load_explicit(&f->stat_nanoseconds, memory_order_relaxed) * 1e-9,
    };
}
