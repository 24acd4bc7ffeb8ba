/* SPDX-License-Identifier: Apache-2.0 */
/* The table of hyperparameters, and what is made from it alone: help text and nearest names. */
#include "train/param_table.h"

#include "base/nearest.h"
#include "base/size.h"
#include <ctype.h>
#include <limits.h>
#include <string.h>

#define FIELD(name) offsetof(struct km_params, name)

const struct km_param km_param_table[] = {
    {"k", KM_P_INTEGER, 1, INT32_MAX, NULL, FIELD(k), "number of clusters"},
    {"feature_dim", KM_P_INTEGER, 1, INT32_MAX, NULL, FIELD(feature_dim),
     "features of each record"},
    {"mini_batch_size", KM_P_INTEGER, 1, INT32_MAX, "5000", FIELD(mini_batch_size),
     "records of a mini-batch"},
    {"epochs", KM_P_INTEGER, 1, INT32_MAX, "1", FIELD(epochs), "passes over the training data"},
    {"init_method", KM_P_INIT_METHOD, 0, 0, "random", FIELD(init_method),
     "how the first centers are picked"},
    {"extra_center_factor", KM_P_INTEGER_OR_AUTO, 1, INT32_MAX, "auto", FIELD(extra_center_factor),
     "x: the pass keeps k * x centers; auto is 10, or less where k > 50 and rows are few"},
    {"half_life_time_size", KM_P_INTEGER, 0, INT64_MAX, "0", FIELD(half_life_time_size),
     "records after which the weight of a record is halved; 0: never"},
    {"local_lloyd_init_method", KM_P_INIT_METHOD, 0, 0, "kmeans++", FIELD(local_lloyd_init_method),
     "how the shrink from k * x to k centers starts"},
    {"local_lloyd_max_iter", KM_P_INTEGER, 1, 1000000, "300", FIELD(local_lloyd_max_iter),
     "most Lloyd iterations of one trial of the shrink"},
    {"local_lloyd_tol", KM_P_REAL, 0, 1, "0.0001", FIELD(local_lloyd_tol),
     "a trial ends when its loss falls by less than this part"},
    {"local_lloyd_num_trials", KM_P_INTEGER_OR_AUTO, 1, 10000, "auto",
     FIELD(local_lloyd_num_trials), "trials of the shrink; the best one wins"},
    {"eval_metrics", KM_P_METRICS, 0, 0, "[\"msd\"]", FIELD(eval_msd),
     "scores of the test channel: mean, sum of squared distances"},
    {"force_dense", KM_P_BOOLEAN, 0, 0, "true", FIELD(force_dense),
     "sparse records: true: as sparse, or dense where that is faster; false: as sparse"},
    {"seed", KM_P_INTEGER, 0, INT64_MAX, "0", FIELD(seed),
     "start of the random numbers; the same seed gives the same model"},
    {"refine_rows", KM_P_INTEGER_OR_AUTO, 0, INT32_MAX, "auto", FIELD(refine_rows),
     "records kept in memory to refine the model at the end; auto: 64 MiB; 0: off"},
    {"refine_passes", KM_P_INTEGER_OR_AUTO, 0, 1000000, "auto", FIELD(refine_passes),
     "iterations over all records to spend at the end, at most; auto: by k and records"},
    {"bad_records", KM_P_INTEGER_OR_ERROR, 0, INT64_MAX, "error", FIELD(bad_records),
     "bad records that are skipped, on each host, at most; one more ends the job"},
    {"missing", KM_P_MISSING, 0, 0, "error", FIELD(missing),
     "records with missing values: skip, or a number that stands for a missing value"},
    {"launch_port", KM_P_INTEGER, 1, 65535, "7070", FIELD(launch_port),
     "several hosts: TCP port on which they wait for the first one"},
    {"launch_timeout", KM_P_INTEGER, 1, 86400, "900", FIELD(launch_timeout),
     "several hosts: seconds that they wait for each other at the start"},
    {"stall_timeout", KM_P_INTEGER, 1, 86400, "60", FIELD(stall_timeout),
     "several hosts: seconds without progress after which one is given up"},
    {0},
};

