/* SPDX-License-Identifier: Apache-2.0 */
/* A divided feed: over its parts, each row of the undivided one comes exactly once, in order. */
#include "tests/io_help.h"

#include "base/mem.h"
#include "base/rng.h"
#include "io/feed.h"
#include "io/record.h"
#include "io/recordio.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARTS 7
#define ROWS  4000
#define BYTES 100000

/* What a feed gave: the first value of each row, and how it ended. */
struct taken {
    float row[ROWS];
    size_t n;
    int rc;
    struct km_err err;
};

static struct taken whole, part_of[PARTS];

static void take_pass(struct km_feed *feed, struct taken *t)
{
    struct km_batch *b;
    uint64_t here = 0;

    while ((t->rc = km_feed_next(feed, &b, &t->err)) == KM_MORE) {
        assert_int_equal(b->first_row, here);
        here += km_rows_n(&b->rows);
        assert_true(t->n + km_rows_n(&b->rows) <= ROWS);
        for (size_t i = 0; i < km_rows_n(&b->rows); i++)
            t->row[t->n++] = b->rows.sparse.d ? b->rows.sparse.val[b->rows.sparse.at[i]]
                                              : km_mat_row(&b->rows.dense, i)[0];
    }
    assert_int_equal(km_feed_stats(feed).rows, here);
}

static int take_part(const struct km_files *files, const struct km_format *format, size_t part,
                     size_t parts, struct taken *t)
{
    struct km_feed *feed;

    t->n = 0;
    t->rc = km_feed_open(&feed, files, format, &t->err);
    if (t->rc)
        return t->rc;
    if (parts > 0)
        assert_ok(km_feed_divide(feed, part, parts, &t->err), t->err);
    cut_dense(feed, 5, 3);
    take_pass(feed, t);
    km_feed_close(feed);
    return t->rc;
}

/* The rows of all parts, one after the other, must be those of the whole. */
static void check_parts(const struct km_files *files, const struct km_format *format)
{
    assert_ok(take_part(files, format, 0, 0, &whole), whole.err);
    for (size_t parts = 1; parts <= PARTS; parts++) {
        size_t n = 0;

        for (size_t p = 0; p < parts; p++) {
            struct taken *t = &part_of[p];

            assert_ok(take_part(files, format, p, parts, t), t->err);
            assert_true(n + t->n <= whole.n);
            assert_memory_equal(t->row, whole.row + n, t->n * sizeof(float));
            n += t->n;
        }
        assert_int_equal(n, whole.n);
    }
}

/* Bytes of a file as they are put together. */
static unsigned char bytes[BYTES];
static size_t n_bytes;

static void put(const void *p, size_t n)
{
    assert_true(n_bytes + n <= BYTES);
    memcpy(bytes + n_bytes, p, n);
    n_bytes += n;
}

static void put_text(const char *text)
{
    put(text, strlen(text));
}

static void put_header(size_t len)
{
    const uint32_t head[2] = {KM_RECORDIO_MAGIC, (uint32_t)len};

    put(head, 8);
}

static void add_file(struct km_files *files, const char *name)
{
    struct km_err err;

    assert_ok(km_files_add(files, test_file(name, bytes, n_bytes), &err), err);
    n_bytes = 0;
}

static void put_part(unsigned flag, const unsigned char *p, size_t n)
{
    put_header((size_t)flag << 29 | n);
    put(p, n);
    put("\0\0\0", (4 - n % 4) % 4);
}

/* A record in one frame, or as MXNet writes it, split wherever the magic number stands at a
 * multiple of 4. */
static void put_payload(const unsigned char *p, size_t n, int split)
{
    const uint32_t magic = KM_RECORDIO_MAGIC;
    unsigned flag = 0;
    size_t from = 0;

    for (size_t i = 0; split && i + 4 <= n; i += 4) {
        if (memcmp(p + i, &magic, 4) != 0)
            continue;
        flag = flag ? 2 : 1;
        put_part(flag, p + from, i - from);
        from = i + 4;
    }
    put_part(flag ? 3 : 0, p + from, n - from);
}

/* A record with the row [value, 2 value] and behind it a field of `more` bytes, which begin and end
 * where frames may begin. */
