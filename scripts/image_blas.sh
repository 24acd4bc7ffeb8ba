#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes FOLDER/libopenblas.so.0, the part of Debian's OpenBLAS that kmeans calls: sgemm, for every CPU
# that the package knows (a hundredth of the whole).
#
#   scripts/image_blas.sh FOLDER
#
# The objects come from the package's archive with locks (the one without threads has none, and several
# of our threads may call sgemm at a time). A linker takes from an archive what is asked for; but each CPU's table of kernels asks for all
# of that CPU's kernels. Here the kernels that sgemm never calls are one function that ends the process.
set -euo pipefail

folder=${1:?usage: scripts/image_blas.sh FOLDER}
archive=/usr/lib/$(gcc -print-multiarch)/openblas-pthread/libopenblas.a
calls='cblas_sgemm openblas_get_config'

mkdir -p "$folder/tables"
cd "$folder"
(
    cd tables
    ar t "$archive" | grep '^setparam_' | xargs ar x "$archive"
)
# What the tables name, without sgemm's own kernels, those of a matrix with one row, and the C library.
nm -u tables/setparam_*.o | awk 'NF == 2 { print $2 }' | sort -u |
    grep -E '_[A-Z][A-Z0-9]+(_SSE3)?$' | grep -vE '^((sgem[mv]|sscal)_|_GLOBAL_OFFSET_TABLE_$)' |
    sed 's/$/ = km_absent;/' >absent.ld
[ "$(wc -l <absent.ld)" -ge 100 ] || { echo "$archive: found no tables of kernels" >&2; exit 1; }

cat >absent.c <<'C'
__attribute__((visibility("hidden"))) void km_absent(void);
void km_absent(void)
{
    __builtin_trap();
}
C
# shellcheck disable=SC2086 # one word a symbol, here and below
printf '{ global:%s; local: *; };\n' "$(printf ' %s;' $calls | sed 's/;$//')" >exports.map
gcc -O2 -fPIC -fstack-protector-strong -c absent.c
# shellcheck disable=SC2046,SC2086
gcc -shared -s -o libopenblas.so.0 -Wl,-soname,libopenblas.so.0 $(printf -- '-Wl,-u,%s ' $calls) \
    -Wl,--version-script=exports.map -Wl,--gc-sections -Wl,-z,relro,-z,now,-z,noexecstack,-z,defs \
    absent.o absent.ld "$archive" -lpthread -lm
