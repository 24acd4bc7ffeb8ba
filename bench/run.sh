#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kmeans beside the newest scikit-learn, scikit-learn-intelex and FAISS, shape by shape, and the
# machine's peaks measured in the same run. Installs the peers into out/bench-venv, builds, measures:
#
#   bench/run.sh [--quick] [--only NAME] [--kmeans FILE] [--results FILE]
#
# --quick takes under two minutes instead of a quarter of an hour, with one round and peers on one
# thread only; --kmeans measures that program instead of a fresh build. The tables go to standard output,
# and of a whole run, as markdown, to bench/results/ under the name of the CPU (or --results); all figures
# to out/bench.json. The machine should be idle.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
venv=$repo/out/bench-venv
peers=(scikit-learn scikit-learn-intelex faiss-cpu threadpoolctl)

if ! python3 -c 'import ensurepip' 2>/dev/null; then
    echo "Installing missing packages: python3-venv" >&2
    sudo=()
    [ "$(id -u)" -eq 0 ] || sudo=(sudo)
    "${sudo[@]}" apt-get -q update >&2
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y install python3-venv >&2
fi
if ! "$venv/bin/python" -c 'import sklearn, sklearnex, faiss, threadpoolctl' 2>/dev/null; then
    echo "Installing ${peers[*]} into $venv" >&2
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --upgrade "${peers[@]}" >&2
fi

built=
for argument in "$@"; do
    case $argument in --kmeans* | -h | --help) built=1 ;; esac
done
if [ -z "$built" ]; then
    cd "$repo"
    scripts/install.sh build >&2
    cmake --preset release >/dev/null
    cmake --build --preset release --target kmeans -j "$(nproc)" >&2
fi
exec "$venv/bin/python" -B "$repo/bench/compare.py" "$@"
