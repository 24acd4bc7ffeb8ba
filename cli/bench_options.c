/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_options.h"

#include "base/nearest.h"
#include "cli/bench_sparse.h"

#include <stdio.h>
#include <string.h>

#define MOST_THREADS 1024

/* What the issue of kernels is measured by: small and large K, narrow and wide rows. */
static const struct km_bench_shape shapes[] = {
    {.name = "60kx784-K10", .n = 60000, .d = 784, .k = 10},
    {.name = "60kx784-K100", .n = 60000, .d = 784, .k = 100},
    {.name = "200kx54-K100", .n = 200000, .d = 54, .k = 100},
    {.name = "100kx128-K1000", .n = 100000, .d = 128, .k = 1000},
    {.name = "50kx64-K10000", .n = 50000, .d = 64, .k = 10000},
    {.name = "500kx8-K100", .n = 500000, .d = 8, .k = 100},
    {.name = "1Mx2-K10", .n = 1000000, .d = 2, .k = 10},
    {.name = "20kx4096-K256", .n = 20000, .d = 4096, .k = 256},
    {.name = "60kx784-K100-b500", .n = 60000, .d = 784, .k = 100, .batch = 500},
    {.name = "60kx784-K100-b5000", .n = 60000, .d = 784, .k = 100, .batch = 5000},
    {.name = "sparse-20kx10k-K100", .n = 20000, .d = 10000, .nnz = 65, .k = 100},
    {.name = "sparse-20kx10k-K1000", .n = 20000, .d = 10000, .nnz = 65, .k = 1000},
    {.name = "seed-10kx784-K1000", .kind = KM_SHAPE_SEED, .n = 10000, .d = 784, .k = 1000},
    {.name = "shrink-10kx128-K1000", .kind = KM_SHAPE_SHRINK, .n = 10000, .d = 128, .k = 1000},
};
#define N_SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* Digits at *text as a number from 1 to most; moves *text behind them. 0 if there is none. */
static size_t parse_number(const char **text, size_t most)
{
    size_t v = 0;

    for (; **text >= '0' && **text <= '9'; (*text)++) {
        v = 10 * v + (size_t)(**text - '0');
        if (v > most)
            return 0;
    }
    return v;
}

static void name_shape(struct km_bench_shape *s)
{
    char values[24] = "", batch[24] = "";

    if (s->nnz)
        snprintf(values, sizeof(values), "/%zu", s->nnz);
    if (s->batch)
        snprintf(batch, sizeof(batch), "-b%zu", s->batch);
    snprintf(s->name, sizeof(s->name), "%zux%zu%s-K%zu%s", s->n, s->d, values, s->k, batch);
}

/* ROWSxFEATURESxCENTERS[xBATCH], FEATURES/VALUES for sparse rows; -1 if text is none of these. */
static int parse_shape(struct km_bench_shape *s, const char *text)
{
    size_t *const part[] = {&s->n, &s->d, &s->k, &s->batch};
    const char *at = text;
    size_t parts = 0;
    int sparse = 0;

    *s = (struct km_bench_shape){0};
    for (; parts < 4; parts++) {
        *part[parts] = parse_number(&at, UINT32_MAX);
        if (parts == 1 && *at == '/') {
            at++;
            sparse = 1;
            s->nnz = parse_number(&at, UINT32_MAX);
        }
        if (*part[parts] == 0 || *at != 'x')
            break;
        at++;
    }
    return parts < 2 || parts > 3 || *part[parts] == 0 || *at || (sparse && s->nnz == 0) ? -1 : 0;
}

static int take_shape(void *into, const struct km_option *option, const char *text,
                      struct km_err *err)
{
    struct km_bench_options *o = into;
    struct km_bench_shape *s = &o->own[o->n_own];

    (void)option;
    if (o->n_own == KM_BENCH_SHAPES)
        return km_fail(err, KM_E_INPUT, "--shape may be given at most %d times", KM_BENCH_SHAPES);
    if (parse_shape(s, text))
        return km_fail(err, KM_E_INPUT,
                       "--shape: found \"%s\", expected ROWSxFEATURESxCENTERS or "
                       "ROWSxFEATURESxCENTERSxBATCH, e.g. 60000x784x100, and for sparse rows "
                       "FEATURES/VALUES, e.g. 20000x10000/65x100",
                       text);
    if (s->nnz && (s->nnz > s->d || s->d > KM_BENCH_SPARSE_D))
        return km_fail(err, KM_E_INPUT,
                       "--shape %s: found rows of %zu values out of %zu features; expected at most "
                       "as many values as features, and at most %zu features",
                       text, s->nnz, s->d, KM_BENCH_SPARSE_D);
    if (s->k > s->n || s->batch > s->n)
        return km_fail(err, KM_E_INPUT,
                       "--shape %s: there are only %zu rows; expected at most as "
                       "many centers, and rows of a batch",
                       text, s->n);
    name_shape(s);
    o->n_own++;
    return KM_OK;
}

