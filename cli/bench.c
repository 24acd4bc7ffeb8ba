/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench.h"

#include "base/machine.h"
#include "cli/bench_figures.h"
#include "cli/bench_options.h"
#include "cli/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LANES 2 /* one thread, all threads */

/* What the whole run shares. */
struct bench {
    const struct km_bench_options *o;
    const struct km_kernels *kern;
    struct km_pool *pool[MAX_LANES]; /* NULL: one thread */
    size_t lanes;
    int rounds;
    double seconds; /* of passes in a round, at least */
    struct km_peak peak;
    struct km_samples fma[MAX_LANES], read[MAX_LANES]; /* a median of each shape */
    double values[2 * MAX_LANES][KM_BENCH_SHAPES];
};

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

static void print_shape(struct bench *b, struct km_lane *lanes)
{
    double objective = 0, one_thread = 0;

    if (b->o->json && lanes->data->shape.kind == KM_SHAPE_PASS)
        objective = km_lane_objective(&lanes[b->lanes - 1]); /* the same for all lanes */
    for (size_t i = 0; i < b->lanes; i++) {
        struct km_figures f = km_figures_of(&lanes[i]);

        f.objective = objective;
        b->fma[i].v[b->fma[i].n++] = f.peak_gflops;
        b->read[i].v[b->read[i].n++] = f.read_gbytes;
        if (b->o->json)
            km_figures_json(&lanes[i], &f);
        else
            km_figures_row(&lanes[i], &f, one_thread);
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
        struct km_figures f;

        lane->seconds.n = lane->fma.n = lane->read.n = 0;
        if (strcmp(line, "objective\n") == 0) {
            printf("{\"objective\": %.9g}\n", km_lane_objective(lane));
            fflush(stdout);
            continue;
        }
        rc = km_lane_round(lane, &b->peak, b->seconds, err);
        if (rc)
            return rc;
        f = km_figures_of(lane);
        f.objective = 0;
        km_figures_json(lane, &f);
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
        b->fma[i] = (struct km_samples){b->values[2 * i], 0, KM_BENCH_SHAPES};
        b->read[i] = (struct km_samples){b->values[2 * i + 1], 0, KM_BENCH_SHAPES};
    }
    return rc;
}

static int bench(const struct km_bench_options *o, struct km_err *err)
{
    const struct km_bench_shape *list[KM_BENCH_SHAPES];
    struct bench b = {.o = o};
    size_t n = km_bench_shapes(list, o, err);
    int rc;

    if (n == 0)
        return err->code;
    if (o->paced && (n != 1 || !o->threads))
        return km_fail(err, KM_E_INPUT, "--paced wants one shape (--only) and --threads");
    rc = bench_init(&b, err);
    if (rc == KM_OK && !o->json && !o->paced)
        km_figures_title(b.kern);
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
    struct km_bench_options o = {0};
    struct km_err err = {0};
    int first, rc = km_options_take(&km_bench_command_line, &o, argc, argv, &first, &err);

    if (rc == KM_OK && first < argc)
        rc = km_fail(&err, KM_E_INPUT, "found \"%s\", expected only options", argv[first]);
    if (rc)
        return km_usage(&km_bench_command_line, rc, &err);
    return km_exit_code(km_bench_command_line.verb, bench(&o, &err), &err);
}
