/* SPDX-License-Identifier: Apache-2.0 */
/* One input of a conversion: idx, CSV or RecordIO, as rows. */
#ifndef KM_CLI_SOURCE_H
#define KM_CLI_SOURCE_H

#include "io/idx.h"
#include "io/shard.h"

enum km_source_kind { KM_FROM_ANY, KM_FROM_IDX, KM_FROM_CSV, KM_FROM_RECORDIO };

/** Either idx or shard is open. */
struct km_source {
    const char *path;
    enum km_source_kind kind; /* of what is open, never KM_FROM_ANY */
    struct km_idx *idx;
    unsigned char *bytes; /* one image */
    struct km_format format;
    struct km_shard *shard;
};

/**
 * Opens an input of that kind (KM_FROM_ANY: its first bytes decide), CSV as format says;
 * s->format.feature_dim tells its width afterwards, 0 if it has no row. km_source_close also after
 * a failure.
 */
int km_source_open(struct km_source *s, const char *path, enum km_source_kind kind,
                   const struct km_format *format, struct km_err *err);

/** The next rows of an input, as km_shard_read. */
int km_source_read(struct km_source *s, struct km_mat *x, size_t *rows, struct km_err *err);

void km_source_close(struct km_source *s);

#endif
