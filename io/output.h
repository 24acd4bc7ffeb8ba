/* SPDX-License-Identifier: Apache-2.0 */
/* What a name that is to be written says: that it is one of the inputs, or of another format. */
#ifndef KM_IO_OUTPUT_H
#define KM_IO_OUTPUT_H

#include "base/err.h"
#include <stddef.h>

/**
 * KM_E_INPUT if a regular file of the name `output` exists and is one of the n inputs: under the
 * same name, another one, a symbolic or a hard link. "-" is standard output. Opens nothing.
 */
int km_output_not_input(const char *output, char *const *inputs, size_t n, struct km_err *err);

/** What a suffix makes people, and programs, expect. */
enum km_promise {
    KM_PROMISE_NONE, /* no suffix, or one that we do not know */
    KM_PROMISE_CSV,
    KM_PROMISE_TEXT, /* text of any kind: .txt */
    KM_PROMISE_RECORDIO,
    KM_PROMISE_SVMLIGHT,
    KM_PROMISE_PACKED_MODEL, /* .tar.gz, .tgz */
    KM_PROMISE_MODEL,        /* .params */
    KM_PROMISE_OTHER,        /* something that we never write */
};

/** What the suffix of a path's last component promises, in any case of letters; *what becomes words
 * for it, static ("a NumPy file"), NULL for KM_PROMISE_NONE. */
enum km_promise km_output_promise(const char *path, const char **what);

#endif
