/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is this file? From its first bytes, and from its name where these say no more than "a zip"
 * or nothing, so that a file of another format is refused for what it is, with what to do.
 */
#ifndef KM_IO_PROBE_H
#define KM_IO_PROBE_H

#include <stddef.h>

enum km_probe_kind {
    KM_PROBE_UNKNOWN, /**< bytes that say nothing, or none at all */
    KM_PROBE_TEXT,    /**< text of no other kind: may be CSV */
    KM_PROBE_RECORDIO,
    KM_PROBE_IDX,    /**< MNIST's format, which only `kmeans convert` reads; see what and todo */
    KM_PROBE_FOREIGN /**< something that cannot be read; see what and todo */
};

/** So many bytes are looked at, at most; fewer are fine. */
#define KM_PROBE_BYTES 4096

struct km_probe {
    enum km_probe_kind kind;
    char what[128];   /**< behind "the file": "is a Parquet file" */
    const char *todo; /**< a sentence's end: "convert it to ..."; static */
};

/**
 * Judges a file by its first n bytes and its path. What may be rows is never called foreign: the
 * magic of RecordIO comes before everything else, text is foreign only where it begins as no line
 * of CSV does (HTML, XML, JSON, a pointer of Git LFS), and the name counts only for a zip archive
 * or bytes that are no text. Cannot fail, allocates nothing, reads nothing.
 */
void km_probe(struct km_probe *probe, const unsigned char *p, size_t n, const char *path);

#endif
