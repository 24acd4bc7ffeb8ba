/* SPDX-License-Identifier: Apache-2.0 */
/* The work of `kmeans convert`: rows of several inputs into one output. */
#ifndef KM_CLI_CONVERSION_H
#define KM_CLI_CONVERSION_H

#include "cli/source.h"

#include <stdint.h>

/** What is converted into what. All texts are the caller's. */
struct km_conversion {
    int from; /* enum km_source_kind */
    int to;   /* enum km_format_kind: KM_RECORDIO or KM_CSV */
    const char *output;
    uint64_t first, end; /* rows */
    double times, over;  /* the scale as a fraction, so that 1/256 and 1/3 are rounded once */
    int shards;
    int label_size;
    int header; /* enum km_header_rule */
    struct km_dialect dialect;
    char **inputs;
    int n_inputs;
};

/** "recordio" or "csv". */
const char *km_conversion_name(int to);

/** Does it, and tells on standard error how it went. */
int km_conversion_run(const struct km_conversion *o, struct km_err *err);

#endif
