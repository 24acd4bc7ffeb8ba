/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers of the io tests: files of given bytes, and rows as text. */
#ifndef KM_TESTS_IO_HELP_H
#define KM_TESTS_IO_HELP_H

#include "tests/test.h"

#include "io/feed.h"
#include "io/reader.h"
#include "io/recordio.h"
#include "io/writer.h"

/** Path of a file of this name in a new folder; static storage of four paths in turn. */
static inline const char *test_path(const char *name)
{
    static char paths[4][300];
    static char folder[256];
    static int turn;
    char *path = paths[turn++ % 4];

    if (!folder[0])
        snprintf(folder, sizeof(folder), "%s", test_folder());
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

/** Writes n bytes as a file, and returns its path. */
static inline const char *test_file(const char *name, const void *bytes, size_t n)
{
    const char *path = test_path(name);
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    return path;
}

/** A reader of a file, from its first byte. */
static inline int test_reader(struct km_reader **r, const char *path, struct km_format *format,
                              struct km_err *err)
{
    struct km_stream *s;
    int rc = km_stream_open(&s, path, err);

    *r = NULL;
    return rc ? rc : km_reader_open(r, s, format, NULL, err);
}

/** Reads the rows from number `from` on of x, up to x->n. */
static inline int test_read(struct km_reader *r, const struct km_mat *x, size_t from, size_t *rows,
                            struct km_err *err)
{
    struct km_rows into = km_rows_of_mat(x);

    into.dense.n = from;
    return km_reader_read(r, &into, (struct km_room){.rows = x->n}, rows, err);
}

/** Appends a record of one frame. */
static inline int test_put_record(struct km_writer *w, const void *payload, size_t len,
                                  struct km_err *err)
{
    unsigned char *frame = malloc(KM_RECORDIO_HEADER + len + 3);
    int rc;

    assert_non_null(frame);
    memcpy(frame + KM_RECORDIO_HEADER, payload, len);
    rc = km_writer_put(w, frame, km_recordio_frame(frame, len), err);
    free(frame);
    return rc;
}

/** Seed of the random tests: $KM_TEST_SEED, or 1; printed. */
static inline uint64_t test_seed(void)
{
    const char *text = getenv("KM_TEST_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : 1;

    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

/** Cuts dense rows into mini-batches, and these into blocks of so many rows. */
static inline void cut_dense(struct km_feed *feed, size_t mini_batch, size_t block)
{
    const struct km_shape shape = {.d = km_feed_format(feed)->feature_dim};

    km_feed_cut(feed, &shape, mini_batch, (struct km_room){.rows = block});
}

#endif
