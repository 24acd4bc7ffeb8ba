/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is this file? From its first bytes, and from its name where these say no more than "a zip"
 * or nothing, so that a file of another format is refused for what it is, with what to do.
 */
#ifndef KM_IO_PROBE_H
#define KM_IO_PROBE_H

#include <stddef.h>

struct km_format_kind; /* io/format.h */

/** So many bytes are looked at, at most; fewer are fine. */
#define KM_PROBE_BYTES 4096

struct km_probe {
    /** Of our formats the one that the bytes are of; NULL: they do not say. */
    const struct km_format_kind *kind;
    int is_text;      /**< text of no other kind: may be CSV */
    char what[128];   /**< behind "the file": "is a Parquet file"; empty: nothing known */
    const char *todo; /**< a sentence's end: "convert it to ..."; static */
};

/**
 * Judges a file by its first n bytes and its path. What may be rows is never called something else:
 * the formats that we read come before all others, text is something else only where it begins as
 * no line of CSV does (HTML, XML, JSON, a pointer of Git LFS), and the name counts only for a zip
 * archive or bytes that are no text. Cannot fail, allocates nothing, reads nothing.
 */
void km_probe(struct km_probe *probe, const unsigned char *p, size_t n, const char *path);

#endif
