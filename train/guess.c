/* SPDX-License-Identifier: Apache-2.0 */
#include "train/guess.h"

#include "base/aside.h"
#include "base/mem.h"
#include "io/format.h"

#define FIRST_BYTES 8 /* and what comes with them tell the format */

/* A look at the first bytes of the first file, which outlives its caller if it is left behind. */
struct first_bytes {
    const struct km_files *files;
    const char *content_type;
    int rc;
    struct km_err err;
};

static void guess_content_type(void *arg)
{
    struct first_bytes *f = arg;
    const unsigned char *p;
    struct km_stream *s;
    size_t got;

    f->rc = km_files_look(f->files, 0, &s, &f->err);
    if (f->rc)
        return;
    f->rc = km_stream_peek(s, FIRST_BYTES, &p, &got, &f->err);
    if (f->rc == KM_OK)
        f->content_type = km_format_guess(p, got, f->files->path[0])->assumed;
    km_files_hold(f->files, 0, s);
}

/* Waits for the first bytes, but not for longer than the job may. */
static int look_at_bytes(const struct km_files *files, const char **content_type,
                         struct km_err *err)
{
    struct first_bytes *f = km_alloc(1, sizeof(*f));
    const char *path = files->path[0];
    int rc;

    if (!f)
        return km_fail(err, KM_E_MEM, "%s: no memory to look at it", path);
    f->files = files;
    rc = km_aside(guess_content_type, f, err);
    if (rc == KM_MORE)
        return km_fail(
            err, KM_E_SYS,
            "the job was asked to stop while waiting for the first bytes of %s, so there "
            "is no model",
            path);
    if (rc == KM_OK && (rc = f->rc))
        *err = f->err;
    *content_type = f->content_type;
    km_free(f);
    return rc;
}

int km_guess_content_type(const char **content_type, const struct km_files *files, int ranks,
                          struct km_problems *problems, struct km_err *err)
{
    *content_type = NULL;
    if (files->n == 0)
        return KM_OK;
    if (ranks == 1 || km_files_regular(files, 0))
        return look_at_bytes(files, content_type, err);
    km_problem(problems,
               "%s: the content type of what is no regular file must be given: "
               "application/x-recordio-protobuf or text/csv;label_size=0",
               files->path[0]);
    return KM_OK;
}