const struct km_param *km_param_find(const char *name)
{
    for (size_t i = 0; km_param_table[i].name; i++)
        if (strcmp(km_param_table[i].name, name) == 0)
            return &km_param_table[i];
    return NULL;
}

#define LONGEST_NAME 48 /* more than any in the table, with place for a few slips */

/* "tol", "num_trials": the Python client calls them by the end of their names. */
static int is_ending(const char *end, const char *name)
{
    size_t n = strlen(end), m = strlen(name);

    return n >= 3 && m > n && name[m - n - 1] == '_' && strcmp(name + m - n, end) == 0;
}

/* What other programs call the same: no slip of the fingers. */
static const char *const aliases[][2] = {
    {"max_iterations", "local_lloyd_max_iter"},
    {"n_clusters", "k"},
    {"num_clusters", "k"},
    {"clusters", "k"},
    {"init", "init_method"},
    {"features", "feature_dim"},
    {"num_features", "feature_dim"},
    {"n_features", "feature_dim"},
    {"tol", "local_lloyd_tol"},
    {"batch_size", "mini_batch_size"},
};

const char *km_param_nearest(const char *name)
{
    char folded[LONGEST_NAME + 1];
    const char *nearest = NULL;
    size_t n;
    int best = INT_MAX;

    name += strspn(name, " \t");
    n = strlen(name);
    while (n && (name[n - 1] == ' ' || name[n - 1] == '\t'))
        n--;
    if (n > LONGEST_NAME)
        return NULL;
    for (size_t i = 0; i < n; i++)
        folded[i] = name[i] == '-' ? '_' : (char)tolower((unsigned char)name[i]);
    folded[n] = 0;
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (strcmp(folded, aliases[i][0]) == 0)
            return aliases[i][1];
    for (size_t i = 0; km_param_table[i].name; i++) {
        const char *candidate = km_param_table[i].name;
        size_t longer = km_max(strlen(candidate), n);
        int edits = is_ending(folded, candidate) ? 1 : km_edits(folded, candidate);

        /* Less generous than km_is_near, for which any letter is near to k. */
        if (edits < best && edits <= (int)longer / 3) {
            best = edits;
            nearest = candidate;
        }
    }
    return nearest;
}

/* What may stand behind --name. */
static void describe_range(const struct km_param *q, char *text, size_t size)
{
    switch (q->kind) {
    case KM_P_INTEGER:
        snprintf(text, size, "integer >= %d", (int)q->least);
        break;
    case KM_P_INTEGER_OR_AUTO:
        snprintf(text, size, "auto, or integer >= %d", (int)q->least);
        break;
    case KM_P_INTEGER_OR_ERROR:
        snprintf(text, size, "error, or integer >= %d", (int)q->least);
        break;
    case KM_P_REAL:
        snprintf(text, size, "number from %d to %d", (int)q->least, (int)q->most);
        break;
    case KM_P_BOOLEAN:
        snprintf(text, size, "true or false");
        break;
    case KM_P_INIT_METHOD:
        snprintf(text, size, "random or kmeans++");
        break;
    case KM_P_METRICS:
        snprintf(text, size, "list of msd, ssd");
        break;
    case KM_P_MISSING:
        snprintf(text, size, "error, skip, or a number");
        break;
    }
}

void km_params_help(FILE *out)
{
    for (size_t i = 0; km_param_table[i].name; i++) {
        char range[64] = "";

        describe_range(&km_param_table[i], range, sizeof(range));
        fprintf(out, "  --%-24s %s\n%29s%s", km_param_table[i].name, km_param_table[i].meaning, "",
                range);
        if (km_param_table[i].fallback)
            fprintf(out, " [%s]\n", km_param_table[i].fallback);
        else
            fprintf(out, ", %s\n",
                    km_param_table[i].offset == FIELD(feature_dim)
                        ? "required in a training request"
                        : "required");
    }
}
