/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings on their way in. A value arrives as text, whoever sent it: bare (random), as JSON inside
 * a string ("\"random\""), or as a JSON value, which is turned into its text first.
 */
#include "train/settings.h"

#include "base/mem.h"
#include "base/text.h"
#include "train/json.h"
#include "train/param_value.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* One name that was given. */
struct setting {
    char *name;
    char *given;    /* its value as it came */
    char *value;    /* the same without the quotes of a JSON string */
    int by_command; /* from km_settings_set: a file does not replace it */
};

struct km_settings {
    struct setting *item;
    size_t n, room;
    struct km_text ignored;
};

int km_settings_open(struct km_settings **s, struct km_err *err)
{
    *s = km_alloc(1, sizeof(**s));
    if (!*s)
        return km_fail(err, KM_E_MEM, "no memory for the hyperparameters");
    return KM_OK;
}

void km_settings_close(struct km_settings *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++) {
        km_free(s->item[i].name);
        km_free(s->item[i].given);
        km_free(s->item[i].value);
    }
    km_free(s->item);
    km_free(s->ignored.s);
    km_free(s);
}

/* The platform, its SDKs and the original's engine have names of their own among the
 * hyperparameters. */
static int is_foreign(const char *name)
{
    return name[0] == '_' || strncmp(name, "sagemaker_", strlen("sagemaker_")) == 0;
}

static struct setting *find_setting(const struct km_settings *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->item[i].name, name) == 0)
            return &s->item[i];
    return NULL;
}

/* A copy of a value without the quotes of a JSON string, if it is one. NULL: no memory. */
static char *unquoted(const char *given)
{
    char *copy = NULL;
    json_error_t why;
    json_t *v;

    if (given[0] != '"')
        return km_strdup(given);
    v = json_loads(given, JSON_DECODE_ANY, &why);
    if (v || json_error_code(&why) != json_error_out_of_memory)
        copy = km_strdup(json_is_string(v) ? json_string_value(v) : given);
    json_decref(v);
    if (copy)
        km_utf8_clean(copy); /* an escape may stand for a control character */
    return copy;
}

/* Copies name and value, as valid UTF-8, into a place of the list. */
static int fill(struct setting *item, const char *name, const char *value, int by_command)
{
    item->name = km_strdup(name);
    item->given = km_strdup(value);
    if (item->name)
        km_utf8_clean(item->name);
    if (item->given) {
        km_utf8_clean(item->given);
        item->value = unquoted(item->given);
    }
    item->by_command = by_command;
    return item->name && item->given && item->value ? KM_OK : KM_E_MEM;
}

static int add(struct km_settings *s, const char *name, const char *value, int by_command,
               struct km_err *err)
{
    struct setting fresh = {0};
    struct setting *old = find_setting(s, name);

    if (old && old->by_command && !by_command)
        return KM_OK;
    if (fill(&fresh, name, value, by_command) ||
        km_grow(&s->item, s->n, &s->room, 1, sizeof(*s->item))) {
        km_free(fresh.name);
        km_free(fresh.given);
        km_free(fresh.value);
        return km_fail(err, KM_E_MEM, "no memory for hyperparameter '%.100s'", name);
    }
    old = find_setting(s, name); /* grow moved it */
    if (old) {
        km_free(old->name);
        km_free(old->given);
        km_free(old->value);
        *old = fresh;
        return KM_OK;
    }
    s->item[s->n++] = fresh;
    if (is_foreign(fresh.name))
        km_text_add(&s->ignored, "%s%s", s->ignored.n ? ", " : "", fresh.name);
    return s->ignored.failed ? km_fail(err, KM_E_MEM, "no memory for the names") : KM_OK;
}

int km_settings_take(struct km_settings *s, const json_t *object, struct km_err *err)
{
    const char *name;
    json_t *v;
    int rc = KM_OK;

    json_object_foreach((json_t *)object, name, v)
    {
        struct km_text text = {0};

        if (!json_is_string(v)) {
            km_json_add(&text, v);
            if (text.failed)
                rc = km_fail(err, KM_E_MEM, "no memory for hyperparameter '%.100s'", name);
        }
        if (rc == KM_OK)
            rc = add(s, name, text.s ? text.s : json_string_value(v), 0, err);
        km_free(text.s);
        if (rc)
            break;
    }
    return rc;
}

int km_settings_set(struct km_settings *s, const char *name, const char *value, struct km_err *err)
{
    return add(s, name, value, 1, err);
}

/* Values come as text from anywhere, so what is missing is a matter of names only. */
static int is_required(const struct km_param *q, enum km_need need)
{
    return !q->fallback &&
           (need == KM_NEED_ALL || q->offset != offsetof(struct km_params, feature_dim));
}

static void check_missing(const struct km_settings *s, enum km_need need,
                          struct km_problems *problems)
{
    char names[256] = "";

