/* SPDX-License-Identifier: Apache-2.0 */
/* Settings made from pairs of names and values. */
#ifndef KM_TESTS_SETTINGS_HELP_H
#define KM_TESTS_SETTINGS_HELP_H

#include "tests/test.h"

#include "train/settings.h"

/* One value of one hyperparameter, beside valid ones of k and feature_dim. */
struct given {
    const char *name;
    const char *value;
};

static struct km_problems problems; /* of the settings at hand */

static inline void done(struct km_settings *s)
{
    km_settings_close(s);
    km_problems_done(&problems);
}

static inline struct km_settings *finish(const struct given *g, struct km_params *p, int *rc,
                                         struct km_err *err)
{
    struct km_settings *s;

    assert_ok(km_settings_open(&s, err), *err);
    for (; g->name; g++)
        assert_ok(km_settings_set(s, g->name, g->value, err), *err);
    *rc = km_settings_finish(s, KM_NEED_ALL, p, &problems, err);
    return s;
}

#endif
