/* SPDX-License-Identifier: Apache-2.0 */
/* The work of `kmeans convert`: rows of several inputs into one output. */
#ifndef KM_CLI_CONVERSION_H
#define KM_CLI_CONVERSION_H

#include "io/format.h"

#include <stdint.h>

/** What is converted into what. All texts are the caller's. */
struct km_conversion {
    const struct km_format_kind *from; /* NULL: seen from the first bytes */
    const struct km_format_kind *to;
    const char *output;
    uint64_t first, end; /* rows */
    double times, over;  /* the scale as a fraction, so that 1/256 and 1/3 are rounded once */
    int shards;
    int label_size;
    int feature_dim;    /* 0: the first row decides */
    const char *member; /* of numpy archives; NULL: the only one */
    int from_zero;      /* svmlight: indices count from 0 */
    int header;         /* enum km_header_rule */
    struct km_dialect dialect;
    char **inputs;
    int n_inputs;
};

/** Does it, and tells on standard error how it went. */
int km_conversion_run(const struct km_conversion *o, struct km_err *err);

#endif
