/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of a command line: one table gives the parser, what it says of a slip, and the help
 * text. getopt_long beneath: --name VALUE, --name=VALUE, beginnings of names, options and files in
 * any order, -- ends the options.
 */
#ifndef KM_BASE_OPTIONS_H
#define KM_BASE_OPTIONS_H

#include "base/err.h"
#include "base/text.h"

enum km_option_kind {
    KM_OPT_FLAG,   /* int: 1 when given */
    KM_OPT_TEXT,   /* const char *: the value, of argv */
    KM_OPT_NUMBER, /* int from least to most */
    KM_OPT_WORD,   /* int: what stands beside the word */
    KM_OPT_TAKE,   /* whatever take does with the value */
    KM_OPT_HELP
};

/** A word that may be a value; a list of them ends with a name that is NULL. */
struct km_word {
    const char *name;
    int value;
};

struct km_option {
    const char *name;  /* without the dashes */
    char letter;       /* the same as -x; 0: none */
    const char *value; /* how the help calls what stands behind it; NULL: nothing */
    const char *help;  /* lines of the help text; NULL: the help does not show it */
    enum km_option_kind kind;
    size_t offset; /* of its field in the struct of the verb, by kind */
    int least, most;
    const struct km_word *words;
    int (*take)(void *into, const struct km_option *option, const char *value, struct km_err *err);
};

/** The command line of a verb. */
struct km_options {
    const char *verb;
    const struct km_option *table; /* (n) */
    size_t n;
    const char *before, *after; /* of the help text: what stands around the table */
    int column;                 /* of it: where the help of an option begins */
    int fold;                   /* --mini-batch is the same as --mini_batch */
    const char *example;        /* where no option has a letter, one as it should be: "--k 10" */
    const char *(*nearest)(
        const char *word); /* asked first for the name that a misspelt one may mean */
};

/**
 * Takes all options into the struct *into. KM_OK: *first is the first argument that is none (they
 * stand behind all options now). KM_MORE: the help is asked for. KM_E_INPUT: a slip, or whatever
 * take says.
 */
int km_options_take(const struct km_options *o, void *into, int argc, char **argv, int *first,
                    struct km_err *err);

/** Adds the help text. */
void km_options_help(const struct km_options *o, struct km_text *text);

#endif
