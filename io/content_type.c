/* SPDX-License-Identifier: Apache-2.0 */
#include "io/content_type.h"

#include "base/nearest.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t"

/* What is read, and who is told what is ignored. */
struct type {
    const char *text;
    struct km_format *format;
    void (*warn)(const char *text);
};

/* One parameter, both parts without blanks and quotes. */
struct parameter {
    char name[64];
    char value[128];
};

/* Copies n bytes, less the blanks at their ends; cut where `size` ends. */
static void copy(char *out, size_t size, const char *from, size_t n)
{
    size_t used = 0;

    while (n && strchr(BLANKS, *from)) {
        from++;
        n--;
    }
    while (n && strchr(BLANKS, from[n - 1]))
        n--;
    for (size_t i = 0; i < n && used + 1 < size; i++)
        out[used++] = from[i];
    out[used] = '\0';
}

/* The same in lower case. */
static void copy_lower(char *out, size_t size, const char *from, size_t n)
{
    copy(out, size, from, n);
    for (; *out; out++)
        *out = (char)tolower((unsigned char)*out);
}

/* Takes a quoted value from *t, which stands on the quote. -1 if the quote never ends. */
static int take_quoted(const char **t, char *out, size_t size)
{
    const char *c = *t + 1;
    size_t used = 0;

    for (; *c != '"'; c++) {
        if (*c == '\\')
            c++;
        if (*c == '\0')
            return -1;
        if (used + 1 < size)
            out[used++] = *c;
    }
    out[used] = '\0';
    *t = c + 1 + strcspn(c + 1, ";");
    return 0;
}

/* Takes the parameter at *t and steps over the ';' behind it. -1 if it is malformed. */
static int take_parameter(const char **t, struct parameter *p)
{
    size_t n = strcspn(*t, "=;");
    const char *end;

    memset(p, 0, sizeof(*p));
    copy_lower(p->name, sizeof(p->name), *t, n);
    end = *t + n;
    if (*end == '=') {
        end++;
        end += strspn(end, BLANKS);
        if (*end == '"') {
            if (take_quoted(&end, p->value, sizeof(p->value)))
                return -1;
        } else {
            n = strcspn(end, ";");
            if (strcmp(p->name, "member") == 0)
                copy(p->value, sizeof(p->value), end, n);
            else
                copy_lower(p->value, sizeof(p->value), end, n);
            end += n;
        }
    }
    *t = *end == ';' ? end + 1 : end;
    return 0;
}

/* A parameter that was there before with another value: which of them is meant? */
static int fail_twice(const struct parameter *p, const char *before, struct km_err *err)
{
    return km_fail(err, KM_E_INPUT,
                   "The content type has %s twice, as '%s' and as '%s'; give it once", p->name,
                   before, p->value);
}

static int set_label_size(struct km_format *format, const struct parameter *p, struct km_err *err)
{
    char before[24];
    size_t n = strlen(p->value);
    long size;

    errno = 0;
    size = strtol(p->value, NULL, 10);
    if (n == 0 || strspn(p->value, "0123456789") != n || errno || size > INT32_MAX)
        return km_fail(err, KM_E_INPUT,
                       "The value '%s' is not valid for label_size in the content type, which "
                       "expects the number of columns in front of the features: 0 or more",
                       p->value);
    snprintf(before, sizeof(before), "%d", format->label_size);
    if (format->label_size >= 0 && format->label_size != (int)size)
        return fail_twice(p, before, err);
    format->label_size = (int)size;
    return KM_OK;
}

int km_header_rule(enum km_header_rule *rule, const char *text)
{
    static const char *const words[] = {"auto", "present", "absent"};

    for (int i = 0; i < 3; i++)
        if (strcmp(text, words[i]) == 0) {
            *rule = (enum km_header_rule)i;
            return 0;
        }
    return -1;
}

static int set_header(struct km_format *format, const struct parameter *p, struct km_err *err)
{
    enum km_header_rule rule, before = format->header_rule;

    if (p->value[0] && strcmp(p->value, "auto") != 0 && km_header_rule(&rule, p->value) == 0) {
        format->header_rule = rule;
        if (before != KM_HEADER_AUTO && before != rule)
            return fail_twice(p, before == KM_HEADER_PRESENT ? "present" : "absent", err);
        return KM_OK;
    }
    return km_fail(
        err, KM_E_INPUT,
        "The value '%s' is not valid for header in the content type, which expects present (the "
        "first line of each file is skipped) or absent (it is a row)",
        p->value);
}

