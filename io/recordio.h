/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RecordIO frames: magic 0xced7230a, flag and length, payload, padding to 4 (docs/formats.md). A
 * record is one frame of flag 0, or several of flags 1 (first), 2 (middle), 3 (last): MXNet's
 * writer splits wherever the magic number stands at a multiple of 4 in the payload and leaves it
 * out there, and readers put it back between the parts. The writers of SageMaker never split, and
 * nor do we: their readers take flag and length for one number.
 */
#ifndef KM_IO_RECORDIO_H
#define KM_IO_RECORDIO_H

#include "io/stream.h"

#define KM_RECORDIO_MAGIC  0xced7230au
#define KM_RECORDIO_MAX    0x1fffffffu /* longest payload: the length has 29 bits */
#define KM_RECORDIO_HEADER 8           /* bytes: magic and length */

/**
 * The next payload: KM_MORE with *payload (in the stream, valid until the next call) and *len;
 * KM_OK at the end of the file on a record boundary; KM_E_INPUT for foreign or cut bytes, parts of
 * a split record in another order, or a payload above max_len (checked before any memory is taken).
 * `record` is the record's number from 1, for messages. A whole record is not copied; the parts of
 * a split one are put together beside the stream's buffer. After a failure the stream stands where
 * the record begins, and another call says the same.
 */
int km_recordio_next(struct km_stream *s, uint64_t record, size_t max_len,
                     const unsigned char **payload, size_t *len, struct km_err *err);

/**
 * Goes to the first record that begins at byte `from` or later, so that a reader from there and one
 * that stopped there give each record once; to the end of the file if there is none. Where a record
 * on the way is damaged, to that one, for km_recordio_next to tell. max_len as for
 * km_recordio_next. KM_OK, or KM_E_SYS or KM_E_MEM. A regular file only.
 *
 * Exact, not a guess: the result is the one of reading from the first byte (io/recordio_find.c). A
 * few MB are read (twice the longest record), whatever the size of the file.
 */
int km_recordio_find(struct km_stream *s, uint64_t from, size_t max_len, struct km_err *err);

/** Whether n bytes begin with the magic number. */
int km_recordio_is(const unsigned char *p, size_t n);

/** Bytes of the frame that begins with these KM_RECORDIO_HEADER bytes; 0 if they are no header, or
 * one of a payload above max_len. *first: a record begins with this frame (else it is a later part
 * of a split one). */
size_t km_recordio_frame_at(const unsigned char *header, size_t max_len, int *first);

/** Makes one frame of the payload of len bytes (KM_RECORDIO_MAX at most) at out +
 * KM_RECORDIO_HEADER: header in front, up to 3 bytes of padding behind. Bytes of the frame. */
size_t km_recordio_frame(unsigned char *out, size_t len);

#endif
