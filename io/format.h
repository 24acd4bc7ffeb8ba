/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formats that rows are read from and written in: a table, one row for each. A new format is a
 * file io/format_NAME.c, which fills a row, and its line in io/format.c; nobody else asks which
 * format it is.
 */
#ifndef KM_IO_FORMAT_H
#define KM_IO_FORMAT_H

#include "base/csr.h"
#include "base/err.h"
#include "io/elements.h"
#include "io/header.h"
#include "io/record.h"
#include "io/skip.h"
#include "io/stream.h"
#include <stdint.h>

/** How the bytes of a channel are to be understood; the same for all its files. */
struct km_format {
    const struct km_format_kind *kind;
    /** Text: columns in front of the features. -1: not said; then decided by the first row: none if
     * it has exactly feature_dim columns or feature_dim is unknown, else one. */
    int label_size;
    /** Features of each row; 0: not said, then the first row decides. */
    size_t feature_dim;
    /** The first row, if it decided: its file (a path of the caller's, not a copy), and its record
     * or line there; for messages about rows of another width. NULL: it was said. */
    const char *dim_path;
    uint64_t dim_row;
    /** The first file that had a row of this width, once there is one; a path of the caller's. */
    const char *good_path;
    /** Whose width this is, for messages, as "the train channel"; NULL: the format's own. */
    const char *dim_of;
    /** Text: how columns and numbers are written, and what first lines are. */
    struct km_dialect dialect;
    enum km_header_rule header_rule;
    /** Text: learns the names of the columns; the caller's. NULL: nobody wants them, and files are
     * not compared. */
    struct km_header *header;
    /** svmlight: indices count from 0, not from 1. */
    int from_zero;
    /** Numpy archives: the array that is meant; empty: the only one. */
    char member[64];
    /** RecordIO: the features under other names that the rows decoded so far had. */
    struct km_record_extras extras;
    /** Rows to pass over, and those that were. */
    struct km_skip skip;
};

/** A file as its format sees it: the bytes of one row after the other. */
struct km_scan {
    struct km_format *format;
    struct km_stream *stream; /* open may put another one in its place, which owns it */
    void *state;              /* the format's own */
    size_t longest;           /* bytes of a row, at most: more is no row */
    uint64_t end;             /* rows that begin at this byte or later are not taken; 0: all are */
    uint64_t number;          /* of the last row taken: its record or line in the file, from 1 */
    int is_first;             /* of the file, as far as is known: the last row taken */
};

/** The bytes of a row, in the stream until it is used again. */
struct km_raw {
    const unsigned char *p; /* (len) */
    size_t len;
    uint64_t at; /* byte of the file at which it begins */
};

/** A row of the table. Functions that fail leave *err without the place, unless it says so. */
struct km_format_kind {
    const char *name;         /**< in messages: "RecordIO-protobuf" */
    const char *word;         /**< in options: "recordio" */
    const char *content_type; /**< of a channel; NULL: no channel may hold it */
    const char *alias;        /**< another name of it, or NULL */
    const char *accepted;     /**< the same with its parameters, where all are listed */
    const char *assumed;      /**< the content type of files that nobody described */
    /** What the content type may have behind it, up to a NULL; NULL: nothing. */
    const char *const *parameters;
    const char *suffix;       /**< names of files that end so are of it, or NULL */
    const char *found, *todo; /**< where another one was expected: behind "the file", and advice */
    int is_text;              /**< lines of columns: labels, headers, dialects */
    int may_be_sparse;        /**< rows may be sparse (decode_sparse) */
    int may_be_zipped;        /**< files are read through gzip, too */
    size_t value_bytes;       /**< fewest bytes of a file that a value of a dense row takes */
    size_t sparse_row_bytes;  /**< fewest that a sparse row takes */
    struct km_elements of;    /**< the numbers of a file, where the format says that */

