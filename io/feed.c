/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three blocks go round between the reader thread and the caller: one with the caller, one ready,
 * one being filled. The first block of the first pass is decoded while the caller waits: between it
 * and the second the caller may set the origin, and nothing has been decoded ahead without it. From
 * then on the reader thread alone touches the `reading` half of the feed; one thread lives for one
 * pass.
 *
 * Closing sets `stop` and makes stop_fd readable: a reader that waits for a block or for the bytes
 * of a FIFO ends at once, one that decodes ends with its block. A read of a regular file cannot be
 * ended (its server may be gone): the caller never waits for one without end once the job is asked
 * to stop, and leaves the thread, and all that it uses, behind.
 *
 *   open         the format from the first bytes; the first rows of the first files are decoded
 *   divide       which bytes of the files, one behind the other, are this host's part
 *   look         the first rows, for whoever decides whether they are sparse
 *   next         the caller gives its block back and waits for the ready one
 *   read_ahead   the reader thread: produce a block after the other until the pass ends
 *   produce      decode a block: find_row opens file after file, fill reads rows, move takes the
 *                origin off and multiplies by 2^exponent
 */
#include "io/feed.h"

#include "base/aside.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include "base/pulse.h"
#include "base/scale.h"
#include "base/size.h"
#include "base/stop.h"
#include "base/wait.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCKS 3

/* Between two looks at whether somebody asked to stop; and as long a closing feed waits for its
 * reader thread, which decodes a block in less. */
#define LOOK_SECONDS  0.02
#define CLOSE_SECONDS 1.0

/* So many files are looked into before the first row is used; the others when their turn comes. */
#define CHECKED_FILES 1000

struct km_feed {
    const struct km_files *files;
    struct km_format format;
    struct km_header header; /* what format.header points to */
    double row_bytes;        /* about; 0: not known */
    const char *kept; /* the file that can be read only once whose first row decided; or NULL */
    struct km_shape shape; /* of the rows, as km_feed_cut_as says */
    size_t mini_batch;
    size_t block;
    size_t values; /* of a block, where rows are sparse */
    int moved;     /* rows are (row - origin) * 2^exponent */
    float *origin; /* (feature_dim) or NULL */
    int exponent;  /* the reader's: it falls where a row needs it */
    float room;    /* the largest value that fits */
    size_t part;   /* which of `parts` the feed gives */
    size_t parts;

    /* reading: the reader thread's, or the caller's while there is none */
    struct km_shard *shard;
    size_t file;        /* of files: the shard's, or the next one to open */
    uint64_t file_at;   /* bytes of the files before it */
    size_t in_mini;     /* rows of the current mini-batch so far */
    uint64_t rows;      /* of this pass */
    uint64_t old_bytes; /* of this pass, without the current shard */
    int late_rc; /* a failure met behind the rows of the last block, told with the next one */
    struct km_err late_err;

