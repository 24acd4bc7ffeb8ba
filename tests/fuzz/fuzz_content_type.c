/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a content type: a format whose parts hold what they may, or words. */
#include "tests/fuzz/fuzz.h"

#include "io/content_type.h"

static void warned(const char *text)
{
    MUST(text[0], "a warning without words");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct km_format format = {0};
    struct km_err err;
    char name[64] = "", *text = malloc(n + 1);
    int rc;

    MUST(text, "no memory");
    memcpy(text, bytes, n);
    text[n] = '\0';
    rc = km_content_type_parse(text, &format, name, sizeof(name), warned, &err);
    free(text);
    if (rc) {
        must_be_told(rc, &err);
        return 0;
    }
    MUST(format.kind && format.label_size >= -1, "label_size %d", format.label_size);
    MUST(km_format_of_type(name) == format.kind, "'%s' is another format", name);
    return 0;
}
