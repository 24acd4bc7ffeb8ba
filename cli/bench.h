/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `kmeans bench`: what this machine does, shape by shape, beside what it could do. */
#ifndef KM_CLI_BENCH_H
#define KM_CLI_BENCH_H

/** Runs the verb and returns the exit code: 0, 2 (usage), 3 (system). argv[0] = "bench". */
int km_bench_main(int argc, char **argv);

#endif
