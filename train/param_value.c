/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the text of one hyperparameter to its field. Texts are as strict as the original's (no sign,
 * no blank, no 5000.0), except where its own clients disagree about the spelling.
 */
#include "train/param_value.h"

#include "base/number.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Enough of a value to recognise it. */
const char *km_param_shown(char out[KM_SHOWN], const char *value)
{
    snprintf(out, KM_SHOWN, "%.100s%s", value, strlen(value) > 100 ? "..." : "");
    return out;
}

static const char *pattern(const struct km_param *q)
{
    return q->least ? "^([1-9][0-9]*)$" : "^(0|[1-9][0-9]*)$";
}

int km_param_integer(const struct km_param *q, const char *text, int64_t *value)
{
    size_t n = strlen(text);

    if (n == 0 || strspn(text, "0123456789") != n || (text[0] == '0' && (n > 1 || q->least > 0)))
        return -1;
    errno = 0;
    *value = strtoll(text, NULL, 10);
    return errno || *value > q->most ? -1 : 0;
}

static void set_integer(struct km_problems *problems, const struct km_param *q, const char *text,
                        int64_t *field)
{
    const char *word = q->kind == KM_P_INTEGER_OR_AUTO    ? "auto"
                       : q->kind == KM_P_INTEGER_OR_ERROR ? "error"
                                                          : NULL;
    char or_word[16] = "";
    char range[64], value[KM_SHOWN];
    size_t digits = strspn(text, "0123456789");

    if (word && strcmp(text, word) == 0) {
        *field = q->kind == KM_P_INTEGER_OR_AUTO ? KM_AUTO : 0;
        return;
    }
    if (word)
        snprintf(or_word, sizeof(or_word), "'%s' or ", word);
    if (km_param_integer(q, text, field) == 0)
        return;
    if (q->most < INT32_MAX)
        snprintf(range, sizeof(range), "from %d to %d", (int)q->least, (int)q->most);
    else if (text[digits] == '\0' && digits && text[0] != '0')
        snprintf(range, sizeof(range), "of %d or more, up to %lld", (int)q->least,
                 (long long)q->most);
    else
        snprintf(range, sizeof(range), "of %d or more", (int)q->least);
    km_problem(
        problems,
        "The value '%s' is not valid for the '%s' hyperparameter which expects %san integer %s, in "
        "digits only (a string which matches the pattern '%s')",
        km_param_shown(value, text), q->name, or_word, range, pattern(q));
}

static void set_real(struct km_problems *problems, const struct km_param *q, const char *text,
                     double *field)
{
    char value[KM_SHOWN];
    char *end;

    /* strtod alone would take blanks, signs, hexadecimal numbers, nan and inf as well */
    if ((isdigit((unsigned char)text[0]) || text[0] == '.') &&
        strspn(text, "0123456789.eE+-") == strlen(text)) {
        *field = strtod(text, &end);
        if (*end == '\0' && *field >= (double)q->least && *field <= (double)q->most)
            return;
    }
    km_problem(
        problems,
        "The value '%s' is not valid for the '%s' hyperparameter which expects a number from %d to "
        "%d, such as 0.0001 or 1e-05",
        km_param_shown(value, text), q->name, (int)q->least, (int)q->most);
}

static void bad_choice(struct km_problems *problems, const struct km_param *q, const char *text,
                       const char *choices)
{
    char value[KM_SHOWN];

    km_problem(problems,
               "The value '%s' is not valid for the '%s' hyperparameter which accepts one of the "
               "following: %s",
               km_param_shown(value, text), q->name, choices);
}

static void set_boolean(struct km_problems *problems, const struct km_param *q, const char *text,
                        int *field)
{
    *field = strcasecmp(text, "true") == 0; /* as Python, R and shells write it */
    if (*field || strcasecmp(text, "false") == 0)
        return;
    bad_choice(problems, q, text, "'true', 'false'");
}

/* The original's pages spell the second one in both ways. */
static void set_init(struct km_problems *problems, const struct km_param *q, const char *text,
                     enum km_init *field)
{
    int plusplus = strcmp(text, "kmeans++") == 0 || strcmp(text, "k-means++") == 0;

