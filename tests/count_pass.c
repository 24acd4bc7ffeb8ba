/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the rows of a shape on one thread, for tests/run_counts.sh, which counts the
 * instructions of its steps under valgrind. Without arguments: which build this is.
 *
 *   count_pass ROWS FEATURES VALUES CENTERS    (VALUES of a sparse row; 0: dense)
 */
#include "cli/bench_shape.h"

#include <stdio.h>
#include <stdlib.h>

static int fail(const struct km_err *err)
{
    fprintf(stderr, "count_pass: %s\n", err->msg);
    return 1;
}

int main(int argc, char **argv)
{
    struct km_bench_shape shape = {.kind = KM_SHAPE_PASS};
    size_t *const part[] = {&shape.n, &shape.d, &shape.nnz, &shape.k};
    const struct km_kernels *kern;
    struct km_shape_data data;
    struct km_lane lane;
    struct km_err err = {0};

    if (argc == 1) {
        puts(KM_BUILD);
        return 0;
    }
    for (int i = 0; i < 4; i++)
        *part[i] = i + 1 < argc ? (size_t)strtoul(argv[i + 1], NULL, 10) : 0;
    if (argc != 5 || shape.k == 0 || shape.k > shape.n || shape.nnz > shape.d) {
        fputs("usage: count_pass ROWS FEATURES VALUES CENTERS\n", stderr);
        return 2;
    }
    if (km_kernels_pick(&kern, getenv("KM_ISA"), &err) ||
        km_shape_data_init(&data, &shape, NULL, &err) ||
        km_lane_init(&lane, &data, kern, NULL, &err) || km_lane_once(&lane, &err) < 0)
        return fail(&err);
    km_lane_done(&lane);
    km_shape_data_done(&data);
    return 0;
}
