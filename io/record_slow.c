/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of any shape through protobuf-c: sparse, Int32, unpacked, fields in another order,
 * several entries. protobuf-c takes its memory from one arena that is reused, so a record costs no
 * malloc; the arena is bounded by the payload's size, so a few bytes cannot claim gigabytes.
 */
#include "io/record_slow.h"

#include "base/mem.h"
#include "io/record.pb-c.h"
#include "io/row.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef Aialgs__Data__Record record;
typedef Aialgs__Data__MapEntry map_entry;
typedef Aialgs__Data__Value value;

/* What a payload may need: numbers unfold up to 16 times (unpacked keys: 2 bytes on the wire, 8
 * plus protobuf-c's own list of fields in memory), small messages up to 80 times. */
#define ARENA_FACTOR 96
#define ARENA_MIN    ((size_t)1 << 16)

struct km_record_reader {
    unsigned char *arena;
    size_t cap;
    size_t used;
    int full;            /* protobuf-c asked for more than there was */
    unsigned char *seen; /* one bit for each column: keys of a sparse row met so far */
    size_t seen_bytes;
    struct km_record_extras *extras; /* the caller's, or NULL */
};

/* One tensor of numbers, whatever its type. */
struct tensor {
    Aialgs__Data__Value__ValueCase kind;
    const void *values;
    size_t n;
    const uint64_t *keys;
    size_t n_keys;
    const uint64_t *shape;
    size_t n_shape;
};

int km_record_reader_open(struct km_record_reader **r, struct km_err *err)
{
    *r = km_alloc(1, sizeof(**r));
    return *r ? KM_OK : km_fail(err, KM_E_MEM, "no memory to decode records");
}

void km_record_reader_close(struct km_record_reader *r)
{
    if (!r)
        return;
    km_free(r->arena);
    km_free(r->seen);
    km_free(r);
}

void km_record_reader_note(struct km_record_reader *r, struct km_record_extras *extras)
{
    r->extras = extras;
}

int km_record_extras_add(struct km_record_extras *x, const struct km_record_extra *extra)
{
    for (size_t i = 0; i < x->n; i++)
        if (strcmp(x->of[i].name, extra->name) == 0)
            return 0;
    if (x->n == KM_RECORD_EXTRAS) {
        x->more = 1;
        return 0;
    }
    x->of[x->n++] = *extra;
    return 1;
}

void km_record_extra_text(char text[KM_RECORD_EXTRA_TEXT], const struct km_record_extra *extra)
{
    if (extra->values == 0)
        snprintf(text, KM_RECORD_EXTRA_TEXT, "features[\"%s\"] (no numbers)", extra->name);
    else
        snprintf(text, KM_RECORD_EXTRA_TEXT, "features[\"%s\"] (%zu value%s a record)", extra->name,
                 extra->values, extra->values == 1 ? "" : "s");
}

static void *arena_alloc(void *arg, size_t size)
{
    struct km_record_reader *r = arg;
    size_t rounded = (size + 15) & ~(size_t)15;
    void *p = r->arena + r->used;

    if (rounded < size || rounded > r->cap - r->used) {
        r->full = 1;
        return NULL;
    }
    r->used += rounded;
    return p;
}

static void arena_free(void *arg, void *p)
{
    (void)arg; /* all of it is free again with the next record */
    (void)p;
}

/* Unpacks a record into the arena, growing the arena until it fits or the bound is met. */
static int unpack(struct km_record_reader *r, const unsigned char *payload, size_t len,
                  record **rec, struct km_err *err)
{
    ProtobufCAllocator allocator = {arena_alloc, arena_free, r};
    size_t most = ARENA_MIN + ARENA_FACTOR * len;
    size_t cap = ARENA_MIN + 4 * len;