static void put_record(float value, const void *more, size_t n_more, int split)
{
    const float row[2] = {value, 2 * value};
    unsigned char payload[300];
    size_t len = km_record_encode(payload, row, 2, NULL);

    if (n_more > 0) {
        size_t fill = (4 - len % 4) % 4;

        assert_true(n_more < 128 && n_more % 4 == 0);
        payload[len++] = 0x1a; /* uid: `fill` zeros */
        payload[len++] = (unsigned char)fill;
        memset(payload + len, 0, fill);
        len += fill;
        payload[len++] = 0x22; /* metadata */
        payload[len++] = (unsigned char)n_more;
        memcpy(payload + len, more, n_more);
        len += n_more;
    }
    put_payload(payload, len, split);
}

/* Frames that are payload: whole ones with a wrong row in them, the last of which ends with the
 * record; or a header that reaches over the records that follow. */
static size_t make_decoy(unsigned char *more, struct km_rng *g)
{
    size_t at = n_bytes, n;

    for (size_t i = km_rng_below(g, 3); i > 0; i--)
        put_record(-1, NULL, 0, 0);
    if (km_rng_below(g, 2))
        put_header(km_rng_below(g, 400));
    n = n_bytes - at;
    memcpy(more, bytes + at, n);
    n_bytes = at;
    return n;
}

static void put_random_records(size_t n, float *next, struct km_rng *g)
{
    unsigned char more[128];

    for (; n > 0; n--, ++*next)
        put_record(*next, more, km_rng_below(g, 3) == 0 ? make_decoy(more, g) : 0,
                   km_rng_below(g, 2) == 0);
}

static void records_come_once_whatever_their_payloads(void **state)
{
    struct km_rng g;

    (void)state;
    km_rng_seed(&g, test_seed(), 5, 0);
    for (int run = 0; run < 60; run++) {
        struct km_format format = {.kind = &km_format_recordio, .label_size = -1};
        struct km_files files = {0};
        float next = 1;
        char name[16];

        for (uint64_t f = 1 + km_rng_below(&g, 4); f > 0; f--) {
            put_random_records(km_rng_below(&g, run < 20 ? 5 : 150), &next, &g);
            snprintf(name, sizeof(name), "r%d-%d", run, (int)f);
            add_file(&files, name);
        }
        check_parts(&files, &format);
        assert_int_equal(whole.n, (int)next - 1);
        km_files_done(&files);
    }
}

/* A row whose bytes are the magic number, as in MXNet's files, cut at every byte. */
static void split_rows_come_once_wherever_the_cut_is(void **state)
{
    static const uint32_t bits[] = {KM_RECORDIO_MAGIC, 0x3f800000, KM_RECORDIO_MAGIC};
    static unsigned char payload[64];
    struct km_format format = {.kind = &km_format_recordio, .label_size = -1, .feature_dim = 3};
    struct km_files files = {0};
    float row[3];
    size_t len;

    (void)state;
    memcpy(row, bits, sizeof(row));
    len = km_record_encode(payload, row, 3, NULL);
    for (int i = 0; i < 3; i++) {
        put_payload(payload, len, 1);
        put_payload(payload, len, 0);
    }
    assert_int_equal(n_bytes, 3 * (len + 8) + 3 * (len - 8 + 24));
    add_file(&files, "split");
    assert_ok(take_part(&files, &format, 0, 0, &whole), whole.err);
    assert_int_equal(whole.n, 6);
    for (size_t run = 2; run <= 20; run++) {
        size_t n = 0, parts = run < 20 ? run : files.total; /* the last: each byte a part */

        for (size_t p = 0; p < parts; p++) {
            assert_ok(take_part(&files, &format, p, parts, &part_of[0]), part_of[0].err);
            for (size_t i = 0; i < part_of[0].n; i++)
                assert_true(part_of[0].row[i] == row[0]);
            n += part_of[0].n;
        }
        assert_int_equal(n, 6);
    }
    km_files_done(&files);
}

static void put_random_lines(size_t n, float *next, struct km_rng *g)
{
    static const char *const ends[] = {"\n", "\r\n", "\r", "\n\n", "\r\n  \r\n", "\n\r", "\r\r\n"};
    char text[100];

    if (km_rng_below(g, 3) == 0)
        put("\xef\xbb\xbf", 3);
    for (; n > 0; n--, ++*next) {
        int quoted = km_rng_below(g, 4) == 0;

        snprintf(text, sizeof(text), quoted ? "\"%d\",%*d" : "%d,%*d", (int)*next,
                 (int)km_rng_below(g, 30), 7);

        put_text(text);
        if (n > 1 || km_rng_below(g, 2))
            put_text(ends[km_rng_below(g, sizeof(ends) / sizeof(*ends))]);
    }
}

