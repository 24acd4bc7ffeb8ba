/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench.h"

#include "base/machine.h"
#include "cli/bench_shape.h"
#include "cli/bench_sparse.h"
#include "cli/nearest.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SHAPES  24
#define MAX_THREADS 1024
#define MAX_LANES   2 /* one thread, all threads */

static const char usage[] =
    "kmeans bench: rates of this machine, shape by shape, beside what it could do at most\n"
    "\n"
    "  kmeans bench                              all shapes, one thread and all threads\n"
    "  kmeans bench --quick --threads 4\n"
    "  kmeans bench --only 60kx784-K100 --json\n"
    "  kmeans bench --shape 1000000x32x500       a shape of your own: rows x features x centers\n"
    "  kmeans bench --shape 60000x784x100x5000   the same in mini-batches of 5000 rows\n"
    "  kmeans bench --shape 20000x10000/65x100   sparse rows of 65 values\n"
    "\n"
    "usage: kmeans bench [options]\n"
    "\n"
    "  --quick         fewer repetitions, without the shrink\n"
    "  --json          one JSON object a line for each shape and number of threads\n"
    "  --threads N     only with N threads [1, and all CPUs we may use]\n"
    "  --only NAME     only that shape, or those whose name holds NAME\n"
    "  --shape NxD[/V]xK[xB]\n"
    "                  this shape instead of the list (may be repeated)\n"
    "  --paced         one round for each line on standard input, for bench/run.sh\n"
    "  -h, --help      this text\n"
    "\n"
    "Timed is one pass over rows in memory as training does it: nearest center of every row, "
    "sums,\n"
    "squared distances, centers moved (seed: k-means++; shrink: all trials). A shape's time is "
    "the\n"
    "median; GFLOP/s counts 2 n K d, GB/s counts 4 n d (sparse rows of V values: 2 n K V, 8 n V). "
    "The\n"
    "peaks (multiply-adds of float32, reads of memory) are measured between the passes. One thread "
    "is timed by its CPU time, several by the "
    "wall.\n"
    "Environment: KM_ISA=vnni-zen4|vnni|avx512|avx2|blas|generic chooses the kernels,\n"
    "KM_L3_MB the size of the L3 cache, of which the memory that is read is a multiple.\n"
    "Exit code: 0, 2 (usage), 3 (system).\n";

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

struct options {
    int quick, json, paced, help;
    int threads; /* 0: one, and all */
    const char *only;
    struct km_bench_shape own[MAX_SHAPES]; /* --shape */
    size_t n_own;
};

/* What the whole run shares. */
struct bench {
    const struct options *o;
    const struct km_kernels *kern;
    struct km_pool *pool[MAX_LANES]; /* NULL: one thread */
    size_t lanes;
    int rounds;
    double seconds; /* of passes in a round, at least */
    struct km_peak peak;
    struct km_samples fma[MAX_LANES], read[MAX_LANES]; /* a median of each shape */
    double values[2 * MAX_LANES][MAX_SHAPES];
};

/* ---- options ---- */

enum { OPT_QUICK = 1, OPT_JSON, OPT_PACED, OPT_THREADS, OPT_ONLY, OPT_SHAPE };

static const struct option long_options[] = {
    {"quick", no_argument, NULL, OPT_QUICK},
    {"json", no_argument, NULL, OPT_JSON},
    {"paced", no_argument, NULL, OPT_PACED},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"only", required_argument, NULL, OPT_ONLY},
    {"shape", required_argument, NULL, OPT_SHAPE},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

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

