/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines that other programs read: quality, progress, throughput and #metrics, in the original's
 * format (its five metric regexes match them), and the table at the end for people.
 */
#ifndef KM_TRAIN_REPORT_H
#define KM_TRAIN_REPORT_H

#include "base/clock.h"
#include <stdint.h>

/** A mean squared distance as the original prints it, "%f", but for one that would lose its digits
 * so, tiny or huge: "%g". */
struct km_msd_text {
    char s[40];
};

/** msd as text. */
struct km_msd_text km_report_msd(double msd);

/** `#quality_metric: host=H, <channel> <name> <loss>=V`; V reads back as the same float64. */
void km_report_quality(const char *host, const char *channel, const char *name, double value);

/** `#progress_metric: host=H, completed P % of epochs` */
void km_report_progress(const char *host, double percent);

/** `#throughput_metric: host=H, train throughput=R records/second` */
void km_report_throughput(const char *host, double rows_per_second);

/** Values of one #metrics line. `number` prints as it is; with `is_time`, as milliseconds. */
struct km_metric {
    const char *name;
    double number;
    int is_time;
};

/** `#metrics {...}`; epoch < 0 and meta NULL leave these dimensions out. Times are km_wall(). */
void km_report_metrics(const char *host, double start, double end, int epoch, const char *meta,
                       const struct km_metric *metrics, int n);

/** Counters of one reading of a channel, in the #metrics form that the original prints. */
void km_report_counts(const char *host, double start, int epoch, const char *meta,
                      uint64_t total_rows, uint64_t total_batches, uint64_t rows, uint64_t batches,
                      uint64_t resets);

/** What the time goes to; a phase's name and stop-watch stand in the same place of both lists. */
enum km_phase {
    KM_PHASE_START,
    KM_PHASE_READ,
    KM_PHASE_SEED,
    KM_PHASE_ASSIGN,
    KM_PHASE_EXCHANGE,
    KM_PHASE_MOVE,
    KM_PHASE_SAMPLE,
    KM_PHASE_SHRINK,
    KM_PHASE_REFINE,
    KM_PHASE_WRITE,
    KM_PHASE_SCORE,
    KM_PHASES
};

/** The phase table, then the time of the reader thread (in the background), peak memory. */
void km_report_phases(const struct km_watch *phases, double total_seconds, double decode_seconds);

/** A progress bar on a terminal, else a line every 10 seconds. */
struct km_progress {
    double started, last;
    uint64_t total_bytes; /* of all passes; 0: not known */
};

/** Begins; shows what has been done, as often as fits; ends the bar with a line. */
void km_progress_start(struct km_progress *p, uint64_t total_bytes);
void km_progress_show(struct km_progress *p, uint64_t rows, uint64_t bytes);
void km_progress_end(struct km_progress *p);

#endif
