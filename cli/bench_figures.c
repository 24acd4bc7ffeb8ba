/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_figures.h"

#include "base/machine.h"

#include <stdio.h>

struct km_figures km_figures_of(struct km_lane *lane)
{
    const struct km_bench_shape *s = &lane->data->shape;
    struct km_figures f = {.seconds = km_samples_median(&lane->seconds)};
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

void km_figures_json(const struct km_lane *lane, const struct km_figures *f)
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

void km_figures_title(const struct km_kernels *kern)
{
    char line[256], cpu[200] = "unknown CPU";
    FILE *f = fopen("/proc/cpuinfo", "re");

    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "model name : %199[^\n]", cpu) == 1)
            break;
    if (f)
        fclose(f);
    printf("kmeans " KM_VERSION " on %s, %d CPU%s, kernels %s\n\n", cpu, km_cpus(),
           km_cpus() == 1 ? "" : "s", kern->name);
    puts(
        "| shape                | threads | isa     |    Mrow/s |   GFLOP/s | FMA peak |     GB/s |"
        " memory | roof   |        ms | x 1 thread |    unsure |\n"
        "|----------------------|--------:|---------|----------:|----------:|---------:|---------:|"
        "-------:|--------|----------:|-----------:|----------:|");
    fflush(stdout);
}

void km_figures_row(const struct km_lane *lane, const struct km_figures *f, double one_thread)
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
