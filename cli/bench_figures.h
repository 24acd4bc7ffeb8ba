/* SPDX-License-Identifier: Apache-2.0 */
/* What `kmeans bench` prints of a shape: a line of JSON, or a row of the table. */
#ifndef KM_CLI_BENCH_FIGURES_H
#define KM_CLI_BENCH_FIGURES_H

#include "cli/bench_shape.h"

/** What one lane of one shape comes to. */
struct km_figures {
    double seconds, rows_per_s, gflops, gbytes; /* gflops 0: unknown */
    double peak_gflops, read_gbytes;
    double unsure;    /* share of the rows that float32 did not decide; -1: not known */
    double objective; /* 0: none */
};

/** The medians of a lane; without an objective. */
struct km_figures km_figures_of(struct km_lane *lane);

void km_figures_json(const struct km_lane *lane, const struct km_figures *f);

/** The lines above the table, which name the machine. */
void km_figures_title(const struct km_kernels *kern);

/** one_thread: seconds of the same shape on one thread; 0: not known. */
void km_figures_row(const struct km_lane *lane, const struct km_figures *f, double one_thread);

#endif