    for (;;) {
        if (r->cap < cap) {
            km_free(r->arena);
            r->cap = 0;
            r->arena = km_alloc(cap, 1);
            if (!r->arena)
                return km_fail(err, KM_E_MEM, "no memory to decode a record of %zu bytes", len);
            r->cap = cap;
        }
        r->used = 0;
        r->full = 0;
        *rec = aialgs__data__record__unpack(&allocator, len, payload);
        if (*rec)
            return KM_OK;
        if (!r->full)
            return km_fail(err, KM_E_INPUT,
                           "%zu bytes that are no protobuf Record; write the data with a "
                           "RecordIO-protobuf writer, or check the channel's content type",
                           len);
        if (r->cap >= most)
            return km_fail(
                err, KM_E_INPUT,
                "a record of %zu bytes that needs more than %zu bytes of memory, expected "
                "one tensor of numbers; the data is damaged",
                len, most);
        cap = r->cap < most / 4 ? r->cap * 4 : most;
    }
}

/* "a", "b" and so on: the names of the features, for a message. */
static void list_names(const record *rec, char *text, size_t size)
{
    size_t used = 0;

    snprintf(text, size, "no features at all");
    for (size_t i = 0; i < rec->n_features && used + 48 < size; i++) {
        const ProtobufCBinaryData *key = &rec->features[i]->key;

        used += (size_t)snprintf(text + used, size - used, "%s\"", i ? ", " : "only ");
        for (size_t j = 0; j < key->len && j < 32; j++)
            text[used++] = isprint(key->data[j]) ? (char)key->data[j] : '?';
        used += (size_t)snprintf(text + used, size - used, "\"");
    }
}

static int is_values(const map_entry *e)
{
    return e->key.len == 6 && memcmp(e->key.data, "values", 6) == 0;
}

/* Numbers in all tensors of an entry. */
static size_t count_values(const map_entry *e)
{
    size_t n = 0;

    for (size_t i = 0; i < e->n_value; i++) {
        const value *v = e->value[i];

        if (v->value_case == AIALGS__DATA__VALUE__VALUE_FLOAT32_TENSOR)
            n += v->float32_tensor->n_values;
        else if (v->value_case == AIALGS__DATA__VALUE__VALUE_FLOAT64_TENSOR)
            n += v->float64_tensor->n_values;
        else if (v->value_case == AIALGS__DATA__VALUE__VALUE_INT32_TENSOR)
            n += v->int32_tensor->n_values;
    }
    return n;
}

/* Notes the features that are not read. */
static void note_extras(struct km_record_extras *extras, const record *rec)
{
    for (size_t i = 0; i < rec->n_features; i++) {
        const map_entry *e = rec->features[i];
        struct km_record_extra extra = {.values = count_values(e)};

        if (is_values(e))
            continue;
        for (size_t j = 0; j < e->key.len && j + 1 < sizeof(extra.name); j++)
            extra.name[j] = isprint(e->key.data[j]) ? (char)e->key.data[j] : '?';
        km_record_extras_add(extras, &extra);
    }
}

static int find_values(const record *rec, const value **v, struct km_err *err)
{
    const map_entry *found = NULL;
    char names[256];

    for (size_t i = 0; i < rec->n_features; i++) {
        if (is_values(rec->features[i]))
            found = rec->features[i]; /* the last one counts */
    }
    if (!found) {
        list_names(rec, names, sizeof(names));
        return km_fail(err, KM_E_INPUT,
                       "found %s, expected features[\"values\"]; write the vector under that name",
                       names);
    }
    if (found->n_value != 1)
        return km_fail(err, KM_E_INPUT,
                       "features[\"values\"] holds %zu values, expected one tensor",
                       found->n_value);
    *v = found->value[0];
    return KM_OK;
}

#define TENSOR(t)                                                                                  \
    ((struct tensor){v->value_case, (t)->values, (t)->n_values, (t)->keys, (t)->n_keys,            \
                     (t)->shape, (t)->n_shape})

static int find_tensor(struct km_record_reader *r, const unsigned char *payload, size_t len,
                       struct tensor *t, struct km_err *err)
{
    const value *v = NULL;
    record *rec;
    int rc;