    for (size_t i = 0; km_param_table[i].name; i++) {
        size_t used = strlen(names);

        if (is_required(&km_param_table[i], need) && !find_setting(s, km_param_table[i].name))
            snprintf(names + used, sizeof(names) - used, "%s'%s'", used ? ", " : "",
                     km_param_table[i].name);
    }
    if (names[0])
        km_problem(problems,
                   "No value(s) were specified for %s which are required hyperparameter(s)", names);
}

static void check_unknown(const struct km_settings *s, struct km_problems *problems)
{
    struct km_text names = {0};

    for (size_t i = 0; i < s->n; i++) {
        const char *name = s->item[i].name, *near;
        char text[KM_SHOWN];

        if (km_param_find(name) || is_foreign(name))
            continue;
        km_text_add(&names, "%s'%s' was unexpected", names.n ? ", " : "",
                    km_param_shown(text, name));
        near = km_param_nearest(name);
        if (near)
            km_text_add(&names, "; did you mean '%s'?", near);
    }
    if (names.failed)
        problems->lost = 1;
    else if (names.n)
        km_problem(problems, "Additional hyperparameters are not allowed (%s)", names.s);
    km_free(names.s);
}

/* Beyond this the number of centers can only be a slip: no machine that this runs on has it. */
#define MOST_CENTER_BYTES ((int64_t)1 << 40)

static void check_sizes(const struct km_params *p, struct km_problems *problems)
{
    int64_t factor =
        p->extra_center_factor == KM_AUTO ? KM_AUTO_CENTER_FACTOR : p->extra_center_factor;
    int64_t centers = p->k * factor; /* both are below 2^31 */
    int64_t bytes;

    if (centers > INT32_MAX)
        km_problem(problems,
                   "k * extra_center_factor = %lld * %lld = %lld centers, at most %d are "
                   "possible: reduce k or extra_center_factor",
                   (long long)p->k, (long long)factor, (long long)centers, INT32_MAX);
    else if (__builtin_mul_overflow(centers * (int64_t)sizeof(float), p->feature_dim, &bytes) ||
             bytes > MOST_CENTER_BYTES)
        km_problem(
            problems,
            "k * extra_center_factor = %lld * %lld centers of feature_dim = %lld values are %.0f "
            "GiB, at most %d are possible: reduce k or extra_center_factor",
            (long long)p->k, (long long)factor, (long long)p->feature_dim,
            (double)centers * (double)p->feature_dim * (double)sizeof(float) / 0x1p30,
            (int)(MOST_CENTER_BYTES >> 30));
}

int km_settings_finish(const struct km_settings *s, enum km_need need, struct km_params *p,
                       struct km_problems *problems, struct km_err *err)
{
    size_t before = problems->list.n;

    memset(p, 0, sizeof(*p));
    if (need != KM_NEED_NONE)
        check_missing(s, need, problems);
    check_unknown(s, problems);
    for (size_t i = 0; km_param_table[i].name; i++) {
        const struct setting *item = find_setting(s, km_param_table[i].name);

        if (item || km_param_table[i].fallback)
            km_param_set(p, &km_param_table[i], item ? item->value : km_param_table[i].fallback,
                         problems);
    }
    if (problems->list.n == before)
        check_sizes(p, problems);
    return km_problems_check(problems, err);
}

static void add_pair(struct km_text *t, const char *name, const char *value)
{
    json_t *pair[] = {json_string(name), json_string(value)};

    km_text_add(t, "%s", t->n ? ", " : "{");
    for (int i = 0; i < 2; i++) {
        if (pair[i])
            km_json_add(t, pair[i]);
        else
            t->failed = 1;
        if (i == 0)
            km_text_add(t, ": ");
        json_decref(pair[i]);
    }
}

/* Closes the object; the text goes to the caller, or away if memory ran out on the way. */
static char *end_object(struct km_text *t)
{
    km_text_add(t, "%s", t->n ? "}" : "{}");
    if (!t->failed)
        return t->s;
    km_free(t->s);
    return NULL;
}

char *km_settings_provided_json(const struct km_settings *s)
{
    struct km_text t = {0};

    for (size_t i = 0; i < s->n; i++)
        add_pair(&t, s->item[i].name, s->item[i].given);
    return end_object(&t);
}

char *km_settings_final_json(const struct km_settings *s)
{
    struct km_text t = {0};

    for (size_t i = 0; km_param_table[i].name; i++) {
        const struct setting *item = find_setting(s, km_param_table[i].name);

        if (item || km_param_table[i].fallback)
            add_pair(&t, km_param_table[i].name, item ? item->value : km_param_table[i].fallback);
    }
    return end_object(&t);
}

int64_t km_settings_integer(const struct km_settings *s, const char *name)
{
    const struct setting *item = find_setting(s, name);
    const struct km_param *q = km_param_find(name);
    int64_t value = 0;

    assert(q && q->kind == KM_P_INTEGER && q->fallback);
    if (!item || km_param_integer(q, item->value, &value))
        km_param_integer(q, q->fallback, &value);
    return value;
}

const char *km_settings_ignored(const struct km_settings *s)
{
    return s->ignored.s ? s->ignored.s : "";
}
