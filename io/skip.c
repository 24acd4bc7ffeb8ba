/* SPDX-License-Identifier: Apache-2.0 */
#include "io/skip.h"

#include "base/err.h"

#include <stdio.h>

#define TOLD 20 /* bad rows */

void km_skip_restart(struct km_skip *s, int telling)
{
    s->telling = telling;
    s->n = (struct km_skipped){0};
}

int km_skip_allows(const struct km_skip *s, int lacks)
{
    return (lacks && s->lacking) || s->n.bad < s->most_bad;
}

int km_skip_tells(const struct km_skip *s)
{
    return s->telling && s->warn && s->n.bad < TOLD;
}

void km_skip_tell(const struct km_skip *s, const char *why)
{
    char text[KM_ERR_MAX + 64];

    snprintf(text, sizeof(text), "skipped (bad_records): %s", why);
    s->warn(text);
    if (s->n.bad + 1 == TOLD)
        s->warn("more bad records are skipped without a word, and counted");
}

int km_skip_stands_in(const struct km_skip *s, const float *v, size_t n)
{
    int found = 0;

    for (size_t i = 0; i < n; i++) /* no exit, so that the loop is vectorised */
        found |= v[i] == s->stand_in;
    return found;
}