static int set_base(struct km_format *format, const struct parameter *p, struct km_err *err)
{
    if (strcmp(p->value, "0") != 0 && strcmp(p->value, "1") != 0)
        return km_fail(err, KM_E_INPUT,
                       "The value '%s' is not valid for index_base in the content type, which "
                       "expects the index of the first feature: 0 or 1",
                       p->value);
    format->from_zero = p->value[0] == '0';
    return KM_OK;
}

static int set_member(struct km_format *format, const struct parameter *p, struct km_err *err)
{
    size_t n = strlen(p->value);

    if (n == 0 || n >= sizeof(format->member))
        return km_fail(err, KM_E_INPUT,
                       "The value '%s' is not valid for member in the content type, which expects "
                       "the name of an array of at most %zu characters",
                       p->value, sizeof(format->member) - 1);
    memcpy(format->member, p->value, n + 1);
    return KM_OK;
}

static int ignore(const struct type *t, const struct parameter *p, const char *why)
{
    char text[600];

    snprintf(text, sizeof(text), "Parameter '%s%s%s' of content type '%.200s' %s and is ignored",
             p->name, p->value[0] ? "=" : "", p->value, t->text, why);
    if (t->warn)
        t->warn(text);
    return KM_OK;
}

/* A name that nobody knows: nearly one that we know is a mistake that would cost data. */
static int check_unknown(const struct type *t, const struct parameter *p, struct km_err *err)
{
    const char *const *known = t->format->kind->parameters;
    char word[sizeof(p->name)];
    const char *near;

    snprintf(word, sizeof(word), "%.*s", (int)strcspn(p->name, ": "), p->name);
    near = km_nearest_word(word, known);
    if (near)
        return km_fail(err, KM_E_INPUT,
                       "The content type '%.200s' has the parameter '%s'; did you mean %s=%s?",
                       t->text, p->name, near,
                       strcmp(near, "label_size") == 0   ? "N"
                       : strcmp(near, "header") == 0     ? "present"
                       : strcmp(near, "index_base") == 0 ? "0"
                                                         : "NAME");
    return ignore(t, p, "is not known");
}

/* The parameters of all kinds, and what takes them. */
static const struct {
    const char *name;
    int (*set)(struct km_format *format, const struct parameter *p, struct km_err *err);
} setters[] = {{"label_size", set_label_size},
               {"header", set_header},
               {"index_base", set_base},
               {"member", set_member}};

static int take_one(const struct type *t, const struct parameter *p, struct km_err *err)
{
    const char *const *own = t->format->kind->parameters;

    if (strcmp(p->name, "charset") == 0 || (!p->name[0] && !p->value[0]))
        return KM_OK;
    if (!own)
        return ignore(t, p, "means nothing for it");
    while (*own && strcmp(*own, p->name) != 0)
        own++;
    for (size_t i = 0; *own && i < sizeof(setters) / sizeof(*setters); i++)
        if (strcmp(setters[i].name, *own) == 0)
            return setters[i].set(t->format, p, err);
    return check_unknown(t, p, err);
}

static int take_parameters(const struct type *t, const char *at, struct km_err *err)
{
    while (*at) {
        struct parameter p;
        int rc;

        if (take_parameter(&at, &p))
            return km_fail(err, KM_E_INPUT,
                           "The content type '%.200s' has a quote (\") that does not end", t->text);
        rc = take_one(t, &p, err);
        if (rc)
            return rc;
    }
    return KM_OK;
}

static int fail_type(const char *type, struct km_err *err)
{
    const struct km_format_kind *kind;
    char all[800] = "";
    size_t used = 0;

    for (size_t i = 0; (kind = km_format_at(i)); i++)
        if (kind->content_type)
            used += (size_t)snprintf(all + used, sizeof(all) - used, "%s'%s'", used ? ", " : "",
                                     kind->accepted);
    return km_fail(err, KM_E_INPUT,
                   "No iterator has been registered for ContentType ('%s', '1.0'). Accepted "
                   "content types: %s",
                   type, all);
}

int km_content_type_parse(const char *text, struct km_format *format, char *name, size_t name_size,
                          void (*warn)(const char *text), struct km_err *err)
{
    const struct km_format_kind *kind;
    struct type t = {text, format, warn};
    char type[128];
    size_t n;

    if (!text || text[strspn(text, BLANKS)] == '\0')
        t.text = km_format_at(0)->content_type;
    n = strcspn(t.text, ";");
    copy_lower(type, sizeof(type), t.text, n);
    kind = km_format_of_type(type);
    *format = (struct km_format){.kind = kind ? kind : km_format_at(0), .label_size = -1};
    if (!kind)
        return fail_type(type, err);
    snprintf(name, name_size, "%s", type);
    return take_parameters(&t, t.text[n] ? t.text + n + 1 : "", err);
}
