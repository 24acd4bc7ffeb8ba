/* SPDX-License-Identifier: Apache-2.0 */
/* Rows decoded by several threads are those of one thread: values, blocks, failures, notes. */
#include "tests/io_help.h"

#include "base/rng.h"
#include "io/blocks.h"

#include <unistd.h>

#define ROWS    30000
#define COLUMNS 19

/* What a pass gave, as text and sums. */
struct pass {
    size_t rows, blocks;
    uint64_t hash; /* of all values, and of where blocks end */
    int exponent;
    int rc;
    struct km_err err;
    struct km_record_extras extras;
};

static void add_hash(uint64_t *hash, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < n; i++)
        *hash = (*hash ^ p[i]) * 0x100000001b3u;
}

static void add_block(struct pass *p, const struct km_batch *b)
{
    for (size_t i = 0; i < b->rows.dense.n; i++)
        add_hash(&p->hash, km_mat_row(&b->rows.dense, i), COLUMNS * sizeof(float));
    add_hash(&p->hash, &b->first_row, sizeof(b->first_row));
    add_hash(&p->hash, &b->ends_mini_batch, sizeof(b->ends_mini_batch));
    p->rows += b->rows.dense.n;
    p->exponent = b->exponent;
    p->blocks++;
}

/* Reads files on so many threads; the origin comes off from the second block on, as in a job. */
static struct pass read_all(const struct km_files *files, const struct km_format_kind *kind,
                            int threads)
{
    struct km_format format = {.kind = kind, .label_size = 0};
    struct km_blocks b = {.files = files,
                          .format = &format,
                          .part = {0, 1},
                          .mini_batch = 9000,
                          .room = {.rows = 3500},
                          .stop_fd = -1};
    struct pass p = {.hash = 0xcbf29ce484222325u};
    struct km_batch batch = {0};
    float origin[COLUMNS];

    for (int t = 0; t < COLUMNS; t++)
        origin[t] = (float)t / 3;
    assert_ok(km_pool_open(&b.pool, threads, &p.err), p.err);
    while ((p.rc = km_blocks_next(&b, &batch, &p.err)) == KM_MORE) {
        add_block(&p, &batch);
        if (p.blocks == 1)
            assert_ok(km_move_set(&b.move, origin, 0, COLUMNS, &p.err), p.err);
    }
    p.extras = format.extras;
    km_blocks_done(&b);
    km_rows_done(&batch.rows);
    km_pool_close(b.pool);
    return p;
}

static void check_same(const struct pass *a, const struct pass *b, int threads)
{
    if (a->rows != b->rows || a->hash != b->hash || a->blocks != b->blocks || a->rc != b->rc)
        fail_msg("%d threads: %zu rows in %zu blocks, code %d; one thread: %zu in %zu, code %d",
                 threads, b->rows, b->blocks, b->rc, a->rows, a->blocks, a->rc);
    assert_int_equal(a->exponent, b->exponent);
    if (a->rc < 0)
        assert_string_equal(a->err.msg, b->err.msg);
    assert_int_equal(a->extras.n, b->extras.n);
    assert_int_equal(a->extras.more, b->extras.more);
    for (size_t i = 0; i < a->extras.n; i++)
        assert_string_equal(a->extras.of[i].name, b->extras.of[i].name);
}

/* Reads a file on 1, 2 and 7 threads. Returns what one thread saw. */
static struct pass check_file(const char *path, const struct km_format_kind *kind)
{
    struct km_files files = {0};
    struct pass one;
    struct km_err err;

    assert_ok(km_files_add(&files, path, &err), err);
    one = read_all(&files, kind, 1);
    for (int threads = 2; threads <= 7; threads += 5) {
        struct pass several = read_all(&files, kind, threads);

        check_same(&one, &several, threads);
    }
    km_files_done(&files);
    return one;
}

static float value(struct km_rng *rng)
{
    return (float)(km_rng_unit(rng) * 200 - 100);
}

/* A CSV file of random numbers with an empty line now and then; row `odd` has `text` in column
 * 5. */