    *field = plusplus ? KM_INIT_PLUSPLUS : KM_INIT_RANDOM;
    if (plusplus || strcmp(text, "random") == 0)
        return;
    bad_choice(problems, q, text, "'random', 'kmeans++'");
}

static const char *skip_blanks(const char *t)
{
    return t + strspn(t, " \t");
}

/* Takes the name at *t, with or without quotes. Its first byte and length, or NULL if malformed. */
static const char *next_name(const char **t, size_t *n)
{
    char quote[2] = "";
    const char *from;

    *t = skip_blanks(*t);
    if (**t == '"' || **t == '\'')
        quote[0] = *(*t)++;
    from = *t;
    *n = strcspn(from, quote[0] ? quote : " \t,[]\"'");
    *t = from + *n;
    if (quote[0] && **t != quote[0])
        return NULL;
    *t = skip_blanks(quote[0] ? *t + 1 : *t);
    return *n ? from : NULL;
}

static int is_name(const char *from, size_t n, const char *name)
{
    return n == strlen(name) && memcmp(from, name, n) == 0;
}

/* A name that is no metric. */
struct stranger {
    const char *from;
    size_t n;
};

/*
 * A JSON list; but also [msd,ssd] as the Spark client sends it, ['msd'] as Python prints it, and
 * one bare name. -1 if it is malformed; so is an empty list, which would measure nothing without a
 * word.
 */
static int take_metrics(const char *t, struct km_params *p, struct stranger *stranger)
{
    int listed, more;

    t = skip_blanks(t);
    listed = *t == '[';
    t += listed;
    do {
        size_t n;
        const char *from = next_name(&t, &n);

        if (!from)
            return -1;
        if (is_name(from, n, "msd"))
            p->eval_msd = 1;
        else if (is_name(from, n, "ssd"))
            p->eval_ssd = 1;
        else
            *stranger = (struct stranger){from, n};
        more = listed && *t == ',';
        t += more;
    } while (more);
    if (listed && *t != ']')
        return -1;
    return *skip_blanks(t + listed) ? -1 : 0;
}

static void set_metrics(struct km_problems *problems, const char *text, struct km_params *p)
{
    struct stranger stranger = {NULL, 0};
    char value[KM_SHOWN];

    if (take_metrics(text, p, &stranger))
        km_problem(
            problems,
            "Hyperparameter must be valid json, but found eval_metrics: %s; "
            "expected a list of at least one metric, such as [\"msd\"] or [\"msd\", \"ssd\"]",
            km_param_shown(value, text));
    else if (stranger.n)
        km_problem(problems,
                   "The list of values for hyperparameter 'eval_metrics' contains invalid value: "
                   "['%.*s']. The supported values are: ['msd', 'ssd']",
                   stranger.n > 100 ? 100 : (int)stranger.n, stranger.from);
}

static void set_missing(struct km_problems *problems, const struct km_param *q, const char *text,
                        struct km_missing *field)
{
    *field = (struct km_missing){.skip = 1};
    if (strcmp(text, "error") == 0)
        field->skip = 0;
    else if (strcmp(text, "skip") != 0 &&
             !(field->has_stand_in = km_parse_float(text, strlen(text), &field->stand_in) == 0))
        bad_choice(problems, q, text, "'error', 'skip', a number that stands for a missing value");
}

/* The table says where the field is, the kind which type it has. */
void km_param_set(struct km_params *p, const struct km_param *q, const char *text,
                  struct km_problems *problems)
{
    void *field = (char *)p + q->offset;

    switch (q->kind) {
    case KM_P_INTEGER:
    case KM_P_INTEGER_OR_AUTO:
    case KM_P_INTEGER_OR_ERROR:
        set_integer(problems, q, text, field);
        break;
    case KM_P_REAL:
        set_real(problems, q, text, field);
        break;
    case KM_P_BOOLEAN:
        set_boolean(problems, q, text, field);
        break;
    case KM_P_INIT_METHOD:
        set_init(problems, q, text, field);
        break;
    case KM_P_METRICS:
        set_metrics(problems, text, p);
        break;
    case KM_P_MISSING:
        set_missing(problems, q, text, field);
        break;
    }
}