static int parse_shape(struct options *o, const char *text, struct km_err *err)
{
    struct km_bench_shape *s = &o->own[o->n_own];
    size_t *const part[] = {&s->n, &s->d, &s->k, &s->batch};
    const char *at = text;
    size_t parts = 0;
    int sparse = 0;

    if (o->n_own == MAX_SHAPES)
        return km_fail(err, KM_E_INPUT, "--shape may be given at most %d times", MAX_SHAPES);
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
    if (parts < 2 || parts > 3 || *part[parts] == 0 || *at || (sparse && s->nnz == 0))
        return km_fail(err, KM_E_INPUT,
                       "--shape: found \"%s\", expected ROWSxFEATURESxCENTERS or "
                       "ROWSxFEATURESxCENTERSxBATCH, e.g. 60000x784x100, and for sparse rows "
                       "FEATURES/VALUES, e.g. 20000x10000/65x100",
                       text);
    if (sparse && (s->nnz > s->d || s->d > KM_BENCH_SPARSE_D))
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

static int bad_option(const char *text, int missing_value, struct km_err *err)
{
    const char *word = text + strspn(text, "-"), *near;
    char name[64];

    if (missing_value)
        return km_fail(err, KM_E_INPUT, "%s: expected a value behind it; see kmeans bench --help",
                       text);
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
    near = km_nearest_option(name, long_options);
    if (near)
        return km_fail(err, KM_E_INPUT, "unknown option %s; did you mean --%s?", text, near);
    return km_fail(err, KM_E_INPUT, "unknown option %s; see kmeans bench --help", text);
}

static int take_option(struct options *o, int c, const char *value, struct km_err *err)
{
    const char *at = value;

    switch (c) {
    case OPT_QUICK:
        o->quick = 1;
        return KM_OK;
    case OPT_JSON:
        o->json = 1;
        return KM_OK;
    case OPT_PACED:
        o->paced = 1;
        return KM_OK;
    case OPT_THREADS:
        o->threads = (int)parse_number(&at, MAX_THREADS);
        if (o->threads == 0 || *at)
            return km_fail(err, KM_E_INPUT, "--threads: found \"%s\", expected 1 to %d", value,
                           MAX_THREADS);
        return KM_OK;
    case OPT_ONLY:
        o->only = value;
        return KM_OK;
    case OPT_SHAPE:
        return parse_shape(o, value, err);
    default:
        o->help = 1;
        return KM_OK;
    }
}

static int parse_options(struct options *o, int argc, char **argv, struct km_err *err)
{
    int c, rc;

    *o = (struct options){0};
    opterr = 0;
    optind = 1;
    while ((c = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
        if (c == '?' || c == ':') {
            char letter[3] = {'-', (char)optopt, '\0'};
            int is_long = strncmp(argv[optind - 1], "--", 2) == 0;

            return bad_option(is_long ? argv[optind - 1] : letter, c == ':', err);
        }
        rc = take_option(o, c, optarg, err);
        if (rc)
            return rc;
    }
    if (optind < argc)
        return km_fail(err, KM_E_INPUT,
                       "found \"%s\", expected only options; see kmeans bench "
                       "--help",
                       argv[optind]);
    return KM_OK;
}

/* ---- output ---- */

/* What one lane of one shape comes to. */
struct figures {
    double seconds, rows_per_s, gflops, gbytes; /* gflops 0: unknown */
    double peak_gflops, read_gbytes;
    double unsure;    /* share of the rows that float32 did not decide; -1: not known */
    double objective; /* 0: none */
};

static struct figures figures_of(struct km_lane *lane)
{
    const struct km_bench_shape *s = &lane->data->shape;
    struct figures f = {.seconds = km_samples_median(&lane->seconds)};
    double values = (double)(s->nnz ? s->nnz : s->d) * (double)s->n;
    double bytes = s->nnz ? sizeof(float) + sizeof(uint32_t) : sizeof(float); /* of a value */

    f.rows_per_s = (double)s->n / f.seconds;
    if (s->kind != KM_SHAPE_SHRINK) { /* its iterations are not counted */
        f.gflops = 2e-9 * values * (double)s->k / f.seconds;
        f.gbytes = 1e-9 * bytes * values / f.seconds;
    }
    if (s->kind == KM_SHAPE_SEED)
        f.gbytes *= (double)s->k; /* a pass for every center */
    f.unsure = s->kind == KM_SHAPE_PASS && !s->nnz ? km_assign_unsure(&lane->assign) : -1;
    f.peak_gflops = 1e-9 * km_samples_median(&lane->fma);
    f.read_gbytes = 1e-9 * km_samples_median(&lane->read);
    return f;
}

static void print_json(const struct km_lane *lane, const struct figures *f)
{
    const struct km_bench_shape *s = &lane->data->shape;

    printf("{\"name\": \"%s\", \"n\": %zu, \"d\": %zu, \"K\": %zu, \"nnz\": %zu, \"batch\": %zu, "
           "\"threads\": %d, \"isa\": \"%s\", \"seconds\": %.6g, \"rows_per_s\": %.6g, ",
           s->name, s->n, s->d, s->k, s->nnz, s->batch, km_pool_threads(lane->pool),
           lane->kern->name, f->seconds, f->rows_per_s);
    if (f->gflops > 0)
        printf("\"gflops\": %.6g, \"gb_per_s\": %.6g, ", f->gflops, f->gbytes);
    else
        printf("\"gflops\": null, \"gb_per_s\": null, ");
    printf("\"peak_gflops\": %.6g, \"read_gb_per_s\": %.6g", f->peak_gflops, f->read_gbytes);
    if (f->unsure >= 0)
        printf(", \"unsure\": %.3g", f->unsure);
    if (f->objective > 0)
        printf(", \"objective\": %.9g", f->objective);
    puts("}");
    fflush(stdout);
}

static void print_title(const struct bench *b)
{
    char line[256], cpu[200] = "unknown CPU";
    FILE *f = fopen("/proc/cpuinfo", "re");

    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "model name : %199[^\n]", cpu) == 1)
            break;
    if (f)
        fclose(f);
    printf("kmeans " KM_VERSION " on %s, %d CPU%s, kernels %s\n\n", cpu, km_cpus(),
           km_cpus() == 1 ? "" : "s", b->kern->name);
    puts(
        "| shape                | threads | isa     |    Mrow/s |   GFLOP/s | FMA peak |     GB/s |"
        " memory | roof   |        ms | x 1 thread |    unsure |\n"
        "|----------------------|--------:|---------|----------:|----------:|---------:|---------:|"
        "-------:|--------|----------:|-----------:|----------:|");
    fflush(stdout);
}

