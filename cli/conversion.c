/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/conversion.h"

#include "base/clock.h"
#include "cli/source.h"
#include "io/sink.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define BLOCK_BYTES ((size_t)1 << 20)

/* What the whole conversion carries from input to input. */
struct job {
    const struct km_conversion *o;
    struct km_rows block;
    struct km_room room; /* of it */
    struct km_sink *sink;
    /* features that do not come out, as far as there has been a warning */
    struct km_record_extras extras;
    size_t dim; /* 0: not known yet */
    uint64_t row, written;
    struct km_header header; /* of the inputs that are CSV */
    int told;                /* that there is one has been said */
    int text;                /* an input is CSV */
};

/* One input on its way through. */
struct source {
    const char *path;
    struct km_format format;
    struct km_reader *reader;
};

/* The first input that has rows decides how wide they are, and the output can be opened. */
static int agree_on_width(struct job *job, const struct source *s, struct km_err *err)
{
    const struct km_shape shape = {.d = s->format.feature_dim};
    size_t dim = shape.d;

    if (job->dim == 0) {
        job->dim = dim;
        job->room = km_shape_fit(&shape, BLOCK_BYTES, 0, 1);
        if (km_rows_init(&job->block, &shape, job->room, err))
            return err->code;
        return km_sink_open(&job->sink, job->o->output, job->o->to, (size_t)job->o->shards, dim,
                            err);
    }
    if (dim != job->dim)
        return km_fail(err, KM_E_INPUT,
                       "%s: found rows of %zu columns, expected %zu as in %s; inputs "
                       "of one output must be equally wide",
                       s->path, dim, job->dim, job->o->inputs[0]);
    return KM_OK;
}

static int scale(const struct km_conversion *o, float *row, size_t d, const struct source *s,
                 uint64_t row_number, struct km_err *err)
{
    if (o->times == 1 && o->over == 1)
        return KM_OK;
    for (size_t t = 0; t < d; t++) {
        float v = (float)((double)row[t] * o->times / o->over);

        if (!isfinite(v))
            return km_fail(err, KM_E_INPUT,
                           "%s: row %" PRIu64 ", column %zu: %g times the scale is "
                           "beyond float32; choose a smaller --scale",
                           s->path, row_number, t + 1, (double)row[t]);
        row[t] = v;
    }
    return KM_OK;
}

/* What the first lines of CSV were taken for. */
static void tell_header(struct job *job)
{
    struct km_header *h = &job->header;
    char names[400];

    km_header_names(h, names, sizeof(names));
    if (h->line && !job->told && h->columns == 0)
        fputs("the first line of each file is skipped, as --header present says\n", stderr);
    else if (h->line && !job->told)
        fprintf(stderr, "the first line of %s is a header and is skipped: %s\n", h->path, names);
    job->told |= h->line != NULL;
    if (h->warning[0])
        fprintf(stderr, "warning: %s\n", h->warning);
    if (h->late[0])
        fprintf(stderr, "warning: %s\n", h->late);
    h->warning[0] = h->late[0] = '\0'; /* said */
}

/* Says which features do not come out, each name once. */
static void warn_of_extras(struct job *job, const struct source *s)
{
    const struct km_record_extras *found = &s->format.extras;
    char text[KM_RECORD_EXTRA_TEXT];

    for (size_t i = 0; i < found->n; i++) {
        if (!km_record_extras_add(&job->extras, &found->of[i]))
            continue;
        km_record_extra_text(text, &found->of[i]);
        fprintf(stderr,
                "kmeans convert: warning: %s: %s is ignored; only features[\"values\"] is "
                "converted\n",
                s->path, text);
    }
    if (found->more && !job->extras.more)
        fprintf(stderr, "kmeans convert: warning: %s: features under more names are ignored, too\n",
                s->path);
    job->extras.more |= found->more;
}