    /* between the two */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct km_mat block_of[BLOCKS];
    struct km_csr sparse_of[BLOCKS]; /* in place of block_of where rows are sparse */
    struct km_batch batch[BLOCKS];
    /* as format.extras was when the last block was filled */
    struct km_record_extras extras;
    size_t filled; /* blocks filled in this pass */
    size_t taken;  /* blocks given to the caller in this pass */
    size_t freed;  /* blocks given back */
    int reading;   /* the reader thread has not come to its end */
    int ended;     /* nothing comes behind `filled`: the pass ended with end_rc */
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

static int is_regular(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The first row decides on nothing any more. */
static int is_complete(const struct km_format *f)
{
    return f->feature_dim > 0 && (f->kind != KM_CSV || f->label_size >= 0);
}

/* How long rows are, from the first ones of a file that has just been opened. */
#define MEASURED_ROWS 16
static void measure_rows(struct km_feed *f, struct km_shard *s)
{
    struct km_mat one;
    struct km_err err;
    size_t n = 0, got = 1;

    if (f->row_bytes > 0 || f->format.feature_dim == 0 ||
        km_mat_init(&one, 1, f->format.feature_dim, &err))
        return;
    while (n < MEASURED_ROWS && km_shard_read(s, &one, 0, &got, &err) == KM_OK && got > 0)
        n++; /* a bad row is told in its turn */
    f->row_bytes = n ? (double)km_shard_bytes(s) / (double)n : 0;
    km_mat_done(&one);
}

/* Decodes the first row of each file, at least until one has decided on the format, so that all
 * parts have the same; a FIFO cannot be opened twice and waits for its turn. */
static void check_files(void *arg)
{
    struct km_feed *f = arg;
    struct km_shard *s;

    for (size_t i = 0; i < f->files->n && (i < CHECKED_FILES || !is_complete(&f->format)); i++) {
        if (!is_regular(f->files->path[i]))
            continue;
        f->late_rc = km_shard_open(&s, f->files->path[i], &f->format, &f->late_err);
        if (f->late_rc)
            return;
        measure_rows(f, s);
        km_shard_close(s);
    }
}

/* The same where only what can be read once is left: its first rows are kept for the pass. Whose
 * turn is not the first may have a writer that waits until the one before is read. */
static void wait_for_first_row(void *arg)
{
    struct km_feed *f = arg;
    struct km_shard *s;

    for (size_t i = 0; i < f->files->n && f->late_rc == KM_OK && !f->format.feature_dim; i++) {
        const char *path = f->files->path[i];

        if (is_regular(path))
            continue;
        f->late_rc = km_stream_keep(path, &f->late_err);
        if (f->late_rc == KM_OK)
            f->late_rc = km_shard_open(&s, path, &f->format, &f->late_err);
        if (f->late_rc)
            return;
        km_shard_close(s);
        f->kept = path;
    }
}

static int read_aside(void (*work)(void *), void *arg, struct km_err *err)
{
    int rc;

    km_pulse_read(1);
    rc = km_aside(work, arg, err);
    km_pulse_read(0);
    return rc;
}

static int fail_with_stop(const struct km_files *files, struct km_err *err)
{
    return km_fail(err, KM_E_SYS,
                   "the job was asked to stop while the first rows of %zu file(s) were being read "
                   "(the first is %s), so there is no model",
                   files->n, files->path[0]);
}

int km_feed_wait_first(struct km_feed *f, struct km_err *err)
{
    int rc;

    assert(f->taken == 0);
    rc = read_aside(wait_for_first_row, f, err);
    f->left = rc == KM_MORE;
    if (rc == KM_MORE)
        return fail_with_stop(f->files, err);
    if (rc == KM_OK && (rc = f->late_rc))
        *err = f->late_err;
    return rc;
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
    f->parts = 1;
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    f->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (f->stop_fd < 0)
        rc = km_fail_errno(err, "no eventfd for the feed");
    else
        rc = read_aside(check_files, f, err);
    if (rc == KM_MORE)
        return fail_with_stop(files, err); /* and f is left to the thread */
    if (rc == KM_OK && (rc = f->late_rc))
        *err = f->late_err;
    if (rc) {
        km_feed_close(f);
        return rc;
    }
    f->extras = f->format.extras;
    *feed = f;
    return KM_OK;
}

/* Byte of the files, one behind the other, with which a part begins. */
static uint64_t part_at(const struct km_feed *f, size_t part)
{
    uint64_t total = f->files->total, parts = f->parts;

    return total / parts * part + total % parts * part / parts; /* = total * part / parts */
}

int km_feed_divide(struct km_feed *f, size_t part, size_t parts, struct km_err *err)
{
    assert(part < parts);
    if (f->running || f->taken > 0)
        return km_fail(err, KM_E_BUG, "a feed is divided before its first block");
    f->part = part;
    f->parts = parts;
    return KM_OK;
}

double km_feed_row_bytes(const struct km_feed *f)
{
    return f->row_bytes;
}

uint64_t km_feed_bytes(const struct km_feed *f)
{
    return part_at(f, f->part + 1) - part_at(f, f->part);
}

/* What of the current file is in the feed's part: 0 if nothing is. */
static int range_of_file(const struct km_feed *f, struct km_range *range)
{
    uint64_t from = part_at(f, f->part), to = part_at(f, f->part + 1);
    uint64_t bytes = f->files->bytes[f->file];

    *range = (struct km_range){0};
    if (f->parts == 1)
        return 1;
    if (bytes == 0) {
        range->turn = f->part;
        range->turns = f->parts;
        return 1;
    }
    if (to <= f->file_at || from >= f->file_at + bytes || from == to)
        return 0;
    if (from > f->file_at)
        range->from = from - f->file_at;
    if (to < f->file_at + bytes)
        range->to = to - f->file_at;
    return 1;
}

#define LOOK_ROWS   1000
#define LOOK_VALUES ((size_t)1 << 20)

/* A look at the first rows, which outlives its caller if it is left behind. */
struct glance {
    const struct km_files *files;
    const char *kept;
    struct km_format format;
    struct km_feed_look look;
    int rc;
    struct km_err err;
};

/* Looks at the rows of one file. */
static int look_into(struct glance *g, const char *path)
{
    struct km_format *format = &g->format;
    struct km_shard *s = NULL;
    struct km_csr x = {0};
    int rc = km_shard_open(&s, path, format, &g->err);

    if (rc == KM_OK)
        rc = km_csr_init(&x, LOOK_ROWS, LOOK_VALUES + format->feature_dim, format->feature_dim,
                         &g->err);
    if (rc == KM_OK)
        rc = km_shard_read_sparse(s, &x, LOOK_ROWS, LOOK_VALUES, &g->look.rows, &g->err);
    if (rc == KM_E_INPUT && g->look.rows > 0)
        rc = KM_OK; /* a bad row behind good ones is told in its turn */
    if (rc == KM_OK) {
        g->look.values = x.nnz;
        g->look.sparse = (size_t)km_shard_sparse_records(s);
    }
    km_csr_done(&x);
    km_shard_close(s);
    return rc;
}

static void glance(void *arg)
{
    struct glance *g = arg;

    for (size_t i = 0; g->rc == KM_OK && i < g->files->n && i < CHECKED_FILES && g->look.rows == 0;
         i++)
        if (is_regular(g->files->path[i]))
            g->rc = look_into(g, g->files->path[i]);
    if (g->rc == KM_OK && g->look.rows == 0 && g->kept)
        g->rc = look_into(g, g->kept);
}

int km_feed_look(const struct km_feed *f, struct km_feed_look *look, struct km_err *err)
{
    struct glance *g;
    int rc;

    *look = (struct km_feed_look){0};
    if (f->format.kind != KM_RECORDIO || f->format.feature_dim == 0)
        return KM_OK;
    g = km_alloc(1, sizeof(*g));
    if (!g)
        return km_fail(err, KM_E_MEM, "no memory to look at the first rows");
    g->files = f->files;
    g->kept = f->kept;
    g->format = f->format;
    g->format.kind = KM_SPARSE;
    rc = read_aside(glance, g, err);
    if (rc == KM_MORE)
        return fail_with_stop(f->files, err);
    if (rc == KM_OK && (rc = g->rc))
        *err = g->err;
    else if (rc == KM_OK)
        *look = g->look;
    km_free(g);
    return rc;
}

void km_feed_keep_sparse(struct km_feed *f, size_t values)
{
    assert(f->format.kind == KM_RECORDIO && values > 0 && !f->moved && f->taken == 0);
    f->format.kind = KM_SPARSE;
    f->values = values;
}

void km_feed_cut(struct km_feed *f, size_t mini_batch, size_t block)
{
    assert(mini_batch > 0 && block > 0 && f->taken == 0);
    f->mini_batch = mini_batch;
    f->block = km_min(block, mini_batch);
}

int km_feed_may_be_sparse(const struct km_feed *f)
{
    return f->format.kind == KM_RECORDIO || f->format.kind == KM_SPARSE;
}

int km_feed_has_files(const struct km_feed *f)
{
    return f->files->n > 0;
}

struct km_shape km_feed_shape_for(const struct km_feed *f, const struct km_shape *want)
{
    return km_feed_may_be_sparse(f) ? *want : (struct km_shape){.d = want->d, .values = want->d};
}

void km_feed_cut_as(struct km_feed *f, const struct km_shape *shape, size_t mini_batch,
                    struct km_room block)
{
    if (shape->sparse)
        km_feed_keep_sparse(f, block.values);
    f->shape = *shape;
    km_feed_cut(f, mini_batch, block.rows);
}

struct km_shape km_feed_shape(const struct km_feed *f)
{
    return f->shape;
}

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
    km_shard_close(f->shard);
    for (int i = 0; i < BLOCKS; i++)
        km_mat_done(&f->block_of[i]);
    for (int i = 0; i < BLOCKS; i++)
        km_csr_done(&f->sparse_of[i]);
    if (f->stop_fd >= 0)
        close(f->stop_fd);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    km_header_done(&f->header);
    km_free(f->origin);
    km_free(f);
}

const struct km_format *km_feed_format(const struct km_feed *feed)
{
    return &feed->format;
}

/* KM_MORE when the current shard (then there is one) has another row, opening the next files until
 * one has; KM_OK at the end of the pass. */
static int find_row(struct km_feed *f, struct km_err *err)
{
    struct km_range range;
    int rc;

    for (; f->file < f->files->n; f->file_at += f->files->bytes[f->file++]) {
        if (!f->shard) {
            if (!range_of_file(f, &range))
                continue;
            km_stream_unkeep(f->files->path[f->file]);
            rc = km_shard_open_range(&f->shard, f->files->path[f->file], &f->format, &range,
                                     f->stop_fd, err);
            if (rc)
                return rc;
        }
        rc = km_shard_more(f->shard, err);
        if (rc != KM_OK)
            return rc;
        f->old_bytes += km_shard_bytes(f->shard);
        km_shard_close(f->shard);
        f->shard = NULL;
    }
    return KM_OK;
}

static int make_blocks(struct km_feed *f, struct km_err *err)
{
    int rc = KM_OK;

    for (int i = 0; i < BLOCKS && rc == KM_OK; i++) {
        if (f->format.kind == KM_SPARSE && !f->sparse_of[i].at)
            rc = km_csr_init(&f->sparse_of[i], f->block, f->values + f->format.feature_dim,
                             f->format.feature_dim, err);
        if (f->format.kind != KM_SPARSE && !f->block_of[i].v)
            rc = km_mat_init(&f->block_of[i], f->block, f->format.feature_dim, err);
    }
    return rc;
}

/* Rows of the current shard behind the *got that the block has; *full when no more can come. */
static int read_rows(struct km_feed *f, struct km_batch *b, size_t want, size_t *got, int *full,
                     struct km_err *err)
{
    size_t slot = f->filled % BLOCKS, rows;
    struct km_csr *s = &f->sparse_of[slot];
    int rc;