static void print_row(const struct km_lane *lane, const struct figures *f, double one_thread)
{
    double fma = f->gflops / f->peak_gflops, read = f->gbytes / f->read_gbytes;
    char ratio[16] = "", unsure[16] = "";

    if (one_thread > 0)
        snprintf(ratio, sizeof(ratio), "%.2f", one_thread / f->seconds);
    if (f->unsure >= 0)
        snprintf(unsure, sizeof(unsure), "%.3f %%", 100 * f->unsure);
    printf("| %-20s | %7d | %-7s | %9.4f |", lane->data->shape.name, km_pool_threads(lane->pool),
           lane->kern->name, 1e-6 * f->rows_per_s);
    if (f->gflops > 0)
        printf(" %9.1f | %6.1f %% | %8.2f | %4.0f %% | %-6s |", f->gflops, 100 * fma, f->gbytes,
               100 * read, fma >= read ? "FMA" : "memory");
    else
        printf(" %9s | %8s | %8s | %6s | %-6s |", "", "", "", "", "");
    printf(" %9.3f | %10s | %9s |\n", 1e3 * f->seconds, ratio, unsure);
    fflush(stdout);
}

static void print_peaks(struct bench *b)
{
    puts("\nPeaks, medians of the run:\n");
    for (size_t i = 0; i < b->lanes; i++)
        printf(
            "- %d thread%s: %.0f GFLOP/s of multiply-adds, %.1f GB/s read from memory (%zu MB)\n",
            km_pool_threads(b->pool[i]), km_pool_threads(b->pool[i]) == 1 ? "" : "s",
            km_samples_median(&b->fma[i]), km_samples_median(&b->read[i]),
            b->peak.floats * sizeof(float) >> 20);
}

/* ---- a shape ---- */

static void print_shape(struct bench *b, struct km_lane *lanes)
{
    double objective = 0, one_thread = 0;

    if (b->o->json && lanes->data->shape.kind == KM_SHAPE_PASS)
        objective = km_lane_objective(&lanes[b->lanes - 1]); /* the same for all lanes */
    for (size_t i = 0; i < b->lanes; i++) {
        struct figures f = figures_of(&lanes[i]);

        f.objective = objective;
        b->fma[i].v[b->fma[i].n++] = f.peak_gflops;
        b->read[i].v[b->read[i].n++] = f.read_gbytes;
        if (b->o->json)
            print_json(&lanes[i], &f);
        else
            print_row(&lanes[i], &f, one_thread);
        if (km_pool_threads(lanes[i].pool) == 1)
            one_thread = f.seconds;
    }
}

/* Rounds of all lanes in turn, so that a disturbance hits them alike. */
static int run_rounds(struct bench *b, struct km_lane *lanes, struct km_err *err)
{
    int rounds = lanes->data->shape.kind == KM_SHAPE_SHRINK ? 1 : b->rounds;
    int rc = KM_OK;

    for (int r = 0; rc == KM_OK && r < rounds; r++)
        for (size_t i = 0; rc == KM_OK && i < b->lanes; i++)
            rc = km_lane_round(&lanes[i], &b->peak, b->seconds, err);
    if (rc == KM_OK)
        print_shape(b, lanes);
    return rc;
}

/* Says that it is ready; then a round and its figures for each line, of this round alone. */
static int run_paced(struct bench *b, struct km_lane *lane, struct km_err *err)
{
    char line[64];
    int rc = KM_OK;

    puts("ready");
    fflush(stdout);
    while (rc == KM_OK && fgets(line, sizeof(line), stdin)) {
        struct figures f;

        lane->seconds.n = lane->fma.n = lane->read.n = 0;
        if (strcmp(line, "objective\n") == 0) {
            printf("{\"objective\": %.9g}\n", km_lane_objective(lane));
            fflush(stdout);
            continue;
        }
        rc = km_lane_round(lane, &b->peak, b->seconds, err);
        if (rc)
            return rc;
        f = figures_of(lane);
        f.objective = 0;
        print_json(lane, &f);
    }
    return rc;
}

