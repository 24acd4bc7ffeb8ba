/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `kmeans bench`, and the shapes that it asks for. */
#ifndef KM_CLI_BENCH_OPTIONS_H
#define KM_CLI_BENCH_OPTIONS_H

#include "base/options.h"
#include "cli/bench_shape.h"

#define KM_BENCH_SHAPES 24

struct km_bench_options {
    int quick, json, paced;
    int threads; /* 0: one, and all */
    const char *only;
    struct km_bench_shape own[KM_BENCH_SHAPES]; /* --shape */
    size_t n_own;
};

extern const struct km_options km_bench_command_line;

/** The shapes that are asked for, as a list of at most KM_BENCH_SHAPES; 0 and a message if none. */
size_t km_bench_shapes(const struct km_bench_shape **list, const struct km_bench_options *o,
                       struct km_err *err);

#endif
