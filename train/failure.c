/* SPDX-License-Identifier: Apache-2.0 */
/* The last words of a run: log lines, the failure file, the exit code. */
#include "train/failure.h"

#include "base/log.h"
#include "base/text.h"
#include "io/writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_CHARS     1024 /* what the platform shows of a failure file */
#define CHARS_FOR_REST 40   /* kept free for "... and 123 more problem(s)" */

/* A text with a bound in characters. On the stack: memory may be what is missing. */
struct words {
    char s[4 * MOST_CHARS + 1];
    size_t bytes;
    size_t chars;
};

struct verdict {
    const char *prefix;
    const char *advice; /* in front of the message */
    int exit_code;
};

static struct verdict judge(int code)
{
    switch (code) {
    case KM_E_INPUT:
        return (struct verdict){"Customer Error: ", "", 2};
    case KM_E_MEM:
        return (struct verdict){"Customer Error: ",
                                "Out of Memory. Please use a larger instance type or reduce "
                                "mini_batch_size, k or extra_center_factor: ",
                                2};
    case KM_E_SYS:
    case KM_E_PEER:
        return (struct verdict){"Platform Error: ", "", 3};
    default:
        return (struct verdict){"Algorithm Error: ", "", 1};
    }
}

static size_t count_chars(const char *s)
{
    size_t chars = 0;

    for (; *s; chars++) {
        size_t n = km_utf8_length(s);

        s += n ? n : 1;
    }
    return chars;
}

/* Adds the part of s that keeps w within `most` characters; what is no UTF-8 becomes '?'. */
static void add_words(struct words *w, const char *s, size_t most)
{
    while (*s && w->chars < most) {
        size_t n = km_utf8_length(s);

        if (n)
            memcpy(w->s + w->bytes, s, n);
        else
            w->s[w->bytes] = '?';
        w->bytes += n ? n : 1;
        w->chars++;
        s += n ? n : 1;
    }
    w->s[w->bytes] = '\0';
}

/* What is to be said, one text after the other: the error and the problems of the request. */
struct story {
    const struct km_problems *problems;
    const struct km_err *err;
    size_t n;
    int own; /* the error stands in front; else it only repeats the problems */
};

static struct story tell(const struct km_problems *problems, const struct km_err *err)
{
    struct story t = {problems, err, problems ? problems->list.n : 0, 1};

    t.own = t.n == 0 || err->code != KM_E_INPUT;
    t.n += (size_t)t.own;
    return t;
}

static const char *part(const struct story *t, size_t i)
{
    if (t->own && i == 0)
        return t->err->msg;
    return t->problems->list.s[i - (size_t)t->own];
}

/* Whole problems as long as they fit, then how many there are besides. Only the first is ever cut.
 */
static void compose(struct words *w, const struct story *t, const struct verdict *v)
{
    size_t i = 1;
    char rest[64];

    memset(w, 0, sizeof(*w));
    add_words(w, v->prefix, MOST_CHARS);
    add_words(w, v->advice, MOST_CHARS);
    add_words(w, part(t, 0), t->n > 1 ? MOST_CHARS - CHARS_FOR_REST : MOST_CHARS);
    for (; i < t->n; i++) {
        size_t limit = i + 1 < t->n ? MOST_CHARS - CHARS_FOR_REST : MOST_CHARS;

        if (w->chars + 1 + count_chars(part(t, i)) > limit)
            break;
        add_words(w, "\n", MOST_CHARS);
        add_words(w, part(t, i), MOST_CHARS);
    }
    snprintf(rest, sizeof(rest), "\n... and %zu more problem(s)", t->n - i);
    if (i < t->n)
        add_words(w, rest, MOST_CHARS);
}

/* The platform makes output/ itself; somebody who lays out a folder by hand may not. */
static void make_parent(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');

    if (!slash || slash == path)
        return;
    snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
    if (mkdir(folder, 0755) && errno != EEXIST)
        km_log(KM_WARNING, "Cannot create %s: %s", folder, strerror(errno));
}

static int write_file(const char *path, const struct words *w, struct km_err *err)
{
    struct km_writer *file;
    int rc = km_writer_open(&file, path, err);

    if (rc)
        return rc;
    rc = km_writer_put(file, w->s, w->bytes, err);
    if (rc) {
        km_writer_abort(file);
        return rc;
    }
    return km_writer_commit(file, err);
}

int km_failure_report(const char *path, const struct km_problems *problems,
                      const struct km_err *err)
{
    struct story t = tell(problems, err);
    struct verdict v = judge(err->code);
    struct km_err why;
    struct words w;

    for (size_t i = 0; i < t.n; i++)
        km_log(KM_ERROR, "%s%s%s", v.prefix, i == 0 ? v.advice : "", part(&t, i));
    if (path[0] == '\0')
        return v.exit_code;
    compose(&w, &t, &v);
    make_parent(path);
    if (write_file(path, &w, &why))
        km_log(KM_WARNING, "The failure text could not be written: %s", why.msg);
    return v.exit_code;
}

int km_failure_exit(const struct km_err *err)
{
    return judge(err->code).exit_code;
}