#define FIELD(name) offsetof(struct km_bench_options, name)

static const struct km_option table[] = {
    {"quick", 0, NULL, "fewer repetitions, without the shrink", .kind = KM_OPT_FLAG,
     .offset = FIELD(quick)},
    {"json", 0, NULL, "one JSON object a line for each shape and number of threads",
     .kind = KM_OPT_FLAG, .offset = FIELD(json)},
    {"threads", 0, "N", "only with N threads [1, and all CPUs we may use]", .kind = KM_OPT_NUMBER,
     .offset = FIELD(threads), .least = 1, .most = MOST_THREADS},
    {"only", 0, "NAME", "only that shape, or those whose name holds NAME", .kind = KM_OPT_TEXT,
     .offset = FIELD(only)},
    {"shape", 0, "NxD[/V]xK[xB]", "this shape instead of the list (may be repeated)",
     .kind = KM_OPT_TAKE, .take = take_shape},
    {"paced", 0, NULL, "one round for each line on standard input, for bench/run.sh",
     .kind = KM_OPT_FLAG, .offset = FIELD(paced)},
    {"help", 'h', NULL, "this text", .kind = KM_OPT_HELP},
};

const struct km_options km_bench_command_line = {
    .verb = "bench",
    .table = table,
    .n = sizeof(table) / sizeof(table[0]),
    .column = 18,
    .before =
        "kmeans bench: rates of this machine, shape by shape, beside what it could do at most\n"
        "\n"
        "  kmeans bench                              all shapes, one thread and all threads\n"
        "  kmeans bench --quick --threads 4\n"
        "  kmeans bench --only 60kx784-K100 --json\n"
        "  kmeans bench --shape 1000000x32x500       a shape of your own: rows x features x "
        "centers\n"
        "  kmeans bench --shape 60000x784x100x5000   the same in mini-batches of 5000 rows\n"
        "  kmeans bench --shape 20000x10000/65x100   sparse rows of 65 values\n"
        "\n"
        "usage: kmeans bench [options]\n"
        "\n",
    .after =
        "\n"
        "Timed is one pass over rows in memory as training does it: nearest center of every row, "
        "sums,\n"
        "squared distances, centers moved (seed: k-means++; shrink: all trials). A shape's time is "
        "the\n"
        "median; GFLOP/s counts 2 n K d, GB/s counts 4 n d (sparse rows of V values: 2 n K V, 8 n "
        "V). The\n"
        "peaks (multiply-adds of float32, reads of memory) are measured between the passes. One "
        "thread is timed by its CPU time, several by the wall.\n"
        "Environment: KM_ISA=vnni-zen4|vnni|avx512|avx2|blas|generic chooses the kernels,\n"
        "KM_L3_MB the size of the L3 cache, of which the memory that is read is a multiple.\n"
        "Exit code: 0, 2 (usage), 3 (system).\n",
};

size_t km_bench_shapes(const struct km_bench_shape **list, const struct km_bench_options *o,
                       struct km_err *err)
{
    const struct km_bench_shape *from = o->n_own ? o->own : shapes;
    const char *words[KM_BENCH_SHAPES + 1] = {NULL};
    size_t all = o->n_own ? o->n_own : N_SHAPES, n = 0;
    const char *near;

    for (size_t i = 0; i < all; i++) {
        words[i] = from[i].name;
        if (o->only && strcmp(o->only, from[i].name) == 0) {
            list[0] = &from[i];
            return 1;
        }
        if (o->only ? strstr(from[i].name, o->only) != NULL
                    : !o->quick || from[i].kind != KM_SHAPE_SHRINK)
            list[n++] = &from[i];
    }
    if (n == 0) {
        near = km_nearest_word(o->only, words);
        km_fail(err, KM_E_INPUT, "--only: there is no shape \"%s\"; %s%s%s", o->only,
                near ? "did you mean \"" : "the first is \"", near ? near : words[0],
                near ? "\"?" : "\"; kmeans bench --quick shows them all");
    }
    return n;
}