static void lines_come_once_whatever_their_ends(void **state)
{
    struct km_rng g;

    (void)state;
    km_rng_seed(&g, test_seed(), 5, 1);
    for (int run = 0; run < 60; run++) {
        struct km_format format = {.kind = &km_format_csv, .label_size = 0};
        struct km_files files = {0};
        float next = 1;
        char name[16];

        for (uint64_t f = 1 + km_rng_below(&g, 4); f > 0; f--) {
            put_random_lines(km_rng_below(&g, run < 30 ? 4 : 150), &next, &g);
            snprintf(name, sizeof(name), "c%d-%d", run, (int)f);
            add_file(&files, name);
        }
        check_parts(&files, &format);
        assert_int_equal(whole.n, (int)next - 1);
        km_files_done(&files);
    }
}

/* Divides files with one damaged place among 1..PARTS: the good rows before it still come once, and
 * the first part that fails says what the undivided feed says. (Later parts may fail, too: a wrong
 * length spoils the records behind it.) */
static void check_damaged(const struct km_files *files, const struct km_format *format)
{
    assert_int_equal(take_part(files, format, 0, 0, &whole), KM_E_INPUT);
    for (size_t parts = 1; parts <= PARTS; parts++) {
        size_t n = 0, failed = 0;

        for (size_t p = 0; p < parts; p++) {
            struct taken *t = &part_of[p];
            size_t before = whole.n - n;

            if (take_part(files, format, p, parts, t)) {
                if (failed++ == 0)
                    assert_string_equal(t->err.msg, whole.err.msg);
            }
            if (before > t->n)
                before = t->n;
            assert_memory_equal(t->row, whole.row + n, before * sizeof(float));
            n += before;
        }
        assert_int_equal(n, whole.n);
        assert_true(failed >= 1);
    }
}

static void a_damaged_record_is_told_with_its_number_wherever_it_is(void **state)
{
    static unsigned char kept[BYTES];
    const struct km_format format = {
        .kind = &km_format_recordio, .label_size = -1, .feature_dim = 2};
    struct km_rng g;
    float next = 1;
    size_t n;

    (void)state;
    km_rng_seed(&g, test_seed(), 5, 2);
    put_random_records(60, &next, &g);
    n = n_bytes;
    memcpy(kept, bytes, n);
    for (int run = 0; run < 300; run++) {
        struct km_files files = {0};

        n_bytes = 0;
        put(kept, n);
        if (run % 3 == 0)
            n_bytes = 1 + (size_t)km_rng_below(&g, n - 1);
        else
            bytes[km_rng_below(&g, n)] ^= (unsigned char)(1 + km_rng_below(&g, 255));
        add_file(&files, "damaged");
        if (take_part(&files, &format, 0, 0, &whole) != KM_OK)
            check_damaged(&files, &format);
        else
            check_parts(&files, &format); /* a cut between records, a harmless byte */
        km_files_done(&files);
    }
}

static void a_bad_line_is_told_with_its_number_wherever_it_is(void **state)
{
    static const char *const bad[] = {"x,1\n", "1,2,3\n", "\"1,2\n", ",\n", "a,b\n", "1;2\n"};
    const struct km_format format = {.kind = &km_format_csv, .label_size = 0, .feature_dim = 2};
    struct km_rng g;

    (void)state;
    km_rng_seed(&g, test_seed(), 5, 3);
    for (int run = 0; run < 200; run++) {
        struct km_files files = {0};
        float next = 1;

        put_random_lines(1 + km_rng_below(&g, 60), &next, &g);
        put_text("\n");
        put_text(bad[run % 6]);
        for (uint64_t i = km_rng_below(&g, 40); i > 0; i--)
            put_text("5,5\n");
        add_file(&files, "bad");
        check_damaged(&files, &format);
        assert_int_equal(whole.n, (int)next - 1);
        km_files_done(&files);
    }
}

