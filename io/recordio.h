/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RecordIO frames: magic 0xced7230a, length, payload, padding to 4 (docs/formats.md). Split records
 * (continuation flag not 0) are refused: no known SageMaker writer makes them and readers disagree.
 */
#ifndef KM_IO_RECORDIO_H
#define KM_IO_RECORDIO_H

#include "io/file.h"

#define KM_RECORDIO_MAGIC 0xced7230au
#define KM_RECORDIO_MAX   0x1fffffffu /* longest payload: the length has 29 bits */

/**
 * The next payload: KM_MORE with *payload (inside the stream's buffer, valid until the next call)
 * and *len; KM_OK at the end of the file on a frame boundary; KM_E_INPUT for foreign or cut bytes,
 * or a payload above max_len (checked before any memory is taken). `record` is the frame's number
 * from 1, for messages.
 */
int km_recordio_next(struct km_stream *s, uint64_t record, size_t max_len,
                     const unsigned char **payload, size_t *len, struct km_err *err);

/** Appends one frame to a file; KM_E_INPUT if the payload is longer than KM_RECORDIO_MAX. */
int km_recordio_put(struct km_writer *w, const void *payload, size_t len, struct km_err *err);

#endif
