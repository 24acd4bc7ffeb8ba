/* SPDX-License-Identifier: Apache-2.0 */
#include "io/format.h"

#include "io/gunzip.h"
#include "io/probe.h"

#include <inttypes.h>
#include <string.h>

/* The default first. */
static const struct km_format_kind *const kinds[] = {&km_format_recordio, &km_format_csv,
                                                     &km_format_idx, NULL};

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

    while (*k && (!(*k)->content_type || strcmp((*k)->content_type, content_type) != 0))
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

const struct km_format_kind *km_format_guess(const unsigned char *p, size_t n)
{
    const struct km_format_kind *kind = km_format_of_bytes(p, n);

    return kind && kind->content_type ? kind : &km_format_csv;
}

int km_format_detect(const struct km_format_kind **kind, struct km_stream **s, struct km_err *err)
{
    const char *path = km_stream_path(*s);
    struct km_probe probe;
    const unsigned char *p;
    size_t got;
    int zipped = 0, rc = km_stream_peek(*s, FIRST_BYTES, &p, &got, err);

    if (rc)
        return rc;
    km_probe(&probe, p, got, path);
    rc = km_gunzip(s, &zipped, err);
    if (rc == KM_OK && zipped)
        rc = km_stream_peek(*s, FIRST_BYTES, &p, &got, err);
    if (rc)
        return rc;
    *kind = zipped ? km_format_of_bytes(p, got) : probe.kind;
    if (zipped && !(*kind && (*kind)->may_be_zipped))
        return km_fail(err, KM_E_INPUT,
                       "%s: byte 0: found gzip that holds no idx file; only idx is "
                       "read compressed: the file %s; %s",
                       path, probe.what, probe.todo);
    if (!*kind && probe.what[0])
        return km_fail(err, KM_E_INPUT,
                       "%s: the file %s, expected idx, CSV or RecordIO-protobuf; %s", path,
                       probe.what, probe.todo);
    if (!*kind)
        *kind = &km_format_csv;
    return KM_OK;
}

int km_format_place(struct km_err *err, const struct km_scan *s, const char *unit, uint64_t at)
{
    struct km_err inner = *err;

    return km_fail(err, inner.code, "%s: %s %" PRIu64 " at byte %" PRIu64 ": %s",
                   km_stream_path(s->stream), unit, s->number, at, inner.msg);
}