/* The rows of a block that are asked for. */
static int put_rows(struct job *job, const struct source *s, size_t rows, struct km_err *err)
{
    const struct km_conversion *o = job->o;
    int rc = KM_OK;

    for (size_t i = 0; !rc && i < rows && job->row < o->end; i++, job->row++) {
        float *row = km_mat_row(&job->block.dense, i);

        if (job->row < o->first)
            continue;
        rc = scale(o, row, job->dim, s, job->row, err);
        if (!rc)
            rc = km_sink_put(job->sink, row, err);
        job->written++;
    }
    return rc;
}

/* All rows of an open input that are asked for. */
static int put_all(struct job *job, struct source *s, struct km_err *err)
{
    size_t rows = 1;
    int rc;

    if (s->format.feature_dim == 0)
        return KM_OK; /* no rows */
    rc = agree_on_width(job, s, err);
    while (!rc && rows > 0 && job->row < job->o->end) {
        job->block.dense.n = 0;
        rc = km_reader_read(s->reader, &job->block, job->room, &rows, err);
        if (!rc)
            rc = put_rows(job, s, rows, err);
    }
    return rc;
}

static int convert_input(struct job *job, const char *path, struct km_err *err)
{
    const struct km_conversion *o = job->o;
    struct source s = {.path = path,
                       .format = {.kind = o->from,
                                  .label_size = o->label_size,
                                  .feature_dim = (size_t)o->feature_dim,
                                  .from_zero = o->from_zero,
                                  .header_rule = (enum km_header_rule)o->header,
                                  .dialect = o->dialect,
                                  .header = &job->header}};
    int rc;

    if (o->member)
        snprintf(s.format.member, sizeof(s.format.member), "%s", o->member);
    rc = km_source_open(&s.reader, path, &s.format, err);
    job->text |= s.format.kind && s.format.kind->is_text;
    if (!rc) {
        tell_header(job);
        rc = put_all(job, &s, err);
    }
    if (!rc)
        warn_of_extras(job, &s);
    km_reader_close(s.reader);
    return rc;
}

static void print_summary(const struct job *job, uint64_t bytes, double seconds)
{
    const struct km_conversion *o = job->o;

    fprintf(stderr, "%" PRIu64 " rows x %zu columns, %" PRIu64 " bytes of %s in %d file%s",
            job->written, job->dim, bytes, o->to->word, o->shards, o->shards == 1 ? "" : "s");
    if (o->label_size > 0)
        fprintf(stderr, ", %d leading column%s of CSV inputs dropped", o->label_size,
                o->label_size == 1 ? "" : "s");
    fprintf(stderr, ", %.2f s\n", seconds);
}

static int check_end(const struct job *job, struct km_err *err)
{
    const struct km_conversion *o = job->o;
    char note[512];

    if (!job->text && (o->header || o->dialect.separator || o->dialect.point))
        return km_fail(err, KM_E_INPUT,
                       "--header, --separator and --decimal are for CSV, but no input is CSV (the "
                       "first is %s); leave them out",
                       o->inputs[0]);
    if (job->written > 0)
        return KM_OK;
    km_header_note(&job->header, note, sizeof(note));
    return km_fail(err, KM_E_INPUT, "%s: nothing to write: the inputs have %" PRIu64 " rows%s",
                   o->output, job->row, job->row ? ", all before the first row of --rows" : note);
}

int km_conversion_run(const struct km_conversion *o, struct km_err *err)
{
    struct job job = {.o = o};
    double start = km_now();
    uint64_t bytes;
    int rc = KM_OK;

    for (int i = 0; !rc && i < o->n_inputs && job.row < o->end; i++)
        rc = convert_input(&job, o->inputs[i], err);
    if (!rc)
        rc = check_end(&job, err);
    if (!rc) {
        rc = km_sink_commit(job.sink, &bytes, err);
        job.sink = NULL;
    }
    if (!rc)
        print_summary(&job, bytes, km_now() - start);
    km_sink_abort(job.sink);
    km_rows_done(&job.block);
    km_header_done(&job.header);
    return rc;
}
