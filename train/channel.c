/* SPDX-License-Identifier: Apache-2.0 */
#include "train/channel.h"

#include "base/log.h"
#include <inttypes.h>
#include <string.h>

/* Says what the content type left open and the first row decided. */
static void log_labels(const struct km_channel *channel, const struct km_format *found, size_t d)
{
    if (channel->format.label_size >= 0 || found->label_size < 0 || d == 0)
        return;
    if (found->label_size)
        km_log(
            KM_INFO,
            "channel '%s': the content type has no label_size; the first of %zu columns is taken "
            "for the label",
            channel->name, d + 1);
    else
        km_log(
            KM_INFO,
            "channel '%s': the content type has no label_size, and lines have exactly feature_dim "
            "= %zu columns: no label is assumed",
            channel->name, d);
}

const char *km_channel_once(const struct km_files *files)
{
    for (size_t i = 0; i < files->n; i++)
        if (!km_files_regular(files, i))
            return files->path[i];
    return NULL;
}

static void log_names(const struct km_channel *channel, const struct km_header *h)
{
    char names[400];

    km_header_names(h, names, sizeof(names));
    if (h->columns == 0)
        km_log(
            KM_INFO,
            "channel '%s': the first line of each file is skipped, as header=present says; in %s "
            "it does not have as many fields as the rows, and gives no names",
            channel->name, h->path);
    else
        km_log(KM_INFO,
               "channel '%s': the first line of %s is a header and is skipped, also where other "
               "files begin with it: %zu column(s) of features: %s",
               channel->name, h->path, h->columns - h->skip, names);
}

enum { SAID_NAMES = 1, SAID_WARNING = 2, SAID_LATE = 4 };

/* What the first lines of CSV files were taken for. */
static void log_header(int *said, const struct km_channel *channel, const struct km_feed *feed)
{
    const struct km_header *h = km_feed_format(feed)->header;

    if (km_feed_stopped(feed)) /* then the reader thread may be at it */
        return;
    if (h->line && !(*said & SAID_NAMES))
        log_names(channel, h);
    if (h->warning[0] && !(*said & SAID_WARNING))
        km_log(KM_WARNING, "%s", h->warning);
    if (h->late[0] && !(*said & SAID_LATE))
        km_log(KM_WARNING, "%s", h->late);
    *said |= (h->line ? SAID_NAMES : 0) | (h->warning[0] ? SAID_WARNING : 0) |
             (h->late[0] ? SAID_LATE : 0);
}

/* Says which features are not clustered, each name once. */
static void warn_of_extras(struct km_record_extras *said, struct km_feed *feed, const char *channel)
{
    struct km_record_extras found = km_feed_extras(feed);
    char text[KM_RECORD_EXTRA_TEXT];

    for (size_t i = 0; i < found.n; i++) {
        if (!km_record_extras_add(said, &found.of[i]))
            continue;
        km_record_extra_text(text, &found.of[i]);
        km_log(KM_WARNING,
               "channel '%s': %s is ignored; only features[\"values\"] is clustered: write the "
               "numbers of all features under that name if they are to count",
               channel, text);
    }
    if (found.more && !said->more)
        km_log(KM_WARNING, "channel '%s': features under more names are ignored, too", channel);
    said->more |= found.more;
}

void km_channel_log(struct km_said *said, const struct km_channel *channel, struct km_feed *feed)
{
    if (!feed)
        return;
    log_header(&said->header[strcmp(channel->name, "test") == 0], channel, feed);
    warn_of_extras(&said->extras, feed, channel->name);
}

void km_channel_log_skipped(const struct km_channel *channel, struct km_feed *feed)
{
    struct km_skipped n = {0};

    if (feed)
        n = km_feed_skipped(feed);
    if (n.bad > 0)
        km_log(KM_WARNING, "channel '%s': %" PRIu64 " bad record(s) were skipped (bad_records)",
               channel->name, n.bad);
    if (n.lacking > 0)
        km_log(KM_WARNING,
               "channel '%s': %" PRIu64 " record(s) with missing values were skipped (missing)",
               channel->name, n.lacking);
}

/* The columns of the test channel are those of the train channel, where both have names. */
static int check_names(const struct km_feed *train, const struct km_format *test,
                       struct km_err *err)
{
    const struct km_header *h = km_feed_format(train)->header;
    char names[2][300];

    if (!km_header_hash(h) || !km_header_hash(test->header) ||
        km_header_hash(h) == km_header_hash(test->header))
        return KM_OK;
    km_header_names(h, names[0], sizeof(names[0]));
    km_header_names(test->header, names[1], sizeof(names[1]));
    return km_fail(
        err, KM_E_INPUT,
        "the test channel has the columns %s (%s), the train channel %s (%s); give both the same "
        "columns in the same order",
        names[1], test->header->path, names[0], h->path);
}

const char *km_channel_note(const struct km_feed *feed, char *text, size_t size)
{
    km_header_note(km_feed_format(feed)->header, text, size);
    return text;
}

/* Nobody can tell the features of a channel whose first row cannot be looked at. */
static int check_width(const struct km_feed *feed, const struct km_channel *channel, int ranks,
                       struct km_err *err)
{
    const char *once = km_channel_once(&channel->files);
    char note[512];

    if (ranks > 1 && once)
        return km_fail(err, KM_E_INPUT,
                       "%s is no regular file, so that no other host can look at its first row "
                       "before the training: say how many features a row has (feature_dim)",
                       once);
    if (ranks == 1)
        return km_fail(err, KM_E_INPUT,
                       "the %s channel has 0 rows (%zu file(s), the first is %s%s): check that the "
                       "data was written, and give files with rows",
                       channel->name, channel->files.n, channel->files.path[0],
                       km_channel_note(feed, note, sizeof(note)));
    return KM_OK;
}

/* The feed, of the host's part of the rows. */
static int open_part(struct km_feed **feed, const struct km_channel *channel,
                     const struct km_team *team, const struct km_format *format, struct km_err *err)
{
    int rc = km_feed_open(feed, &channel->files, format, err);

    if (rc == KM_OK && team->ranks == 1 && km_feed_format(*feed)->feature_dim == 0)
        rc = km_feed_wait_first(*feed, err);
    if (rc == KM_OK && team->ranks > 1 && channel->replicated)
        rc = km_feed_divide(*feed, (size_t)team->rank, (size_t)team->ranks, err);
    return rc;
}

int km_channel_open(struct km_feed **feed, const struct km_channel *channel,
                    const struct km_team *team, const struct km_feed *train, size_t *d,
                    const struct km_params *params, struct km_err *err)
{
    struct km_format format = channel->format;
    int rc;

    format.feature_dim = *d;
    format.skip = (struct km_skip){.most_bad = (uint64_t)params->bad_records,
                                   .lacking = params->missing.skip,
                                   .has_stand_in = params->missing.has_stand_in,
                                   .stand_in = params->missing.stand_in,
                                   .warn = km_log_warning};
    if (train)
        format.dim_of = "the train channel";
    rc = open_part(feed, channel, team, &format, err);
    if (rc)
        return rc;
    *d = km_feed_format(*feed)->feature_dim;
    if (*d == 0 && check_width(*feed, channel, team->ranks, err))
        return err->code;
    log_labels(channel, km_feed_format(*feed), *d);
    return train ? check_names(train, km_feed_format(*feed), err) : KM_OK;
}
