/* SPDX-License-Identifier: Apache-2.0 */
/* A channel of the request becomes a feed, and what its first rows are like is told. */
#ifndef KM_TRAIN_CHANNEL_H
#define KM_TRAIN_CHANNEL_H

#include "io/feed.h"
#include "train/request.h"
#include "train/team.h"

/** What the log has told of the channels. */
struct km_said {
    struct km_record_extras extras; /* features that are not clustered */
    int header[2];                  /* of the first lines of train and test files */
};

/**
 * Opens the files of a channel on this host, and leaves the host's part of them to the feed. The
 * rows decide on *d, the features, where nobody has said it (0). The test channel is opened behind
 * the train channel, whose feed is `train`, and has the same columns; else NULL. params: which bad
 * rows are passed over.
 */
int km_channel_open(struct km_feed **feed, const struct km_channel *channel,
                    const struct km_team *team, const struct km_feed *train, size_t *d,
                    const struct km_params *params, struct km_err *err);

/**
 * Says, each thing once, what the first lines of the channel's CSV files were taken for, and which
 * features of its records are not clustered; feed NULL: nothing. Called again when more rows have
 * been read, while no pass is under way.
 */
void km_channel_log(struct km_said *said, const struct km_channel *channel, struct km_feed *feed);

/** Says how many rows of the channel were passed over; feed NULL: nothing. */
void km_channel_log_skipped(const struct km_channel *channel, struct km_feed *feed);

/** For a channel without rows: what of its text was taken for a header, as km_header_note. Returns
 * text. */
const char *km_channel_note(const struct km_feed *feed, char *text, size_t size);

/** The path of the first file that can be read only once (a FIFO); NULL if there is none. */
const char *km_channel_once(const struct km_files *files);

#endif
