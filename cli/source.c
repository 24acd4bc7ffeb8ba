/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/source.h"

#include "io/file.h"

#include <errno.h>
#include <sys/stat.h>

static int check_path(const char *path, struct km_err *err)
{
    struct stat st;
    int missing = stat(path, &st) != 0, rc;

    if (!missing && S_ISDIR(st.st_mode))
        return km_fail(err, KM_E_INPUT, "%s: is a folder, expected a file; name the files in it",
                       path);
    if (!missing || (errno != ENOENT && errno != ENOTDIR && errno != ELOOP))
        return KM_OK; /* or opening it says why */
    rc = km_link_fail(path, err);
    return rc ? rc : km_fail(err, KM_E_INPUT, "%s: there is no such file", path);
}

int km_source_open(struct km_reader **r, const char *path, struct km_format *format,
                   struct km_err *err)
{
    struct km_stream *stream;
    int rc = check_path(path, err);

    *r = NULL;
    if (!rc)
        rc = km_stream_open(&stream, path, err);
    if (rc)
        return rc;
    if (!format->kind)
        rc = km_format_detect(&format->kind, &stream, err);
    if (!rc)
        return km_reader_open(r, stream, format, NULL, err);
    km_stream_close(stream);
    return rc;
}
