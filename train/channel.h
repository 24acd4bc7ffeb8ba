/* SPDX-License-Identifier: Apache-2.0 */
/* A channel of the request becomes a feed, and what its first rows are like is told. */
#ifndef KM_TRAIN_CHANNEL_H
#define KM_TRAIN_CHANNEL_H

#include "train/job.h"

/**
 * Opens the files of a channel on this host, and leaves the host's part of them to the feed. Of the train
 * channel (the first to be opened) the rows decide on job->d, where nobody has said it.
 */
int km_channel_open(struct km_job *job, struct km_feed **feed, const struct km_channel *channel,
                    struct km_err *err);

/**
 * Says, each thing once, what the first lines of the channel's CSV files were taken for, and which features
 * of its records are not clustered; feed NULL: nothing. Called again when more rows have been read, while
 * no pass is under way.
 */
void km_channel_log(struct km_job *job, const struct km_channel *channel, struct km_feed *feed);

/** For a channel without rows: what of its text was taken for a header, as km_header_note. Returns text. */
const char *km_channel_note(const struct km_feed *feed, char *text, size_t size);

/** The path of the first file that can be read only once (a FIFO); NULL if there is none. */
const char *km_channel_once(const struct km_files *files);

#endif
