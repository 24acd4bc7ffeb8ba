#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The MNIST example in short: its data through `kmeans convert` and `kmeans train`, the result against
# the best of ten full Lloyd runs, the scores against numpy, memory and time against their limits.
# Argument: the build folder.
set -euo pipefail

build=$(cd "${1:?usage: run_mnist.sh BUILD_FOLDER}" && pwd)
tests=$(cd "$(dirname "$0")" && pwd)
. "$(dirname "$0")/python.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
data=$tests/../examples/mnist/data

"$build/kmeans" convert --rows 0:50000 --scale 1/256 "$data/train-images-idx3-ubyte.gz" \
    --output "$work/train.recordio" 2>"$work/convert.txt"
"$build/kmeans" convert --scale 1/256 "$data/t10k-images-idx3-ubyte.gz" \
    --output "$work/test.recordio" 2>>"$work/convert.txt"

PYTHONPATH=$tests "$python" -B - "$build" "$work" "$data" <<'PYTHON'
import os
import re
import subprocess
import sys
import time

import numpy as np

import oracle
from harness import Job, Tests

BEST_OF_LLOYD = 39.0222  # ten full runs from k-means++ starts, float64
HYPERPARAMETERS = {"k": "10", "feature_dim": "784", "mini_batch_size": "500", "eval_metrics": '["msd","ssd"]'}

build, work, data = sys.argv[1:]
tests = Tests(build)
train = oracle.read_idx(data + "/train-images-idx3-ubyte.gz")[:50000].astype("f4") / 256
test = oracle.read_idx(data + "/t10k-images-idx3-ubyte.gz").astype("f4") / 256
for name, x in ("train", train), ("test", test):
    oracle.write_recordio(work + "/expected", x)
    with open(work + "/expected", "rb") as a, open(work + "/%s.recordio" % name, "rb") as b:
        tests.check(a.read() == b.read(), "kmeans convert: %s" % name)


def job_of(seed):
    channel = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
    job = Job(tests, {**HYPERPARAMETERS, "seed": str(seed)}, {"train": channel, "test": channel})
    os.link(work + "/train.recordio", job.data("train.recordio"))
    os.link(work + "/test.recordio", job.data("test.recordio", "test"))
    return job


def metric(run, name):
    return float(re.search(r"#quality_metric: host=\S+, %s <loss>=(\S+)" % name, run.out)[1])


for seed in 0, 1:
    job = job_of(seed)
    run = job.train()
    if not tests.check(run.code == 0, "MNIST, seed %d" % seed, run):
        continue
    c = oracle.read_model(job.model)
    msd = oracle.msd(train, c)
    dist2 = oracle.nearest(test, c)[1]
    print("  seed %d: msd %.4f, %.5f of the best of ten Lloyd runs; test msd %.4f" % (seed, msd, msd / BEST_OF_LLOYD, dist2.mean()))
    tests.check(msd / BEST_OF_LLOYD <= 1.003, "seed %d: %.5f of the best of ten Lloyd runs" % (seed, msd / BEST_OF_LLOYD))
    tests.near(metric(run, "train data_msd"), msd, 1e-6, "data_msd", run)
    tests.near(metric(run, "test msd"), dist2.mean(), 1e-6, "test msd", run)
    tests.near(metric(run, "test ssd"), dist2.sum(), 1e-6, "test ssd", run)


def timed(job):
    """Seconds to the first line, from the last line to the end, of the whole; peak bytes, as the
    program says them (a shell starts it: a child of this large process would inherit its peak)."""
    command = ["sh", "-c", '"$@"; exit $?', "sh", tests.kmeans, "train", "--root", job.root]
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    last = first = process.stdout.readline()
    first_at = time.monotonic()
    for last in process.stdout:
        last_at = time.monotonic()
    code = process.wait()
    end = time.monotonic()
    tests.same(code, 0, "a timed run, " + last)
    peak = float(re.search(r"peak memory ([\d.]+) MB", last)[1]) * 1e6
    return first_at - start, end - last_at, end - start, peak


if not tests.sanitized:
    runs = [timed(job_of(0)) for _ in range(5)]
    # The quickest of the runs: the machine may be busy with other tests.
    first, tail, whole = (min(run[i] for run in runs) for i in range(3))
    peak = max(run[3] for run in runs)
    print(
        "  first line after %.0f ms, end %.0f ms after the last line, whole job %.2f s, peak memory %.0f MB"
        % (1e3 * first, 1e3 * tail, whole, peak / 1e6)
    )
    tests.check(first <= 0.05, "first line after %.0f ms, expected at most 50" % (1e3 * first))
    tests.check(tail <= 0.1, "end %.0f ms after the last line, expected at most 100" % (1e3 * tail))
    tests.check(peak < 150e6, "peak memory %.0f MB, expected below 150" % (peak / 1e6))
tests.end()
PYTHON