static void parts_are_of_the_same_size_and_their_bytes_add_up(void **state)
{
    struct km_format format = {.kind = &km_format_csv, .label_size = 0};
    struct km_files files = {0};
    uint64_t sum = 0;
    struct km_err err;

    (void)state;
    for (int f = 0; f < 3; f++) {
        for (int i = 0; i < 100 * (f + 1); i++)
            put_text("1234,5678\n");
        add_file(&files, (const char[]){(char)('a' + f), 0});
    }
    for (size_t p = 0; p < PARTS; p++) {
        struct km_feed *feed;

        assert_ok(km_feed_open(&feed, &files, &format, &err), err);
        assert_int_equal(km_feed_bytes(feed), 6000);
        assert_ok(km_feed_divide(feed, p, PARTS, &err), err);
        cut_dense(feed, 50, 50);
        assert_true(km_feed_bytes(feed) == 857 || km_feed_bytes(feed) == 858);
        part_of[p].n = 0;
        take_pass(feed, &part_of[p]);
        assert_ok(part_of[p].rc, part_of[p].err);
        assert_true(part_of[p].n == 85 || part_of[p].n == 86);
        assert_int_equal(km_feed_stats(feed).bytes, km_feed_bytes(feed));
        sum += km_feed_bytes(feed);
        km_feed_close(feed);
    }
    assert_int_equal(sum, files.total);
    km_files_done(&files);
}

static void a_part_has_mini_batches_passes_and_an_origin_of_its_own(void **state)
{
    const struct km_format format = {.kind = &km_format_csv, .label_size = 0};
    const float origin[2] = {1000, 0};
    struct km_files files = {0};
    struct km_feed *feed;
    struct km_batch *b;
    struct km_err err;
    char text[32];

    (void)state;
    for (int i = 100; i < 160; i++) {
        snprintf(text, sizeof(text), "%d,0\n", i);
        put_text(text);
    }
    add_file(&files, "rows");
    assert_ok(km_feed_open(&feed, &files, &format, &err), err);
    assert_ok(km_feed_divide(feed, 1, 3, &err), err);
    cut_dense(feed, 8, 5);
    assert_ok(km_feed_move(feed, origin, 0, &err), err);
    for (int pass = 0; pass < 3; pass++) {
        static const size_t want[] = {5, 3, 5, 3, 4};
        size_t row = 0;

        for (size_t i = 0; i < 5; i++, row += b->rows.dense.n) {
            assert_int_equal(km_feed_next(feed, &b, &err), KM_MORE);
            assert_int_equal(b->rows.dense.n, want[i]);
            assert_int_equal(b->first_row, row);
            assert_int_equal(b->ends_mini_batch, i == 1 || i == 3 || i == 4);
            assert_true(km_mat_row(&b->rows.dense, 0)[0] == 120 + (float)row - 1000);
        }
        assert_int_equal(km_feed_next(feed, &b, &err), KM_OK);
        assert_int_equal(km_feed_divide(feed, 0, 3, &err), KM_E_BUG);
        assert_ok(km_feed_rewind(feed, &err), err);
    }
    km_feed_close(feed);
    km_files_done(&files);
}

static void all_parts_look_at_the_same_rows_and_may_keep_them_sparse(void **state)
{
    const struct km_format format = {.kind = &km_format_recordio, .label_size = -1};
    const struct km_shape sparse = {.d = 2, .sparse = 1};
    struct km_files files = {0};
    struct km_err err;
    size_t n = 0;

    (void)state;
    for (int i = 1; i <= 50; i++)
        put_record((float)i, NULL, 0, 0);
    add_file(&files, "sparse");
    for (size_t p = 0; p < 3; p++) {
        struct km_feed_look look;
        struct km_feed *feed;

        assert_ok(km_feed_open(&feed, &files, &format, &err), err);
        assert_ok(km_feed_divide(feed, p, 3, &err), err);
        look = km_feed_look(feed);
        assert_int_equal(look.rows, 50);
        assert_int_equal(look.values, 100);
        km_feed_cut(feed, &sparse, 100, (struct km_room){100, 8});
        part_of[p].n = 0;
        take_pass(feed, &part_of[p]);
        assert_ok(part_of[p].rc, part_of[p].err);
        for (size_t i = 0; i < part_of[p].n; i++)
            assert_true(part_of[p].row[i] == (float)++n);
        km_feed_close(feed);
    }
    assert_int_equal(n, 50);
    km_files_done(&files);
}

