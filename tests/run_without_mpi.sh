#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Where there is no MPI, -DKM_MPI=OFF builds a kmeans that trains on one host, gives the same model, and refuses
# several hosts. Argument: a build folder with MPI.
set -euo pipefail

build=$(cd "${1:?usage: run_without_mpi.sh BUILD_FOLDER}" && pwd)
source=$(cd "$(dirname "$0")/.." && pwd)
. "$source/tests/first_build.sh"
only_first_build "$build"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
    echo "FAILED: $*"
    exit 1
}

# refused TEXT COMMAND...: exit code 2 and the text.
refused() {
    local text=$1 rc=0
    shift
    "$@" >log 2>&1 || rc=$?
    [ "$rc" = 2 ] || fail "exit code $rc, expected 2, of $*: $(cat log)"
    grep -qF "$text" log || fail "no '$text' from $*: $(cat log)"
}

# A machine without Open MPI: pkg-config knows of none, and mpi.h lies where no compiler looks by itself.
cat >pkg-config <<'SCRIPT'
#!/bin/sh
case "$*" in *ompi*) exit 1 ;; esac
exec /usr/bin/env pkg-config "$@"
SCRIPT
chmod +x pkg-config
configure=(cmake -S "$source" -DPKG_CONFIG_EXECUTABLE="$work/pkg-config" -DCMAKE_BUILD_TYPE=Debug -DKM_WERROR=ON)
if "${configure[@]}" -B with >log 2>&1; then
    fail "a build with MPI was configured without MPI: the test hides nothing"
fi
"${configure[@]}" -B alone -DKM_MPI=OFF >log 2>&1 || fail "configure: $(cat log)"
cmake --build alone --target kmeans -j 2 >log 2>&1 || fail "build: $(tail -20 log)"
ldd "$build/kmeans" | grep libmpi >/dev/null || fail "the build with MPI needs no libmpi: ldd shows nothing"
! ldd alone/kmeans | grep -E 'libmpi|libopen-(rte|pal)' || fail "it needs Open MPI"

for i in $(seq 200); do
    echo "$((i % 7)),$((i * i % 11))"
done >rows.csv
"$build/kmeans" train --k 3 --output with.params rows.csv >log 2>&1 || fail "with MPI: $(cat log)"
alone/kmeans train --k 3 --output alone.params rows.csv >log 2>&1 || fail "without MPI: $(cat log)"
cmp with.params alone.params || fail "another model without MPI"

mkdir -p ml/input/config ml/input/data/train ml/model ml/output
cp rows.csv ml/input/data/train/
echo '{"k": "3", "feature_dim": "2"}' >ml/input/config/hyperparameters.json
echo '{"train": {"ContentType": "text/csv;label_size=0"}}' >ml/input/config/inputdataconfig.json
echo '{"current_host": "algo-1", "hosts": ["algo-1", "algo-2"]}' >ml/input/config/resourceconfig.json
refused "built without MPI" alone/kmeans train --root ml
grep -qF "asks for 2 hosts, but one trains alone: this program was built" ml/output/failure || fail "$(cat ml/output/failure)"
refused "built without MPI" env OMPI_COMM_WORLD_SIZE=2 alone/kmeans train --k 3 --output m rows.csv
refused "built without MPI" env PMI_SIZE=2 alone/kmeans train --k 3 --output m rows.csv
echo "without MPI: the same model, and several hosts are refused"