    rc = unpack(r, payload, len, &rec, err);
    if (rc)
        return rc;
    rc = find_values(rec, &v, err);
    if (rc)
        return rc;
    if (r->extras && rec->n_features > 1)
        note_extras(r->extras, rec);
    switch (v->value_case) {
    case AIALGS__DATA__VALUE__VALUE_FLOAT32_TENSOR:
        *t = TENSOR(v->float32_tensor);
        return KM_OK;
    case AIALGS__DATA__VALUE__VALUE_FLOAT64_TENSOR:
        *t = TENSOR(v->float64_tensor);
        return KM_OK;
    case AIALGS__DATA__VALUE__VALUE_INT32_TENSOR:
        *t = TENSOR(v->int32_tensor);
        return KM_OK;
    case AIALGS__DATA__VALUE__VALUE_BYTES:
        return km_fail(err, KM_E_INPUT,
                       "features[\"values\"] holds bytes, expected a tensor of numbers; decode "
                       "images and the like before training");
    default:
        return km_fail(err, KM_E_INPUT,
                       "features[\"values\"] is empty, expected a tensor of numbers");
    }
}

static double value_at(const struct tensor *t, size_t i)
{
    switch (t->kind) {
    case AIALGS__DATA__VALUE__VALUE_FLOAT32_TENSOR:
        return (double)((const float *)t->values)[i];
    case AIALGS__DATA__VALUE__VALUE_FLOAT64_TENSOR:
        return ((const double *)t->values)[i];
    default:
        return (double)((const int32_t *)t->values)[i];
    }
}

/* Keys make a tensor sparse; so does a shape alone: then it is a row of zeros. */
static int is_sparse(const struct tensor *t)
{
    return t->n_keys > 0 || (t->n == 0 && t->n_shape > 0);
}

/* Product of the shape; SIZE_MAX when there is none that a row could have. */
static size_t shape_size(const struct tensor *t)
{
    uint64_t size = 1;

    for (size_t i = 0; i < t->n_shape; i++) {
        if (__builtin_mul_overflow(size, t->shape[i], &size) || size >= SIZE_MAX)
            return SIZE_MAX;
    }
    return (size_t)size;
}

int km_record_fail_width(struct km_err *err, size_t found, size_t dim)
{
    return km_fail(err, KM_E_INPUT,
                   "%zu features, expected %zu (feature_dim); set feature_dim to the number of "
                   "features in the data",
                   found, dim);
}

static int check_width(const struct tensor *t, size_t dim, struct km_err *err)
{
    if (t->n_keys > 0 && t->n_shape > 1)
        return km_fail(err, KM_E_INPUT,
                       "a sparse tensor of %zu dimensions, expected one; write its rows as vectors",
                       t->n_shape);
    if (t->n_keys > 0 && t->n_keys != t->n)
        return km_fail(err, KM_E_INPUT,
                       "a sparse tensor of %zu keys and %zu values, expected as many of each",
                       t->n_keys, t->n);
    if (t->n_shape > 0 && shape_size(t) != dim)
        return km_record_fail_width(err, shape_size(t), dim);
    if (!is_sparse(t) && t->n != dim)
        return km_record_fail_width(err, t->n, dim);
    return KM_OK;
}

/* Clears the marks of dim columns. */
static int clear_seen(struct km_record_reader *r, size_t dim, struct km_err *err)
{
    size_t bytes = dim / 8 + 1;

    if (r->seen_bytes < bytes) {
        km_free(r->seen);
        r->seen_bytes = 0;
        r->seen = km_alloc(bytes, 1);
        if (!r->seen)
            return km_fail(err, KM_E_MEM, "no memory for a sparse row of %zu features", dim);
        r->seen_bytes = bytes;
        return KM_OK;
    }
    memset(r->seen, 0, bytes);
    return KM_OK;
}

static int check_keys(struct km_record_reader *r, const struct tensor *t, size_t dim,
                      struct km_err *err)
{
    int rc = clear_seen(r, dim, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < t->n_keys; i++) {
        uint64_t key = t->keys[i];
        unsigned char bit = (unsigned char)(1u << (key & 7));

        if (key >= dim)
            return km_fail(err, KM_E_INPUT,
                           "key %" PRIu64 " of a sparse row, expected less than %zu (feature_dim); "
                           "keys count from 0",
                           key, dim);
        if (r->seen[key / 8] & bit)
            return km_fail(err, KM_E_INPUT, "key %" PRIu64 " twice in a sparse row, expected once",
                           key);
        r->seen[key / 8] |= bit;
    }
    return KM_OK;
}

