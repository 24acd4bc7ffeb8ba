/* SPDX-License-Identifier: Apache-2.0 */
#include "train/report.h"

#include "base/log.h"
#include "base/machine.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The shortest decimal that reads back as the same number, as the original (python) prints it. */
static void shortest(char *out, size_t size, double v)
{
    for (int digits = 6; digits <= 17; digits++) {
        double back = 0;

        snprintf(out, size, "%.*g", digits, v);
        if (sscanf(out, "%lf", &back) == 1 && back == v)
            break;
    }
    if (!strpbrk(out, ".einf"))
        strncat(out, ".0", size - strlen(out) - 1);
}

struct km_msd_text km_report_msd(double msd)
{
    struct km_msd_text text;
    int usual = msd == 0 || (msd >= 1e-4 && msd < 1e15);

    snprintf(text.s, sizeof(text.s), usual ? "%f" : "%g", msd);
    return text;
}

void km_report_quality(const char *host, const char *channel, const char *name, double value)
{
    char text[40];

    shortest(text, sizeof(text), value);
    km_log(KM_INFO, "#quality_metric: host=%s, %s %s <loss>=%s", host, channel, name, text);
}

void km_report_progress(const char *host, double percent)
{
    char text[40];

    shortest(text, sizeof(text), percent);
    km_log(KM_INFO, "#progress_metric: host=%s, completed %s %% of epochs", host, text);
}

void km_report_throughput(const char *host, double rows_per_second)
{
    char text[40];

    shortest(text, sizeof(text), rows_per_second);
    km_log(KM_INFO, "#throughput_metric: host=%s, train throughput=%s records/second", host, text);
}

void km_report_metrics(const char *host, double start, double end, int epoch, const char *meta,
                       const struct km_metric *metrics, int n)
{
    char text[4096];
    size_t used = 0;

    used +=
        (size_t)snprintf(text, sizeof(text),
                         "{\"StartTime\": %.6f, \"EndTime\": %.6f, \"Dimensions\": {\"Algorithm\": "
                         "\"AWS/KMeansWebscale\", \"Host\": \"%s\", \"Operation\": \"training\"",
                         start, end, host);
    if (epoch >= 0)
        used += (size_t)snprintf(text + used, sizeof(text) - used, ", \"epoch\": %d", epoch);
    if (meta)
        used += (size_t)snprintf(text + used, sizeof(text) - used, ", \"Meta\": \"%s\"", meta);
    used += (size_t)snprintf(text + used, sizeof(text) - used, "}, \"Metrics\": {");
    for (int i = 0; i < n; i++) {
        char value[40];

        if (metrics[i].is_time)
            shortest(value, sizeof(value), metrics[i].number);
        else
            snprintf(value, sizeof(value), "%.0f", metrics[i].number);
        used += (size_t)snprintf(
            text + used, sizeof(text) - used,
            "%s\"%s\": {\"sum\": %s%s, \"count\": 1, \"min\": %s, \"max\": %s}", i ? ", " : "",
            metrics[i].name, value, metrics[i].is_time ? "" : ".0", value, value);
    }
    km_log_plain("#metrics %s}}", text);
}

void km_report_counts(const char *host, double start, int epoch, const char *meta,
                      uint64_t total_rows, uint64_t total_batches, uint64_t rows, uint64_t batches,
                      uint64_t resets)
{
    const struct km_metric counts[] = {
        {"Total Records Seen", (double)total_rows, 0},
        {"Total Batches Seen", (double)total_batches, 0},
        {"Max Records Seen Between Resets", (double)rows, 0},
        {"Max Batches Seen Between Resets", (double)batches, 0},
        {"Reset Count", (double)resets, 0},
        {"Number of Records Since Last Reset", (double)rows, 0},
        {"Number of Batches Since Last Reset", (double)batches, 0},
    };

    km_report_metrics(host, start, km_wall(), epoch, meta, counts,
                      (int)(sizeof(counts) / sizeof(counts[0])));
}

static const char *const phase_name[KM_PHASES] = {
    "start",  "wait for rows", "seed",   "assign and sum", "exchange", "move centers",
    "sample", "shrink",        "refine", "write model",    "score",
};

void km_report_phases(const struct km_watch *phases, double total_seconds, double decode_seconds)
{
    double rest = total_seconds;

    km_log(KM_INFO, "%-16s %10s %10s %7s", "phase", "calls", "seconds", "share");
    for (int i = 0; i < KM_PHASES; i++) {
        rest -= phases[i].sum;
        if (phases[i].calls)
            km_log(KM_INFO, "%-16s %10llu %10.3f %6.1f%%", phase_name[i],
                   (unsigned long long)phases[i].calls, phases[i].sum,
                   100 * phases[i].sum / total_seconds);
    }
    km_log(KM_INFO, "%-16s %10s %10.3f %6.1f%%", "other", "", rest, 100 * rest / total_seconds);
    km_log(KM_INFO, "%-16s %10s %10.3f", "total", "", total_seconds);
    km_log(KM_INFO, "reader thread decoded for %.3f s in the background; peak memory %.1f MB",
           decode_seconds, (double)km_memory_peak() / 1e6);
}

#define LINE_SECONDS 10.0 /* between two progress lines of a log */
#define BAR_SECONDS  0.1  /* between two pictures of the bar */
#define BAR_CELLS    30

void km_progress_start(struct km_progress *p, uint64_t total_bytes)
{
    p->started = p->last = km_now();
    p->total_bytes = total_bytes;
}

static void eta_text(char *out, size_t size, double seconds)
{
    if (seconds < 60)
        snprintf(out, size, "%.0f s", ceil(seconds));
    else if (seconds < 3600)
        snprintf(out, size, "%.0f min", ceil(seconds / 60));
    else
        snprintf(out, size, "%.1f h", seconds / 3600);
}

void km_progress_show(struct km_progress *p, uint64_t rows, uint64_t bytes)
{
    double now = km_now(), elapsed = now - p->started, share = 0;
    int bar = km_log_on_terminal();
    char eta[32] = "?", cells[BAR_CELLS + 1], text[160];

    if (now - p->last < (bar ? BAR_SECONDS : LINE_SECONDS))
        return;
    p->last = now;
    if (p->total_bytes && bytes) {
        share = (double)bytes / (double)p->total_bytes;
        share = share < 1 ? share : 1;
        eta_text(eta, sizeof(eta), elapsed / share - elapsed);
    }
    if (!bar) {
        km_log(KM_INFO, "read %llu rows, %.1f %% of the data, %.0f rows/s, %.1f MB/s, ETA %s",
               (unsigned long long)rows, 100 * share, (double)rows / elapsed,
               (double)bytes / 1e6 / elapsed, eta);
        return;
    }
    for (int i = 0; i < BAR_CELLS; i++)
        cells[i] = i < (int)(share * BAR_CELLS + 0.5) ? '#' : '.';
    cells[BAR_CELLS] = 0;
    snprintf(text, sizeof(text), "[%s] %3.0f%%  %llu rows  %.0f rows/s  ETA %s", cells, 100 * share,
             (unsigned long long)rows, (double)rows / elapsed, eta);
    km_log_status(text);
}

void km_progress_end(struct km_progress *p)
{
    (void)p;
    km_log_status(NULL);
}