static int run_shape(struct bench *b, const struct km_bench_shape *shape, struct km_err *err)
{
    struct km_lane lanes[MAX_LANES] = {{0}};
    struct km_shape_data data = {0};
    double need = km_bench_shape_bytes(shape, b->lanes), have = (double)km_memory_available();
    size_t n = 0;
    int rc;

    if (need > have)
        return km_fail(err, KM_E_MEM, "shape %s needs %.0f MB, %.0f MB are free", shape->name,
                       need / 1e6, have / 1e6);
    rc = km_shape_data_init(&data, shape, b->pool[b->lanes - 1], err);
    for (; rc == KM_OK && n < b->lanes; n++)
        rc = km_lane_init(&lanes[n], &data, b->kern, b->pool[n], err);
    if (rc == KM_OK)
        rc = b->o->paced ? run_paced(b, lanes, err) : run_rounds(b, lanes, err);
    for (size_t i = 0; i < n; i++)
        km_lane_done(&lanes[i]);
    km_shape_data_done(&data);
    return rc;
}

/* ---- the run ---- */

/* The shapes that are asked for, as a list of at most MAX_SHAPES; 0 and a message if none. */
static size_t select_shapes(const struct km_bench_shape **list, const struct options *o,
                            struct km_err *err)
{
    const struct km_bench_shape *from = o->n_own ? o->own : shapes;
    const char *words[MAX_SHAPES + 1] = {NULL};
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

/* KM_L3_MB, or that of this CPU. */
static int l3_bytes(size_t *bytes, struct km_err *err)
{
    const char *text = getenv("KM_L3_MB");
    char *end;
    long mb;

    *bytes = km_peak_l3();
    if (!text || !*text)
        return KM_OK;
    mb = strtol(text, &end, 10);
    if (mb < 0 || mb > 65536 || *end)
        return km_fail(err, KM_E_INPUT, "KM_L3_MB is '%s'; expected megabytes from 0 to 65536",
                       text);
    *bytes = (size_t)mb << 20;
    return KM_OK;
}

static int bench_init(struct bench *b, struct km_err *err)
{
    int cpus = km_cpus(), threads = b->o->threads ? b->o->threads : cpus;
    size_t l3 = 0;
    int rc = km_kernels_pick(&b->kern, getenv("KM_ISA"), err);

    if (rc == KM_OK)
        rc = l3_bytes(&l3, err);
    b->rounds = b->o->quick ? 3 : 5;
    b->seconds = b->o->quick ? 0.05 : 0.15;
    if (!b->o->threads)
        b->lanes = 1;
    if (rc == KM_OK && threads > 1)
        rc = km_pool_open(&b->pool[b->lanes], threads, err);
    if (threads > 1 || b->lanes == 0)
        b->lanes++;
    if (rc == KM_OK)
        rc = km_peak_init(&b->peak, b->kern->name, l3, b->pool[b->lanes - 1], err);
    for (size_t i = 0; i < b->lanes; i++) {
        b->fma[i] = (struct km_samples){b->values[2 * i], 0, MAX_SHAPES};
        b->read[i] = (struct km_samples){b->values[2 * i + 1], 0, MAX_SHAPES};
    }
    return rc;
}

static int bench(const struct options *o, struct km_err *err)
{
    const struct km_bench_shape *list[MAX_SHAPES];
    struct bench b = {.o = o};
    size_t n = select_shapes(list, o, err);
    int rc;

    if (n == 0)
        return err->code;
    if (o->paced && (n != 1 || !o->threads))
        return km_fail(err, KM_E_INPUT, "--paced wants one shape (--only) and --threads");
    rc = bench_init(&b, err);
    if (rc == KM_OK && !o->json && !o->paced)
        print_title(&b);
    for (size_t i = 0; rc == KM_OK && i < n; i++) {
        rc = run_shape(&b, list[i], err);
        if (rc == KM_E_MEM && n > 1) { /* a small machine still wants the others */
            fprintf(stderr, "kmeans bench: left out: %s\n", err->msg);
            rc = KM_OK;
        }
    }
    if (rc == KM_OK && !o->json && !o->paced)
        print_peaks(&b);
    km_peak_done(&b.peak);
    for (size_t i = 0; i < MAX_LANES; i++)
        km_pool_close(b.pool[i]);
    return rc;
}

int km_bench_main(int argc, char **argv)
{
    struct options o;
    struct km_err err = {0};
    int rc = parse_options(&o, argc, argv, &err);

    if (rc == KM_OK && o.help) {
        fputs(usage, stdout);
        return 0;
    }
    if (rc == KM_OK)
        rc = bench(&o, &err);
    if (rc)
        fprintf(stderr, "kmeans bench: %s\n", err.msg);
    return !rc ? 0 : rc == KM_E_INPUT ? 2 : 3;
}
