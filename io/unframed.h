/* SPDX-License-Identifier: Apache-2.0 */
/* Private to io: Records of protobuf that stand in a file without RecordIO frames. */
#ifndef KM_IO_UNFRAMED_H
#define KM_IO_UNFRAMED_H

#include <stddef.h>

/** Whether the first n bytes of a file are Records, each behind its length, as far as they are
 * there. */
int km_unframed_delimited(const unsigned char *p, size_t n);

/** Whether they are one Record, as far as it is there. */
int km_unframed_record(const unsigned char *p, size_t n);

#endif
