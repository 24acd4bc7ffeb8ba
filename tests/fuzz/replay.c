/* SPDX-License-Identifier: Apache-2.0 */
/* Stands for libFuzzer in builds without it: the target takes each file of the folders named. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>

static void replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes;
    size_t n;

    MUST(f && fseek(f, 0, SEEK_END) == 0, "%s", path);
    n = (size_t)ftell(f);
    rewind(f);
    bytes = malloc(n ? n : 1); /* no byte more, so that a sanitizer sees a read behind it */
    MUST(bytes && fread(bytes, 1, n, f) == n, "%s", path);
    fclose(f);
    LLVMFuzzerTestOneInput(bytes, n);
    free(bytes);
}

int main(int argc, char **argv)
{
    int files = 0;

    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        struct dirent *entry;
        char path[4096];

        MUST(folder, "%s is no folder", argv[i]);
        while ((entry = readdir(folder)) != NULL) {
            if (entry->d_name[0] == '.')
                continue;
            snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
            replay(path);
            files++;
        }
        closedir(folder);
    }
    MUST(files > 0, "no files");
    printf("%d files\n", files);
    return 0;
}