    if (f->format.kind == KM_SPARSE) {
        if (*got == 0)
            km_csr_clear(s);
        rc = km_shard_read_sparse(f->shard, s, want, f->values, &rows, err);
        b->rows.sparse = *s;
        *full = s->nnz >= f->values;
    } else {
        b->rows.dense = km_mat_view(&f->block_of[slot], 0, want);
        rc = km_shard_read(f->shard, &b->rows.dense, *got, &rows, err);
    }
    *got += rows;
    *full |= *got == want;
    return rc;
}

/* Fills the block up to `want` rows. KM_MORE when it is full, KM_OK when the pass has ended. *got
 * rows are good, also in case of failure. */
static int fill(struct km_feed *f, struct km_batch *b, size_t want, size_t *got, struct km_err *err)
{
    int rc = KM_MORE, full = 0;

    *got = 0;
    while (!full) {

        rc = find_row(f, err);
        if (rc == KM_MORE && make_blocks(f, err))
            rc = err->code;
        if (rc != KM_MORE)
            return rc;
        if (*got == 0)
            b->path = f->files->path[f->file];
        rc = read_rows(f, b, want, got, &full, err);
        if (rc)
            return rc;
        rc = KM_MORE;
    }
    return rc;
}

/* A power of two less than a row needs, so that others like it do not fall again. */
#define MARGIN 8

/* Makes the exponent one for these values. Returns by how much it changes. */
static int make_room(struct km_feed *f, const float *v, size_t n)
{
    int before = f->exponent;

    f->exponent = km_scale_fit(km_scale_most(v, n), f->format.feature_dim) - MARGIN;
    return f->exponent - before;
}

/* Moves a row; where it does not fit, the exponent falls. Returns by how much it changes. */
static int move_row(struct km_feed *f, float *row, size_t d)
{
    int fall = 0;

    if (f->exponent == 0 && f->origin) { /* nearly always, and one look at the values is enough */
        if (!km_scale_subtract(row, f->origin, d, f->room)) {
            fall = make_room(f, row, d);
            km_scale(row, d, fall);
        }
        return fall;
    }
    if (!km_scale_fits(row, d, f->room))
        fall = make_room(f, row, d);
    km_scale_move(row, f->origin, d, f->exponent);
    return fall;
}

static void move_dense(struct km_feed *f, const struct km_mat *x)
{
    for (size_t i = 0; i < x->n; i++) {
        int fall = move_row(f, km_mat_row(x, i), x->d);

        for (size_t before = 0; fall && before < i; before++)
            km_scale(km_mat_row(x, before), x->d, fall);
        if (fall)
            f->room = km_scale_room(f->exponent, x->d);
    }
}

static void move_sparse(struct km_feed *f, const struct km_csr *s)
{
    if (!km_scale_fits(s->val, s->nnz, f->room)) {
        make_room(f, s->val, s->nnz);
        f->room = km_scale_room(f->exponent, s->d);
    }
    km_scale_move(s->val, NULL, s->nnz, f->exponent);
}

static void move(struct km_feed *f, struct km_batch *b)
{
    if (f->moved && f->format.kind == KM_SPARSE)
        move_sparse(f, &b->rows.sparse);
    else if (f->moved)
        move_dense(f, &b->rows.dense);
    b->exponent = f->exponent;
}

/* Decodes the next block into its place. KM_MORE, KM_OK at the end of the pass, or a failure. */
static int decode(struct km_feed *f, struct km_err *err)
{
    struct km_batch *b = &f->batch[f->filled % BLOCKS];
    size_t left = f->mini_batch - f->in_mini;
    size_t got;
    int rc;

    if (f->late_rc) {
        *err = f->late_err;
        return f->late_rc;
    }
    rc = fill(f, b, km_min(left, f->block), &got, err);
    if (got == 0)
        return rc;
    b->rows.dense.n = f->format.kind == KM_SPARSE ? 0 : got;
    b->first_row = f->rows;
    f->rows += got;
    f->in_mini += got;
    if (f->in_mini == f->mini_batch)
        f->in_mini = 0;
    else if (rc == KM_MORE)
        rc = find_row(f, err); /* is this the last block of the pass? */
    b->ends_mini_batch = f->in_mini == 0 || rc == KM_OK;
    if (rc < 0) {
        f->late_rc = rc;
        f->late_err = *err;
    }
    move(f, b);
    return KM_MORE;
}

/* Decodes one block and hands it over, or says that there is none. */
static int produce(struct km_feed *f)
{
    double start = km_now();
    struct km_err err;
    int rc = decode(f, &err);
    uint64_t bytes = f->old_bytes + (f->shard ? km_shard_bytes(f->shard) : 0);

    atomic_store_explicit(&f->stat_rows, f->rows, memory_order_relaxed);
    atomic_store_explicit(&f->stat_bytes, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&f->stat_nanoseconds, (uint64_t)((km_now() - start) * 1e9),
                              memory_order_relaxed);
    pthread_mutex_lock(&f->lock);
    f->extras = f->format.extras;
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

    assert(f->mini_batch > 0);
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

int km_feed_stopped(const struct km_feed *f)
{
    return f->cut;
}

int km_feed_move(struct km_feed *f, const float *origin, int exponent, struct km_err *err)
{
    size_t d = f->format.feature_dim;

    if (f->running || f->taken > 1)
        return km_fail(err, KM_E_BUG, "the origin comes before the second block");
    f->moved = 1;
    f->exponent = exponent;
    f->room = km_scale_room(exponent, d);
    if (!origin)
        return KM_OK;
    if (!f->origin)
        f->origin = km_alloc(d, sizeof(*origin));
    if (!f->origin)
        return km_fail(err, KM_E_MEM, "no memory for an origin of %zu values", d);
    memcpy(f->origin, origin, d * sizeof(*origin));
    return KM_OK;
}

int km_feed_as_given(struct km_feed *f, struct km_err *err)
{
    if (f->running || f->filled > 0)
        return km_fail(err, KM_E_BUG, "rows change between two passes only");
    f->moved = 0;
    f->exponent = 0;
    return KM_OK;
}

int km_feed_rewind(struct km_feed *f, struct km_err *err)
{
    if (!f->ended || f->end_rc)
        return km_fail(err, KM_E_BUG, "a pass starts only after the one before has ended");
    if (f->running)
        pthread_join(f->thread, NULL); /* it has ended, or is about to */
    f->running = 0;
    f->later_pass = 1;
    f->file = 0;
    f->file_at = 0;
    f->in_mini = 0;
    f->rows = 0;
    f->old_bytes = 0;
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
