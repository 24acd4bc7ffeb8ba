/* SPDX-License-Identifier: Apache-2.0 */
#include "train/json.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The platform allows 100 hyperparameters of 2,500 characters; more than this is another file. */
#define MOST_BYTES ((size_t)4 << 20)

static int read_text(int fd, const char *path, struct km_text *text, struct km_err *err)
{
    char buf[4096];

    for (;;) {
        ssize_t got = read(fd, buf, sizeof(buf));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return km_fail_errno(err, "%s: cannot read the file", path);
        if (got == 0)
            break;
        if (text->n + (size_t)got > MOST_BYTES)
            return km_fail(err, KM_E_INPUT, "%s: more than %zu bytes, expected a small JSON object",
                           path, MOST_BYTES);
        km_text_add_bytes(text, buf, (size_t)got);
    }
    return text->failed ? km_fail(err, KM_E_MEM, "%s: no memory to read the file", path) : KM_OK;
}

static int parse(const char *path, const struct km_text *text, json_t **object, struct km_err *err)
{
    size_t skip = text->n >= 3 && memcmp(text->s, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    json_error_t why;

    *object =
        json_loadb(text->n ? text->s + skip : "", text->n - skip, JSON_REJECT_DUPLICATES, &why);
    if (!*object && json_error_code(&why) == json_error_out_of_memory)
        return km_fail(err, KM_E_MEM, "%s: no memory to parse the file", path);
    if (!*object)
        return km_fail(err, KM_E_INPUT, "%s: line %d, column %d: not valid JSON: %s", path,
                       why.line, why.column, why.text);
    if (json_is_object(*object))
        return KM_OK;
    json_decref(*object);
    *object = NULL;
    return km_fail(err, KM_E_INPUT, "%s: line 1: found a JSON list, expected an object {...}",
                   path);
}

int km_json_load(const char *path, json_t **object, struct km_err *err)
{
    struct km_text text = {0};
    int fd, rc;

    *object = NULL;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return KM_OK;
    if (fd < 0)
        return km_fail_errno(err, "%s: cannot open the file", path);
    rc = read_text(fd, path, &text, err);
    if (rc == KM_OK)
        rc = parse(path, &text, object, err);
    km_free(text.s);
    close(fd);
    return rc;
}

static int add_piece(const char *bytes, size_t n, void *text)
{
    km_text_add_bytes(text, bytes, n);
    return 0;
}

void km_json_add(struct km_text *t, const json_t *value)
{
    if (json_dump_callback(value, add_piece, t, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)))
        t->failed = 1;
}
