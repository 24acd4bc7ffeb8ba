/* SPDX-License-Identifier: Apache-2.0 */
/* What a call prints. */
#ifndef KM_TESTS_LOG_HELP_H
#define KM_TESTS_LOG_HELP_H

#include "tests/test.h"

#include <unistd.h>

/** Standard output while it is listened to; then its text. */
struct heard {
    FILE *file;
    int before;
    char text[16384];
};

static inline void hear(struct heard *h)
{
    *h = (struct heard){.file = tmpfile()};
    assert_non_null(h->file);
    fflush(stdout);
    h->before = dup(STDOUT_FILENO);
    assert_true(dup2(fileno(h->file), STDOUT_FILENO) == STDOUT_FILENO);
}

/** Standard output is what it was; returns the text. */
static inline const char *heard(struct heard *h)
{
    size_t n;

    fflush(stdout);
    dup2(h->before, STDOUT_FILENO);
    close(h->before);
    rewind(h->file);
    n = fread(h->text, 1, sizeof(h->text) - 1, h->file);
    h->text[n] = '\0';
    fclose(h->file);
    return h->text;
}

/** How often part is in text. */
static inline int times_in(const char *text, const char *part)
{
    int n = 0;

    for (; (text = strstr(text, part)); text++)
        n++;
    return n;
}

#endif
