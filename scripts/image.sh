#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the image, writes its bill of materials, says how large it is.
#
#   scripts/image.sh [FOLDER]     FOLDER takes kmeans.spdx.json [build/image]
#
# Environment: IMAGE is the name of the image [kmeans:latest]; all arguments after FOLDER go to `docker build`.
set -euo pipefail

out=$(realpath -m "${1:-build/image}")
[ $# -eq 0 ] || shift
image=${IMAGE:-kmeans:latest}
cd "$(dirname "$0")/.."

# The time of the last commit; the same tree gives the same layers.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 1764547200)}
revision=$(git describe --always --dirty --abbrev=40 2>/dev/null || echo unknown)
version=$(sed -n 's/^project(kmeans VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
arguments=(--build-arg SOURCE_DATE_EPOCH="$epoch" --build-arg VERSION="$version" --build-arg REVISION="$revision"
    --build-arg CREATED="$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)" "$@")

docker build -t "$image" "${arguments[@]}" .
mkdir -p "$out"
container=$(docker create "$(docker build -q --target build "${arguments[@]}" .)" true)
docker cp "$container:/kmeans.spdx.json" "$out/kmeans.spdx.json"
docker rm "$container" >/dev/null

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
docker save "$image" | tar -x -C "$scratch"
layers=$(find "$scratch" -type f -name layer.tar -o -path '*/blobs/*' -type f -size +64k)
# shellcheck disable=SC2086 # one word a layer
bytes=$(cat $layers | wc -c)
packed=$(for layer in $layers; do gzip -c "$layer" | wc -c; done | awk '{ n += $1 } END { print n }')
docker image inspect -f '{{range .RootFS.Layers}}layer {{.}}{{"\n"}}{{end}}' "$image" | grep .
awk -v b="$bytes" -v p="$packed" 'BEGIN { printf "%.1f MB, %.1f MB compressed\n", b / 1e6, p / 1e6 }'
