/* SPDX-License-Identifier: Apache-2.0 */
/* Files of records, dense or sparse, made from rows. */
#ifndef KM_TESTS_RECORD_HELP_H
#define KM_TESTS_RECORD_HELP_H

#include "tests/algo_test.h"
#include "tests/io_help.h"

#include "io/record.h"

/** Bytes of a message under way. */
struct message {
    unsigned char p[4096];
    size_t n;
};

static inline void put_varint(struct message *m, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        m->p[m->n++] = (unsigned char)(v | 0x80);
    m->p[m->n++] = (unsigned char)v;
}

static inline void put_field(struct message *m, unsigned char tag, const struct message *inside)
{
    m->p[m->n++] = tag;
    put_varint(m, inside->n);
    memcpy(m->p + m->n, inside->p, inside->n);
    m->n += inside->n;
}

/** A tensor of a row's values that are not 0, their columns, and how many columns there are. */
static inline struct message sparse_tensor(const float *row, size_t d)
{
    struct message values = {.n = 0}, keys = {.n = 0}, shape = {.n = 0}, tensor = {.n = 0};

    for (size_t t = 0; t < d; t++)
        if (row[t] != 0) {
            memcpy(values.p + values.n, &row[t], sizeof(row[t]));
            values.n += sizeof(row[t]);
            put_varint(&keys, t);
        }
    put_varint(&shape, d);
    put_field(&tensor, 0x0a, &values);
    put_field(&tensor, 0x12, &keys);
    put_field(&tensor, 0x1a, &shape);
    return tensor;
}

/** Record{features[name] = tensor}. */
static inline struct message record_of(const struct message *tensor, const char *name)
{
    struct message text = {.n = strlen(name)}, value = {.n = 0}, entry = {.n = 0}, r = {.n = 0};

    memcpy(text.p, name, text.n);
    put_field(&value, 0x12, tensor);
    put_field(&entry, 0x0a, &text);
    put_field(&entry, 0x12, &value);
    put_field(&r, 0x0a, &entry);
    return r;
}

/** A file of the rows as records, of which the first `sparse` are sparse. */
static inline const char *write_records(const char *name, const struct km_mat *x, size_t sparse)
{
    const char *path = test_path(name);
    struct km_writer *w;
    struct km_err err;

    assert_ok(km_writer_open(&w, path, &err), err);
    for (size_t i = 0; i < x->n; i++) {
        const float *row = km_mat_row(x, i);
        struct message tensor, r;

        if (i < sparse) {
            tensor = sparse_tensor(row, x->d);
            r = record_of(&tensor, "values");
        } else {
            r.n = km_record_encode(r.p, row, x->d, NULL);
        }
        assert_ok(test_put_record(w, r.p, r.n, &err), err);
    }
    assert_ok(km_writer_commit(w, &err), err);
    return path;
}

/** Rows of d columns whose first `some` are not 0. */
static inline struct km_mat rows_with(size_t n, size_t d, size_t some)
{
    struct km_mat x = random_rows(n, d, 5);

    for (size_t i = 0; i < n; i++)
        memset(km_mat_row(&x, i) + some, 0, (d - some) * sizeof(float));
    return x;
}

#endif