/* Writes what is in bytes into a FIFO. */
static void *write_fifo(void *arg)
{
    int fd = open(arg, O_WRONLY);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n_bytes), (ssize_t)n_bytes);
    close(fd);
    return NULL;
}

static void take_fifo_part(const struct km_format *format, size_t part, size_t parts,
                           struct taken *t)
{
    struct km_files files = {0};
    const char *path = test_path("fifo");
    pthread_t thread;

    assert_int_equal(mkfifo(path, 0600), 0);
    assert_ok(km_files_add(&files, path, &t->err), t->err);
    assert_int_equal(pthread_create(&thread, NULL, write_fifo, (void *)path), 0);
    take_part(&files, format, part, parts, t);
    pthread_join(thread, NULL);
    assert_int_equal(unlink(path), 0);
    km_files_done(&files);
}

static void rows_of_a_fifo_go_to_the_parts_in_turn(void **state)
{
    (void)state;
    for (int csv = 0; csv < 2; csv++) {
        const struct km_format format = {.kind = csv ? &km_format_csv : &km_format_recordio,
                                         .label_size = -1};
        char text[32];

        n_bytes = 0;
        for (int i = 0; i < 23; i++) {
            snprintf(text, sizeof(text), "%d,%d\n\n", i, 2 * i);
            if (csv)
                put_text(text);
            else
                put_record((float)i, NULL, 0, 0);
        }
        for (size_t parts = 1; parts <= 4; parts++) {
            for (size_t p = 0; p < parts; p++) {
                struct taken *t = &part_of[p];

                take_fifo_part(&format, p, parts, t);
                assert_ok(t->rc, t->err);
                assert_int_equal(t->n, (22 - p) / parts + 1);
                for (size_t i = 0; i < t->n; i++)
                    assert_true(t->row[i] == (float)(p + i * parts));
            }
        }
    }
    n_bytes = 0;
}

static void the_first_row_of_a_fifo_decides_the_width_for_all_parts(void **state)
{
    const struct km_format format = {.kind = &km_format_csv, .label_size = 0};

    (void)state;
    put_text("3,2,1\n4,5\n7,8,9\nx\n");
    take_fifo_part(&format, 0, 2, &part_of[0]);
    assert_ok(part_of[0].rc, part_of[0].err);
    assert_int_equal(part_of[0].n, 2);
    take_fifo_part(&format, 1, 2, &part_of[1]);
    assert_int_equal(part_of[1].rc, KM_E_INPUT);
    assert_contains(part_of[1].err.msg, "line 2 at byte 6: 2 columns, but line 1 has 3 columns");
    n_bytes = 0;
}

static void each_failed_allocation_is_told_and_leaks_nothing(void **state)
{
    const struct km_format format = {
        .kind = &km_format_recordio, .label_size = -1, .feature_dim = 2};
    struct km_files files = {0};
    int rc = KM_E_MEM;
    size_t at;

    (void)state;
    for (int i = 1; i <= 50; i++)
        put_record((float)i, NULL, 0, 0);
    bytes[n_bytes - 10] ^= 1; /* so that records are counted, too */
    add_file(&files, "memory");
    for (at = 1; rc == KM_E_MEM; at++) {
        km_alloc_fail_at(at);
        rc = take_part(&files, &format, 1, 2, &part_of[0]);
        km_alloc_fail_at(0);
    }
    assert_int_equal(rc, KM_E_INPUT);
    assert_contains(part_of[0].err.msg, "record 50 at byte");
    assert_true(at > 8);
    km_files_done(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_once_whatever_their_payloads),
        cmocka_unit_test(split_rows_come_once_wherever_the_cut_is),
        cmocka_unit_test(lines_come_once_whatever_their_ends),
        cmocka_unit_test(a_damaged_record_is_told_with_its_number_wherever_it_is),
        cmocka_unit_test(a_bad_line_is_told_with_its_number_wherever_it_is),
        cmocka_unit_test(parts_are_of_the_same_size_and_their_bytes_add_up),
        cmocka_unit_test(a_part_has_mini_batches_passes_and_an_origin_of_its_own),
        cmocka_unit_test(all_parts_look_at_the_same_rows_and_may_keep_them_sparse),
        cmocka_unit_test(rows_of_a_fifo_go_to_the_parts_in_turn),
        cmocka_unit_test(the_first_row_of_a_fifo_decides_the_width_for_all_parts),
        cmocka_unit_test(each_failed_allocation_is_told_and_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