/* Finds the tensor of a row of dim columns, and that its keys are sound. */
static int find_row(struct km_record_reader *r, const unsigned char *payload, size_t len,
                    size_t dim, struct tensor *t, struct km_err *err)
{
    int rc = find_tensor(r, payload, len, t, err);

    if (rc)
        return rc;
    if (dim == 0)
        return km_record_fail_width(err, t->n, dim);
    rc = check_width(t, dim, err);
    if (rc == KM_OK && is_sparse(t))
        rc = check_keys(r, t, dim, err);
    return rc;
}

static size_t column_at(const struct tensor *t, size_t i)
{
    return t->n_keys ? (size_t)t->keys[i] : i;
}

/* The failure for the bad value in the lowest column. */
static int fail_value(const struct tensor *t, struct km_err *err)
{
    size_t bad = SIZE_MAX;

    for (size_t i = 0; i < t->n; i++) {
        float v = (float)value_at(t, i);

        if (km_row_bad(&v, 1) == 0 && (bad == SIZE_MAX || column_at(t, i) < column_at(t, bad)))
            bad = i;
    }
    if (bad == SIZE_MAX)
        return km_fail(err, KM_E_BUG, "a bad value that is not in the record");
    return km_row_fail(err, column_at(t, bad), value_at(t, bad));
}

static int write_out(const struct tensor *t, float *row, size_t dim, struct km_err *err)
{
    if (is_sparse(t))
        memset(row, 0, dim * sizeof(*row));
    for (size_t i = 0; i < t->n; i++)
        row[column_at(t, i)] = (float)value_at(t, i);
    return km_row_bad(row, dim) == dim ? KM_OK : fail_value(t, err);
}

int km_record_slow_decode(struct km_record_reader *r, const unsigned char *payload, size_t len,
                          float *row, size_t dim, struct km_err *err)
{
    struct tensor t;
    int rc = find_row(r, payload, len, dim, &t, err);

    return rc ? rc : write_out(&t, row, dim, err);
}

void km_record_add_nonzero(struct km_csr *x, const float *row)
{
    size_t from = x->nnz;

    for (size_t t = 0; t < x->d; t++) {
        x->col[x->nnz] = (uint32_t)t;
        x->val[x->nnz] = row[t];
        x->nnz += row[t] != 0;
    }
    x->at[x->n] = from;
    x->len[x->n++] = (uint32_t)(x->nnz - from);
}

int km_record_slow_decode_sparse(struct km_record_reader *r, const unsigned char *payload,
                                 size_t len, struct km_csr *x, float *row, int *was_sparse,
                                 struct km_err *err)
{
    struct tensor t;
    size_t end = x->nnz;
    int rc = find_row(r, payload, len, x->d, &t, err);

    if (rc)
        return rc;
    *was_sparse = is_sparse(&t);
    if (!*was_sparse) {
        rc = write_out(&t, row, x->d, err);
        if (rc == KM_OK)
            km_record_add_nonzero(x, row);
        return rc;
    }
    for (size_t i = 0; i < t.n; i++) { /* no key twice and all below d: they are not above d */
        x->col[end] = (uint32_t)t.keys[i];
        x->val[end] = (float)value_at(&t, i);
        end += x->val[end] != 0;
    }
    if (km_row_bad(x->val + x->nnz, end - x->nnz) != end - x->nnz)
        return fail_value(&t, err);
    x->at[x->n] = x->nnz;
    x->len[x->n++] = (uint32_t)(end - x->nnz);
    x->nnz = end;
    return KM_OK;
}

int km_record_slow_dim(struct km_record_reader *r, const unsigned char *payload, size_t len,
                       size_t *dim, struct km_err *err)
{
    struct tensor t;
    int rc;

    rc = find_tensor(r, payload, len, &t, err);
    if (rc)
        return rc;
    if (is_sparse(&t) && t.n_shape == 0)
        return km_fail(err, KM_E_INPUT,
                       "a sparse row without shape, so the number of features is not known; set "
                       "feature_dim");
    *dim = is_sparse(&t) ? shape_size(&t) : t.n;
    if (*dim == 0 || *dim > KM_RECORD_DIM_MAX)
        return km_fail(err, KM_E_INPUT, "%zu features, expected 1 to %u", *dim, KM_RECORD_DIM_MAX);
    return KM_OK;
}
