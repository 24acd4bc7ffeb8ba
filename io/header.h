/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first line of a CSV file: names of columns, or the first row? docs/formats.md has the rules.
 * Names are kept for messages.
 */
#ifndef KM_IO_HEADER_H
#define KM_IO_HEADER_H

#include "io/csv.h"
#include "io/dialect.h"
#include <stdint.h>

/** What a user says about first lines (RFC 4180's parameter header); AUTO: it is seen from them. */
enum km_header_rule { KM_HEADER_AUTO, KM_HEADER_PRESENT, KM_HEADER_ABSENT };

/** The header of a channel's files, zeroed at the start; km_header_done at the end. */
struct km_header {
    char *line; /* (len) its text, a copy; NULL: no file began with one so far */
    size_t len;
    const char *path;          /* of the first file that has it; the caller's */
    struct km_dialect dialect; /* of its text */
    /* Names, and how many of them are of label columns; 0 names: they do not fit the rows. */
    size_t columns, skip;
    size_t index;   /* column (from 1) that counts the rows or has no name; 0: none seen */
    int rows_first; /* a file of several lines began with a row: so do the others, and it again */
    int looked;     /* the lines of a first file have been looked at */
    int said;       /* that it is one, header=present did */
    char warning[640]; /* what a person should look at, with file; empty: nothing */
    char late[512];    /* the same of a file that has a header where the first one had none */
};

/** Frees what it holds. */
void km_header_done(struct km_header *h); /* zeroed is fine */

/** What a first line is judged by. */
struct km_header_look {
    /* The first ones of the file, KM_CSV_AHEAD if it is the first. */
    const struct km_csv_lines *lines;
    const char *path;
    struct km_dialect dialect;
    enum km_header_rule rule;
    size_t skip; /* label columns of the rows, */
    int guessed; /* which nobody has said */
};

/**
 * Whether the first of the lines is a header (*is_header), which is then to be stepped over; *h
 * learns its names, and what is odd. KM_E_INPUT where it cannot be told, or is not the header of
 * the files before: the message lacks the place.
 */
int km_header_judge(struct km_header *h, const struct km_header_look *look, int *is_header,
                    struct km_err *err);

/** The name of a column (from 1), as km_show; 0 if there is none. */
int km_header_name(const struct km_header *h, size_t column, char *name, size_t size);

/** All names of features, "a, b, c", cut to fit into size. */
void km_header_names(const struct km_header *h, char *text, size_t size);

/** For a channel without rows, "; line 1 of FILE was taken for a header ..."; empty: none was. */
void km_header_note(const struct km_header *h, char *text, size_t size);

/** A number made of the names of the features: equal names, equal numbers. 0: no names. */
uint64_t km_header_hash(const struct km_header *h);

#endif
