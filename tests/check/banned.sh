#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No call of a banned function outside the files that may use it. Then proves itself on planted calls.
set -euo pipefail
cd "$(dirname "$0")/../.."

folders='algo|base|bench|cli|dist|examples|io|serve|tests|train'

# Each rule: what, the functions, the files that are exempt (extended regular expressions).
rules=(
    'unsafe or unrepeatable|strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atof|strtok|rand|srand|random|system|popen|alloca@^$'
    'heap outside km_alloc|malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|strdup|strndup|free@^(base/mem\.c:|tests/)'
    'ending the process|exit|abort|_exit|quick_exit@^(base/(crash|stop)\.c|cli/main\.c|dist/launch/(child|seat|signals)\.c|tests/|bench/|examples/)'
    'printing below train and cli|printf|vprintf|fprintf|vfprintf|puts|fputs|putchar|perror@^(base/log\.c:|dist/launch/agent\.c:|train/|serve/|cli/|tests/|bench/|examples/)'
    'logging below train and cli|km_log|km_log_plain|km_log_status@^(base/log\.[ch]:|dist/launch/(child|door|leader|peer|supervisor|worker)\.c:|train/|serve/|cli/|tests/|bench/)'
)

# check_tree ROOT: prints every call of a banned function. Lines of comments do not count.
check_tree() (
    cd "$1"
    lines=$(find ./*/ -name '*.[ch]' | sed 's|^\./||' | grep -E "^($folders)/" | sort |
        xargs grep -HnE '\(' | grep -vE '^[^:]+:[0-9]+:[[:space:]]*(/?\*|//)')
    for rule in "${rules[@]}"; do
        exempt=${rule#*@}
        words=${rule%@*}
        what=${words%%|*}
        grep -E "^[^:]+:[0-9]+:(.*[^A-Za-z0-9_])?(${words#*|})[[:space:]]*\(" <<<"$lines" |
            grep -vE "$exempt" | sed "s/^/$what: /" || true
    done
)

files=$(find algo base cli dist io train -name '*.[ch]' | wc -l)
[ "$files" -ge 20 ] || { echo "found only $files source files: wrong folder?"; exit 1; }
violations=$(check_tree .)
if [ -n "$violations" ]; then
    echo "$violations"
    exit 1
fi

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/io"
planted=0
while read -r line; do
    printf '%s\n' "$line" >"$copy/io/planted.c"
    if [ -z "$(check_tree "$copy")" ]; then
        echo "planted '$line', and nobody noticed"
        exit 1
    fi
    planted=$((planted + 1))
done <<'PLANTED'
strcpy(a, b);
int n = atoi(text);
x = rand();
p = malloc (10);
free(p);
char *q = strdup(p);
exit(1);
printf("x");
km_log(KM_INFO, "x");
PLANTED
echo "$files files call nothing that is banned; $planted planted calls were caught"
