/* SPDX-License-Identifier: Apache-2.0 */
#include "io/format.h"

#include "io/gunzip.h"
#include "io/probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The default first. */
static const struct km_format_kind *const kinds[] = {
    &km_format_recordio, &km_format_csv,   &km_format_idx,   &km_format_npy,
    &km_format_svmlight, &km_format_fvecs, &km_format_bvecs, &km_format_ivecs,
    &km_format_fbin,     &km_format_u8bin, &km_format_i8bin, NULL};

#define FIRST_BYTES 8 /* and what comes with them are looked at */

const struct km_format_kind *km_format_at(size_t i)
{
    return kinds[i];
}

const struct km_format_kind *km_format_named(const char *word)
{
    const struct km_format_kind *const *k = kinds;

    while (*k && strcmp((*k)->word, word) != 0)
        k++;
    return *k;
}

const struct km_format_kind *km_format_of_type(const char *content_type)
{
    const struct km_format_kind *const *k = kinds;

    while (*k && (!(*k)->content_type || strcmp((*k)->content_type, content_type) != 0) &&
           (!(*k)->alias || strcmp((*k)->alias, content_type) != 0))
        k++;
    return *k;
}

const struct km_format_kind *km_format_of_bytes(const unsigned char *p, size_t n)
{
    const struct km_format_kind *const *k = kinds;

    while (*k && (!(*k)->is || !(*k)->is(p, n)))
        k++;
    return *k;
}

const struct km_format_kind *km_format_of_file(const unsigned char *p, size_t n, const char *path)
{
    const struct km_format_kind *const *k = kinds, *kind = km_format_of_bytes(p, n);
    size_t len = strlen(path);

    for (; *k; k++) {
        size_t m = (*k)->suffix ? strlen((*k)->suffix) : len + 1;

        if (len >= m && strcasecmp(path + len - m, (*k)->suffix) == 0 && (!kind || !(*k)->is))
            return *k;
    }
    return kind;
}

void km_format_names(char text[KM_FORMAT_NAMES])
{
    size_t used = 0;

    for (const struct km_format_kind *const *k = kinds; *k; k++)
        used += (size_t)snprintf(text + used, KM_FORMAT_NAMES - used, "%s%s",
                                 k == kinds ? ""
                                 : k[1]     ? ", "
                                            : " or ",
                                 (*k)->name);
}

const struct km_format_kind *km_format_guess(const unsigned char *p, size_t n, const char *path)
{
    const struct km_format_kind *kind = km_format_of_file(p, n, path);

    return kind && kind->content_type ? kind : &km_format_csv;
}

int km_format_detect(const struct km_format_kind **kind, struct km_stream **s, struct km_err *err)
{
    const char *path = km_stream_path(*s);
    struct km_probe probe;
    const unsigned char *p;
    size_t got;
    char names[KM_FORMAT_NAMES];
    int zipped = 0, rc = km_stream_peek(*s, FIRST_BYTES, &p, &got, err);

    if (rc)
        return rc;
    km_probe(&probe, p, got, path);
    rc = km_gunzip(s, &zipped, err);
    if (rc == KM_OK && zipped)
        rc = km_stream_peek(*s, FIRST_BYTES, &p, &got, err);
    if (rc)
        return rc;
    km_format_names(names);
    *kind = zipped ? km_format_of_bytes(p, got) : probe.kind;
    if (zipped && !(*kind && (*kind)->may_be_zipped))
        return km_fail(err, KM_E_INPUT,
                       "%s: byte 0: found gzip that holds no idx file; only idx is "
                       "read compressed: the file %s; %s",
                       path, probe.what, probe.todo);
    if (!*kind && probe.what[0])
        return km_fail(err, KM_E_INPUT, "%s: the file %s, expected %s; %s", path, probe.what, names,
                       probe.todo);
    if (!*kind)
        *kind = &km_format_csv;
    return KM_OK;
}

int km_format_fail_width(const struct km_format *f, size_t dim, struct km_err *err)
{
    if (f->good_path || f->dim_path)
        return km_fail(err, KM_E_INPUT,
                       "%zu features, but the first row of %s has %zu; give every row the same "
                       "features",
                       dim, f->dim_path ? f->dim_path : f->good_path, f->feature_dim);
    if (f->dim_of)
        return km_fail(err, KM_E_INPUT,
                       "%zu features, but %s has %zu; give both channels the same features", dim,
                       f->dim_of, f->feature_dim);
    return km_fail(err, KM_E_INPUT, "%zu features, expected %zu (feature_dim)", dim,
                   f->feature_dim);
}

int km_format_place(struct km_err *err, const struct km_scan *s, const char *unit, uint64_t at)
{
    struct km_err inner = *err;

    return km_fail(err, inner.code, "%s: %s %" PRIu64 " at byte %" PRIu64 ": %s",
                   km_stream_path(s->stream), unit, s->number, at, inner.msg);
}
