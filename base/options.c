/* SPDX-License-Identifier: Apache-2.0 */
#include "base/options.h"

#include "base/mem.h"
#include "base/nearest.h"

#include <ctype.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number of an option for getopt: each has its own, as among options of one number getopt takes
 * an ambiguous beginning for the first of them. Letters are below. */
#define FIRST 256

/* Whether the n characters of a word are the beginning of a name, with - and _ the same. */
static int begins(const char *word, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (word[i] != name[i] && !(strchr("-_", word[i]) && name[i] && strchr("-_", name[i])))
            return 0;
    return 1;
}

/* Dashes and underscores become those of the table. */
static void fold(const struct km_options *o, char **argv)
{
    for (char **a = argv + 1; *a && strcmp(*a, "--") != 0; a++) {
        char *word = *a + 2;
        size_t n, i = 0;

        if (strncmp(*a, "--", 2) != 0)
            continue;
        n = strcspn(word, "=");
        while (i < o->n && !begins(word, n, o->table[i].name))
            i++;
        if (i < o->n)
            memcpy(word, o->table[i].name, n);
    }
}

static const char *nearest(const struct km_options *o, const char *word)
{
    const char *best = o->nearest ? o->nearest(word) : NULL;
    int fewest = INT_MAX;

    if (best)
        return best;
    for (size_t i = 0; i < o->n; i++) {
        int edits = km_edits(word, o->table[i].name);

        if (edits < fewest && km_is_near(word, edits)) {
            fewest = edits;
            best = o->table[i].name;
        }
    }
    return best;
}

/* What getopt does not know: a letter, a word, or a value where none belongs. */
static int unknown(const struct km_options *o, const char *arg, struct km_err *err)
{
    const char *word = arg + strspn(arg, "-"), *near;
    char name[64];

    if (optopt > 0 && optopt < FIRST && isgraph(optopt))
        return km_fail(err, KM_E_INPUT, "unknown option -%c%s%s", optopt,
                       o->example ? ": options are words, such as " : "",
                       o->example ? o->example : "");
    if (optopt >= FIRST)
        return km_fail(err, KM_E_INPUT, "--%s takes no value", o->table[optopt - FIRST].name);
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
    near = nearest(o, name);
    return near ? km_fail(err, KM_E_INPUT, "unknown option %s; did you mean --%s?", arg, near)
                : km_fail(err, KM_E_INPUT, "unknown option %s", arg);
}

static int take_number(int *field, const struct km_option *option, const char *value,
                       struct km_err *err)
{
    size_t n = strlen(value);
    long v = n && n < 10 && strspn(value, "0123456789") == n ? strtol(value, NULL, 10) : -1;

    if (v < option->least || v > option->most)
        return km_fail(err, KM_E_INPUT, "--%s: found \"%s\", expected %d to %d", option->name,
                       value, option->least, option->most);
    *field = (int)v;
    return KM_OK;
}

static int take_word(int *field, const struct km_option *option, const char *value,
                     struct km_err *err)
{
    const struct km_word *w = option->words;
    char list[200] = "";

    for (; w->name; w++) {
        size_t used = strlen(list);

        if (strcmp(value, w->name) == 0) {
            *field = w->value;
            return KM_OK;
        }
        snprintf(list + used, sizeof(list) - used, "%s%s",
                 used == 0   ? ""
                 : w[1].name ? ", "
                             : " or ",
                 w->name);
    }
    return km_fail(err, KM_E_INPUT, "--%s: found \"%s\", expected %s", option->name, value, list);
}

static int take(const struct km_option *option, void *into, const char *value, struct km_err *err)
{
    void *field = (char *)into + option->offset;

    switch (option->kind) {
    case KM_OPT_FLAG:
        *(int *)field = 1;
        return KM_OK;
    case KM_OPT_TEXT:
        *(const char **)field = value;
        return KM_OK;
    case KM_OPT_NUMBER:
        return take_number(field, option, value, err);
    case KM_OPT_WORD:
        return take_word(field, option, value, err);
    case KM_OPT_TAKE:
        return option->take(into, option, value, err);
    case KM_OPT_HELP:
        break;
    }
    return KM_MORE;
}

/* The table as getopt wants it: words, and letters. */
static int translate(const struct km_options *o, struct option **longs, char **letters,
                     struct km_err *err)
{
    char *letter;

    *longs = km_alloc(o->n + 1, sizeof(**longs));
    *letters = km_alloc(2 * o->n + 2, 1);
    if (!*longs || !*letters)
        return km_fail(err, KM_E_MEM, "no memory for %zu options", o->n);
    letter = *letters;
    *letter++ = ':'; /* a missing value is told apart */
    for (size_t i = 0; i < o->n; i++) {
        const struct km_option *option = &o->table[i];

        (*longs)[i] = (struct option){option->name, option->value ? required_argument : no_argument,
                                      NULL, FIRST + (int)i};
        if (option->letter)
            *letter++ = option->letter;
        if (option->letter && option->value)
            *letter++ = ':';
    }
    return KM_OK;
}

/* The option that getopt calls by its number or its letter. */
static const struct km_option *find(const struct km_options *o, int c)
{
    size_t i = 0;

    if (c >= FIRST)
        return &o->table[c - FIRST];
    while (o->table[i].letter != c)
        i++;
    return &o->table[i];
}

int km_options_take(const struct km_options *o, void *into, int argc, char **argv, int *first,
                    struct km_err *err)
{
    struct option *longs = NULL;
    char *letters = NULL;
    int c, rc = translate(o, &longs, &letters, err);

    if (o->fold)
        fold(o, argv);
    opterr = 0;
    optind = 0; /* a fresh start, whoever used getopt before */
    while (rc == KM_OK && (c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (c == '?')
            rc = unknown(o, argv[optind - 1], err);
        else if (c == ':')
            rc = km_fail(err, KM_E_INPUT, "--%s needs a value", find(o, optopt)->name);
        else
            rc = take(find(o, c), into, optarg, err);
    }
    *first = optind;
    km_free(longs);
    km_free(letters);
    return rc;
}

/* "  -o, --output FILE", filled with blanks up to the column, or a line of its own. */
static void add_name(const struct km_options *o, const struct km_option *option,
                     struct km_text *text)
{
    size_t start = text->n, used;

    km_text_add(text, "  ");
    if (option->letter)
        km_text_add(text, "-%c, ", option->letter);
    km_text_add(text, "--%s%s%s", option->name, option->value ? " " : "",
                option->value ? option->value : "");
    used = text->n - start;
    if (used < (size_t)o->column)
        km_text_add(text, "%*s", o->column - (int)used, "");
    else
        km_text_add(text, "\n%*s", o->column, "");
}

void km_options_help(const struct km_options *o, struct km_text *text)
{
    km_text_add(text, "%s", o->before);
    for (size_t i = 0; i < o->n; i++) {
        const char *line = o->table[i].help;

        if (!line)
            continue;
        add_name(o, &o->table[i], text);
        for (size_t n; n = strcspn(line, "\n"), line[n]; line += n + 1)
            km_text_add(text, "%.*s\n%*s", (int)n, line, o->column, "");
        km_text_add(text, "%s\n", line);
    }
    km_text_add(text, "%s", o->after);
}