static const char *csv_file(size_t odd, const char *text)
{
    const char *path = test_path("rows.csv");
    FILE *f = fopen(path, "w");
    struct km_rng rng;

    assert_non_null(f);
    km_rng_seed(&rng, 3, 0, 0);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t t = 0; t < COLUMNS; t++)
            if (i == odd && t == 4)
                fprintf(f, "%s%s", t ? "," : "", text);
            else
                fprintf(f, "%s%.5g", t ? "," : "", (double)value(&rng));
        fputs(i % 1000 == 7 ? "\r\n\n" : "\n", f);
    }
    assert_int_equal(fclose(f), 0);
    return path;
}

static void csv_rows_are_those_of_one_thread(void **state)
{
    static const size_t odd[] = {0, 3499, 3500, 17777, ROWS - 1};
    struct pass p;

    (void)state;
    p = check_file(csv_file(ROWS, ""), &km_format_csv);
    assert_int_equal(p.rc, KM_OK);
    assert_int_equal(p.rows, ROWS);
    for (size_t i = 1; i < sizeof(odd) / sizeof(*odd); i++) {
        p = check_file(csv_file(odd[i], "x"), &km_format_csv);
        assert_int_equal(p.rc, KM_E_INPUT);
        assert_int_equal(p.rows, odd[i]);
        p = check_file(csv_file(odd[i], "1,2"), &km_format_csv); /* one column more */
        assert_int_equal(p.rc, KM_E_INPUT);
        assert_int_equal(p.rows, odd[i]);
    }
}

/* Less the origin a value would be too large for squares: the exponent falls for its block. */
static void rows_that_do_not_fit_are_those_of_one_thread(void **state)
{
    static const size_t odd[] = {3500, 17777, ROWS - 1};
    struct pass p;

    (void)state;
    for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
        p = check_file(csv_file(odd[i], "-3e38"), &km_format_csv);
        assert_int_equal(p.rc, KM_OK);
        assert_int_equal(p.rows, ROWS);
        assert_true(p.exponent < 0);
    }
}

/* Records; number `odd` is cut by a byte, and every 5,000th has a feature of another name. */
static const char *record_file(size_t odd)
{
    static const unsigned char extra[] = {0x0a, 0x12, 0x0a, 2, 'a', '?', 0x12, 0x0c, 0x12, 0x0a,
                                          0x0a, 8,    0,    0, 0,   0,   0,    0,    0,    0};
    const char *path = test_path("rows.rec");
    struct km_writer *w;
    struct km_rng rng;
    struct km_err err;

    km_rng_seed(&rng, 4, 0, 0);
    assert_ok(km_writer_open(&w, path, &err), err);
    for (size_t i = 0; i < ROWS; i++) {
        unsigned char record[300];
        float row[COLUMNS];
        size_t n;

        for (int t = 0; t < COLUMNS; t++)
            row[t] = value(&rng);
        n = km_record_encode(record, row, COLUMNS, NULL) - (i == odd);
        if (i % 5000 == 4321) {
            memcpy(record + n, extra, sizeof(extra));
            record[n + 5] = (unsigned char)('a' + i / 5000);
            n += sizeof(extra);
        }
        assert_ok(test_put_record(w, record, n, &err), err);
    }
    assert_ok(km_writer_commit(w, &err), err);
    return path;
}

static void records_are_those_of_one_thread(void **state)
{
    struct pass p = check_file(record_file(ROWS), &km_format_recordio);

    (void)state;
    assert_int_equal(p.rc, KM_OK);
    assert_int_equal(p.rows, ROWS);
    assert_int_equal(p.extras.n, ROWS / 5000);
    assert_string_equal(p.extras.of[5].name, "af");
    p = check_file(record_file(12345), &km_format_recordio);
    assert_int_equal(p.rc, KM_E_INPUT);
    assert_int_equal(p.rows, 12345);
    assert_contains(p.err.msg, "record 12346 at byte");
}

static void a_file_that_is_cut_ends_with_its_last_whole_row(void **state)
{
    const char *path = record_file(ROWS);
    struct pass p;

    (void)state;
    assert_int_equal(truncate(path, 2000003), 0);
    p = check_file(path, &km_format_recordio);
    assert_int_equal(p.rc, KM_E_INPUT);
    assert_contains(p.err.msg, "the file is cut inside the record's");
    assert_true(p.rows > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_rows_are_those_of_one_thread),
        cmocka_unit_test(rows_that_do_not_fit_are_those_of_one_thread),
        cmocka_unit_test(records_are_those_of_one_thread),
        cmocka_unit_test(a_file_that_is_cut_ends_with_its_last_whole_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
