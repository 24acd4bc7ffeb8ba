/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast files become rows, on one thread: read_rate [--sparse] FILE...
 * Reads each file some times (the first only warms the page cache) into a block of rows that stays
 * in the cache, and prints a line of JSON: GB and rows of a second of CPU time, median and best.
 */
#include "io/reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS      6
#define BLOCK_BYTES ((size_t)1 << 18)

struct rate {
    uint64_t rows, bytes;
    double seconds;
};

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int open_file(struct km_reader **r, const char *path, struct km_format *format,
                     struct km_err *err)
{
    struct km_stream *s;
    int rc = km_stream_open(&s, path, err);

    if (rc == KM_OK)
        rc = km_format_detect(&format->kind, &s, err);
    return rc ? rc : km_reader_open(r, s, format, NULL, err);
}

/* All rows of the file, block after block into the same memory. */
static int read_rows(struct km_reader *r, size_t d, int sparse, struct km_err *err)
{
    const struct km_shape shape = {.d = d, .values = sparse ? 64 : d, .sparse = sparse};
    struct km_room room = km_shape_fit(&shape, BLOCK_BYTES, 0, 1), memory = room;
    struct km_rows x;
    size_t rows = 1;
    int rc;

    memory.values += sparse ? d : 0;
    rc = km_rows_init(&x, &shape, memory, err);
    while (rc == KM_OK && rows > 0) {
        x.dense.n = 0;
        if (sparse)
            km_csr_clear(&x.sparse);
        rc = km_reader_read(r, &x, room, &rows, err);
    }
    km_rows_done(&x);
    return rc;
}

static int measure(const char *path, int sparse, struct rate *rate, struct km_err *err)
{
    struct km_format format = {.label_size = 0};
    struct km_reader *r = NULL;
    double start = cpu_seconds();
    int rc = open_file(&r, path, &format, err);

    if (rc == KM_OK)
        rc = read_rows(r, format.feature_dim, sparse, err);
    if (rc == KM_OK)
        *rate = (struct rate){km_reader_rows(r), km_reader_bytes(r), cpu_seconds() - start};
    km_reader_close(r);
    return rc;
}

static int by_seconds(const void *a, const void *b)
{
    double x = ((const struct rate *)a)->seconds, y = ((const struct rate *)b)->seconds;

    return (x > y) - (x < y);
}

static int report(const char *path, int sparse, struct km_err *err)
{
    struct rate rates[ROUNDS];
    const struct rate *median = &rates[1 + (ROUNDS - 1) / 2];

    for (int i = 0; i < ROUNDS; i++)
        if (measure(path, sparse, &rates[i], err))
            return err->code;
    qsort(rates + 1, ROUNDS - 1, sizeof(rates[0]), by_seconds);
    printf("{\"file\": \"%s\", \"rows\": %" PRIu64 ", \"bytes\": %" PRIu64
           ", \"gbytes_per_s\": %.3f, \"best_gbytes_per_s\": %.3f, \"rows_per_s\": %.0f}\n",
           path, median->rows, median->bytes, (double)median->bytes / median->seconds * 1e-9,
           (double)median->bytes / rates[1].seconds * 1e-9, (double)median->rows / median->seconds);
    return KM_OK;
}

int main(int argc, char **argv)
{
    int sparse = argc > 1 && strcmp(argv[1], "--sparse") == 0;
    struct km_err err;

    for (int i = 1 + sparse; i < argc; i++)
        if (report(argv[i], sparse, &err)) {
            fprintf(stderr, "read_rate: %s\n", err.msg);
            return 1;
        }
    return 0;
}
