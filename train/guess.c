/* SPDX-License-Identifier: Apache-2.0 */
#include "train/guess.h"

#include "base/aside.h"
#include "base/mem.h"

#include <string.h>
#include <sys/stat.h>

/* A look at the first bytes of a file, which outlives its caller if it is left behind. */
struct first_bytes {
    const char *path;
    const char *content_type;
    int rc;
    struct km_err err;
};

/* RecordIO files begin with a number that no CSV file begins with. */
static void guess_content_type(void *arg)
{
    static const unsigned char magic[] = {0x0a, 0x23, 0xd7, 0xce};
    struct first_bytes *f = arg;
    const unsigned char *p;
    struct km_stream *s = NULL;
    size_t got;

    f->rc = km_stream_keep(f->path, &f->err); /* a pipe shows its first bytes once */
    if (f->rc == KM_OK)
        f->rc = km_stream_open(&s, f->path, &f->err);
    if (f->rc == KM_OK)
        f->rc = km_stream_peek(s, sizeof(magic), &p, &got, &f->err);
    if (f->rc == KM_OK)
        f->content_type = got >= sizeof(magic) && memcmp(p, magic, sizeof(magic)) == 0
                              ? "application/x-recordio-protobuf"
                              : "text/csv;label_size=0";
    km_stream_close(s);
}

/* Waits for the first bytes, but not for longer than the job may. */
static int look_at_bytes(const char *path, const char **content_type, struct km_err *err)
{
    struct first_bytes *f = km_alloc(1, sizeof(*f));
    int rc;

    if (!f)
        return km_fail(err, KM_E_MEM, "%s: no memory to look at it", path);
    f->path = path;
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
    struct stat st;

    *content_type = NULL;
    if (files->n == 0)
        return KM_OK;
    if (ranks == 1 || (stat(files->path[0], &st) == 0 && S_ISREG(st.st_mode)))
        return look_at_bytes(files->path[0], content_type, err);
    km_problem(problems,
               "%s: the content type of what is no regular file must be given: "
               "application/x-recordio-protobuf or text/csv;label_size=0",
               files->path[0]);
    return KM_OK;
}
