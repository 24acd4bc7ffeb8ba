/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files of each format of the table, cut at each byte and with each bit of each byte turned:
 * rows of finite values, as many as there were, or a failure that tells file and byte. Never fewer
 * rows without one. (What a turned bit makes of a value cannot be seen: these formats have no
 * checksum.)
 */
#include "tests/io_help.h"

#include "tests/record_help.h"

#include <math.h>

#define D 2

struct shard {
    const struct km_format_kind *kind;
    unsigned char bytes[1024];
    size_t n;
    size_t rows;
    int is_line; /* cut behind a line, or inside its last number, nobody can tell */
};

static void add_record(struct shard *s, const struct message *r)
{
    memcpy(s->bytes + s->n + KM_RECORDIO_HEADER, r->p, r->n);
    s->n += km_recordio_frame(s->bytes + s->n, r->n);
    s->rows++;
}

static struct shard records(void)
{
    const float row[D] = {1.5F, -3}, label = 7;
    struct shard s = {.kind = &km_format_recordio};
    struct message tensor = sparse_tensor(row, D), sparse = record_of(&tensor, "values"), dense;

    dense.n = km_record_encode(dense.p, row, D, NULL);
    add_record(&s, &dense);
    add_record(&s, &sparse);
    dense.n = km_record_encode(dense.p, row, D, &label);
    add_record(&s, &dense);
    return s;
}

static struct shard lines(void)
{
    static const char text[] = "1,2.5\n\"3\",4e1\r\n-5, 6\n7,8\n";
    struct shard s = {.kind = &km_format_csv, .n = sizeof(text) - 1, .rows = 4, .is_line = 1};

    memcpy(s.bytes, text, s.n);
    return s;
}

/* Reads all rows: how many there were. */
static size_t read_all(const struct shard *s, const void *bytes, size_t n, int sparse, int *rc,
                       struct km_err *err)
{
    const struct km_shape shape = {.d = D, .sparse = sparse};
    const struct km_room room = {16, 16};
    struct km_format format = {
        .kind = s->kind, .feature_dim = D, .label_size = 0, .header_rule = KM_HEADER_ABSENT};
    struct km_stream *stream;
    struct km_reader *r;
    struct km_rows x;
    size_t got, rows = 0;

    assert_ok(km_stream_open_memory(&stream, "file", bytes, n, err), *err);
    *rc = km_reader_open(&r, stream, &format, NULL, err);
    if (*rc)
        return 0;
    assert_ok(km_rows_init(&x, &shape, room, err), *err);
    x.dense.n = 0;
    *rc = km_reader_read(r, &x, room, &got, err);
    rows = km_rows_n(&x);
    for (size_t i = 0; !sparse && i < rows; i++)
        assert_true(isfinite(km_mat_row(&x.dense, i)[0]) && isfinite(km_mat_row(&x.dense, i)[1]));
    km_rows_done(&x);
    km_reader_close(r);
    return rows;
}

/* The place: a byte, or that the file as a whole is another. */
static void assert_told(const struct km_err *err)
{
    assert_int_equal(err->code, KM_E_INPUT);
    assert_memory_equal(err->msg, "file: ", 6);
    if (!strstr(err->msg, "byte") && !strstr(err->msg, "the file"))
        fail_msg("no place in '%s'", err->msg);
}

/* What became of the file: all its rows, or words. */
static void check(const struct shard *s, const unsigned char *bytes, size_t n, size_t at,
                  const char *what)
{
    for (int sparse = 0; sparse <= s->kind->may_be_sparse; sparse++) {
        struct km_err err;
        int rc;
        size_t rows = read_all(s, bytes, n, sparse, &rc, &err);

        if (rc)
            assert_told(&err);
        else if (rows != s->rows)
            fail_msg("%s, byte %zu %s: %zu rows of %zu, and no error", s->kind->name, at, what,
                     rows, s->rows);
    }
}

/* A file that ends where a record or line did is one of fewer rows. */
static int ends_a_row(const struct shard *s, size_t cut)
{
    if (s->is_line)
        return 1;
    return cut % 4 == 0 && cut < s->n && km_recordio_is(s->bytes + cut, s->n - cut);
}

static void cut_and_turn(const struct shard *s)
{
    size_t failures = 0;

    check(s, s->bytes, s->n, 0, "as it was");
    for (size_t cut = 1; cut < s->n; cut++) {
        unsigned char *part = malloc(cut); /* no byte more, so that a sanitizer sees what is read */
        struct km_err err;
        int rc;

        assert_non_null(part);
        memcpy(part, s->bytes, cut);
        if (!ends_a_row(s, cut))
            check(s, part, cut, cut, "is the end");
        else if (read_all(s, part, cut, 0, &rc, &err) > s->rows)
            fail_msg("more rows than there were");
        free(part);
    }
    for (size_t at = 0; at < s->n; at++)
        for (int bit = 0; bit < 8; bit++) {
            unsigned char bytes[sizeof(s->bytes)];
            struct km_err err;
            int rc;

            memcpy(bytes, s->bytes, s->n);
            bytes[at] ^= (unsigned char)(1 << bit);
            check(s, bytes, s->n, at, "has a bit turned");
            read_all(s, bytes, s->n, 0, &rc, &err);
            failures += rc != 0;
        }
    assert_true(failures > s->n); /* more than one bit in eight matters */
}

static void damaged_records_are_told(void **state)
{
    const struct shard s = records();

    (void)state;
    cut_and_turn(&s);
}

static void damaged_lines_are_told(void **state)
{
    const struct shard s = lines();

    (void)state;
    cut_and_turn(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_records_are_told),
        cmocka_unit_test(damaged_lines_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
