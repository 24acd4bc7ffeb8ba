/* SPDX-License-Identifier: Apache-2.0 */
#include "train/peers.h"

#include "base/mem.h"
#include "train/channel.h"
#include "train/share.h"
#include <inttypes.h>
#include <stdio.h>

/* What a rank says about itself and its channel. */
struct seat {
    char host[256];
    uint64_t d, files, bytes, has_test;
    int64_t labels; /* columns in front of the features; below 0: nothing has decided that */
    uint64_t names; /* km_header_hash; 0: no header */
};

/* The first two ranks that have rows, and not of the same number of features. */
static int check_features(const struct seat *seats, int ranks, const struct km_channel *channel,
                          const struct km_feed *feed, size_t *d, struct km_err *err)
{
    char note[512];
    const struct seat *first = NULL;

    for (int r = 0; r < ranks; r++) {
        const struct seat *s = &seats[r];

        if (s->d && !first)
            first = s;
        if (s->d && s->d != first->d)
            return km_fail(err, KM_E_INPUT,
                           "the rows of the %s channel have %" PRIu64
                           " features on host %s and %" PRIu64
                           " on host %s; all rows must have the same number",
                           channel->name, first->d, first->host, s->d, s->host);
    }
    if (!first)
        return km_fail(err, KM_E_INPUT,
                       "the %s channel has 0 rows on all of the %d hosts%s: check that the data "
                       "was written, and give files with rows",
                       channel->name, ranks, km_channel_note(feed, note, sizeof(note)));
    *d = first->d;
    return KM_OK;
}

/* Where the content type does not say how many label columns there are, each rank's first row
 * does. */
static int check_labels(const struct seat *seats, int ranks, const struct km_channel *channel,
                        struct km_err *err)
{
    const struct seat *first = NULL;

    for (int r = 0; r < ranks; r++) {
        const struct seat *s = &seats[r];

        if (s->labels >= 0 && !first)
            first = s;
        if (s->labels >= 0 && s->labels != first->labels)
            return km_fail(err, KM_E_INPUT,
                           "the lines of the %s channel have %" PRId64
                           " label column(s) on host %s and %" PRId64
                           " on host %s; give all lines the same columns, and say how many of them "
                           "are labels (label_size in the content type)",
                           channel->name, first->labels, first->host, s->labels, s->host);
    }
    return KM_OK;
}

/* Headers of files on different hosts, as those of different files on one. */
static int check_headers(const struct seat *seats, int ranks, const struct km_channel *channel,
                         struct km_err *err)
{
    const struct seat *first = NULL;

    for (int r = 0; r < ranks; r++) {
        const struct seat *s = &seats[r];

        if (s->names && !first)
            first = s;
        if (s->names && s->names != first->names)
            return km_fail(
                err, KM_E_INPUT,
                "the files of the %s channel begin with other headers on host %s than on host %s; "
                "give all files the same columns in the same order",
                channel->name, first->host, s->host);
    }
    return KM_OK;
}

static int check_test(const struct seat *seats, int ranks, struct km_err *err)
{
    for (int r = 1; r < ranks; r++)
        if (seats[r].has_test != seats[0].has_test)
            return km_fail(err, KM_E_INPUT,
                           "host %s has %s test channel, host %s has %s; give it to all or to none",
                           seats[0].host, seats[0].has_test ? "a" : "no", seats[r].host,
                           seats[r].has_test ? "one" : "none");
    return KM_OK;
}

/* Hosts divide what all of them have; where they have not, rows would be lost or used twice. */
static int check_replicas(const struct seat *seats, int ranks, const struct km_channel *channel,
                          struct km_err *err)
{
    for (int r = 1; channel->replicated && r < ranks; r++)
        if (seats[r].files != seats[0].files || seats[r].bytes != seats[0].bytes)
            return km_fail(err, KM_E_INPUT,
                           "the %s channel is FullyReplicated, but host %s has %" PRIu64
                           " file(s) of %" PRIu64 " bytes and host %s %" PRIu64 " of %" PRIu64
                           ": copy the same files to all hosts, or use ShardedByS3Key",
                           channel->name, seats[0].host, seats[0].files, seats[0].bytes,
                           seats[r].host, seats[r].files, seats[r].bytes);
    return KM_OK;
}

static int check(const struct seat *seats, int ranks, const struct km_channel *channel,
                 const struct km_feed *feed, size_t *d, struct km_err *err)
{
    int rc = check_features(seats, ranks, channel, feed, d, err);

    if (rc == KM_OK)
        rc = check_labels(seats, ranks, channel, err);
    if (rc == KM_OK)
        rc = check_headers(seats, ranks, channel, err);
    if (rc == KM_OK)
        rc = check_replicas(seats, ranks, channel, err);
    if (rc == KM_OK)
        rc = check_test(seats, ranks, err);
    return rc;
}

/* What each rank says, this one's at its place; part: one each. */
static int tell(const struct km_team *team, struct seat *seats, const struct seat *own,
                struct km_err *err)
{
    size_t *part;
    int rc = km_share_counts(team, 1, &part, err);

    seats[team->rank] = *own;
    if (rc == KM_OK)
        rc = km_share_list(team, seats, part, sizeof(*seats), err);
    km_free(part);
    return rc;
}

int km_peers_meet(const struct km_team *team, const struct km_channel *channel, int has_test,
                  struct km_feed *const *feed, int rc, size_t *d, struct km_err *err)
{
    struct seat *seats = NULL, own = {.d = *d,
                                      .files = channel->files.n,
                                      .bytes = channel->files.total,
                                      .has_test = (uint64_t)has_test};

    if (team->ranks == 1)
        return rc;
    if (rc == KM_OK && !(seats = km_alloc((size_t)team->ranks, sizeof(*seats))))
        rc = km_fail(err, KM_E_MEM, "no memory for what %d hosts say", team->ranks);
    rc = km_team_agree(team, rc, err);
    if (rc == KM_OK) {
        own.labels = km_feed_format(*feed)->label_size;
        own.names = km_header_hash(km_feed_format(*feed)->header);
        snprintf(own.host, sizeof(own.host), "%s", team->host);
        rc = tell(team, seats, &own, err);
    }
    if (rc == KM_OK)
        rc = check(seats, team->ranks, channel, *feed, d, err);
    km_free(seats);
    return rc;
}
