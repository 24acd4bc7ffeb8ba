#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The published MNIST k-means example, end to end: installs what is missing, builds, lays the data out
# as the platform does, trains, shows the result.
#
#   examples/mnist/run.sh [FOLDER]      FOLDER takes the job's files [out/mnist]
set -euo pipefail

repo=$(cd "$(dirname "$0")/../.." && pwd)
data=$repo/examples/mnist/data
out=${1:-$repo/out/mnist}

echo "== Build"
cd "$repo"
scripts/install.sh build
cmake --preset release >/dev/null
cmake --build --preset release --target kmeans mnist_show -j "$(nproc)"
cd - >/dev/null
kmeans=$repo/build/kmeans

echo
echo "== Data: 50,000 training images, 10,000 test images, pixels / 256, in $out"
(cd "$data" && md5sum --check --quiet MD5SUMS)
mkdir -p "$out"/input/config "$out"/input/data/train "$out"/input/data/test "$out"/model "$out"/output
cat >"$out/input/config/hyperparameters.json" <<'JSON'
{"k":"10","feature_dim":"784","mini_batch_size":"500"}
JSON
cat >"$out/input/config/inputdataconfig.json" <<'JSON'
{"train":{"TrainingInputMode":"File","S3DistributionType":"FullyReplicated","RecordWrapperType":"None"},"test":{"TrainingInputMode":"File","S3DistributionType":"FullyReplicated","RecordWrapperType":"None"}}
JSON
cat >"$out/input/config/resourceconfig.json" <<'JSON'
{"current_host":"algo-1","hosts":["algo-1"],"network_interface_name":"eth0"}
JSON
"$kmeans" convert --rows 0:50000 --scale 1/256 "$data/train-images-idx3-ubyte.gz" \
    --output "$out/input/data/train/train.recordio"
"$kmeans" convert --scale 1/256 "$data/t10k-images-idx3-ubyte.gz" \
    --output "$out/input/data/test/test.recordio"

echo
echo "== kmeans train --root $out"
start=$(date +%s%N)
"$kmeans" train --root "$out" | tee "$out/train.log"
stop=$(date +%s%N)

echo
echo "== Result"
ms=$(((stop - start) / 1000000))
msd=$(sed -n 's/.*#quality_metric: host=[^,]*, test msd <loss>=\([^ ]*\).*/\1/p' "$out/train.log")
printf 'Time of the whole job: %d.%03d s\n' $((ms / 1000)) $((ms % 1000))
printf 'msd on the test channel: %s\n\n' "$msd"
"$repo/build/mnist_show" "$out/model/model_algo-1" "$data/t10k-images-idx3-ubyte.gz" \
    "$data/t10k-labels-idx1-ubyte.gz" "$out/centers.png"
printf '\nModel: %s\nPicture of the centers: %s\n' "$out/model/model_algo-1" "$out/centers.png"