    /** Whether the first n bytes of a file are of this format and no other; NULL: nothing tells. */
    int (*is)(const unsigned char *p, size_t n);
    /** Makes s->state; NULL: there is none. Then s is at the first row, but for what begin steps
     * over. */
    int (*open)(struct km_scan *s, struct km_err *err);
    void (*close)(struct km_scan *s); /**< also after a failed open */
    /** Steps over what stands in front of the first row; messages have their place. NULL: nothing
     * does. */
    int (*begin)(struct km_scan *s, struct km_err *err);
    /** Goes to the first row that begins at byte `from` (above 0) or later; NULL: rows cannot be
     * divided. */
    int (*find)(struct km_scan *s, uint64_t from, struct km_err *err);
    /** Bytes of a row, at most, as far as the format is complete. */
    size_t (*longest)(const struct km_format *f);
    /** Takes the next row: KM_MORE, KM_OK at the end (also s->end), else a failure, with its place
     * by s->number; then nothing is taken, and the call may be repeated. */
    int (*next)(struct km_scan *s, struct km_raw *raw, struct km_err *err);
    /** Completes s->format from a row, but for feature_dim, which is *dim. */
    int (*width)(struct km_scan *s, const struct km_raw *raw, size_t *dim, struct km_err *err);
    /** Gives s, a copy of a scan, a state of its own, for decode in another thread; `close` frees
     * it. NULL: decode changes nothing of the state. */
    int (*fork)(struct km_scan *s, struct km_err *err);
    /** The values of a row of feature_dim features. Several threads at a time, each with a scan of
     * its own (fork). */
    int (*decode)(struct km_scan *s, const struct km_raw *raw, float *row, struct km_err *err);
    /** The same, of a row of any density, as those that are not 0, added to x; row is scratch.
     * *was_sparse: it was written so. */
    int (*decode_sparse)(struct km_scan *s, const struct km_raw *raw, struct km_csr *x, float *row,
                         int *was_sparse, struct km_err *err);
    /** Puts the place in front of what width or decode said of a row, and what else is known. */
    int (*fail)(struct km_scan *s, const struct km_raw *raw, struct km_err *err);

    /** Bytes of a written row, at most; and the row written to out: how many there are. NULL: not
     * written. */
    size_t (*row_bytes)(size_t dim);
    size_t (*write)(unsigned char *out, const float *row, size_t dim);
};

extern const struct km_format_kind km_format_recordio, km_format_csv, km_format_idx, km_format_npy,
    km_format_svmlight, km_format_fvecs, km_format_bvecs, km_format_ivecs, km_format_fbin,
    km_format_u8bin, km_format_i8bin;

/** The kinds, one after the other, the default first; NULL behind the last. */
const struct km_format_kind *km_format_at(size_t i);

/** The kind of that word, or of that content type (lower case, no parameters); NULL: there is
 * none. */
const struct km_format_kind *km_format_named(const char *word);
const struct km_format_kind *km_format_of_type(const char *content_type);

/** The kind whose first bytes these are; NULL: they tell none. */
const struct km_format_kind *km_format_of_bytes(const unsigned char *p, size_t n);

/** The same for a file of this name. Where any bytes may stand in front (fbin), or none are
 * certain, its suffix tells. */
const struct km_format_kind *km_format_of_file(const unsigned char *p, size_t n, const char *path);

/** The kind of a channel's files that nobody described, from one of them. */
const struct km_format_kind *km_format_guess(const unsigned char *p, size_t n, const char *path);

#define KM_FORMAT_NAMES 160

/** The names of all kinds, for messages: "RecordIO-protobuf, CSV or idx". */
void km_format_names(char text[KM_FORMAT_NAMES]);

/**
 * What *s holds, from its first bytes, none of which is taken: text of no other kind is CSV. Where
 * a format is read through gzip, *s becomes the decompressed stream. KM_E_INPUT: it is none of
 * ours; named for what it is.
 */
int km_format_detect(const struct km_format_kind **kind, struct km_stream **s, struct km_err *err);

/** The first row decides on nothing any more. */
static inline int km_format_complete(const struct km_format *f)
{
    return f->feature_dim > 0 && (!f->kind->is_text || f->label_size >= 0);
}

/** Says of a row of dim features that it is not as wide as the others, and which these are. */
int km_format_fail_width(const struct km_format *f, size_t dim, struct km_err *err);

/** Puts "PATH: UNIT NUMBER at byte AT: " in front of a message, for `fail` of a kind. */
int km_format_place(struct km_err *err, const struct km_scan *s, const char *unit, uint64_t at);

#endif
