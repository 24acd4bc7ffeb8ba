#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kmeans bench: its figures add up, its rows are those of bench/data.py, its errors help. Rates are
# not judged here. Argument: the build folder.
set -euo pipefail

build=$(cd "${1:?usage: run_bench.sh BUILD_FOLDER}" && pwd)
kmeans=$build/kmeans
bench=$(cd "$(dirname "$0")/../bench" && pwd)
. "$(dirname "$0")/python.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
    echo "FAILED: $*"
    exit 1
}

# refused PART ARGUMENT...: exit code 2, nothing on standard output, a part of the message.
refused() {
    local part=$1 rc=0
    shift
    "$kmeans" bench "$@" >stdout.txt 2>stderr.txt </dev/null || rc=$?
    [ "$rc" -eq 2 ] || fail "kmeans bench $*: exit code $rc, expected 2"
    [ ! -s stdout.txt ] || fail "kmeans bench $*: wrote $(cat stdout.txt)"
    grep -qF -- "$part" stderr.txt || fail "kmeans bench $*: \"$part\" is not in: $(cat stderr.txt)"
}

refused 'did you mean --quick?' --quik
refused 'did you mean --threads?' --thread-s=2
refused 'expected 1 to' --threads 0
refused 'expected 1 to' --threads 2x
refused '--only needs a value' --only
refused 'did you mean "60kx784-K100"?' --only 60kx785-K100
refused 'there is no shape "zebra"' --only zebra
refused 'expected ROWSxFEATURESxCENTERS' --shape 100x2
refused 'expected ROWSxFEATURESxCENTERS' --shape 100x2x3x4x5
refused 'expected ROWSxFEATURESxCENTERS' --shape 100x0x3
refused 'expected ROWSxFEATURESxCENTERS' --shape 100x20/x3
refused 'expected ROWSxFEATURESxCENTERS' --shape 100x20/0x3
refused 'expected ROWSxFEATURESxCENTERS' --shape 100/3x20x3
refused 'rows of 21 values out of 20 features' --shape 100x20/21x3
refused 'at most 16777216 features' --shape 100x16777217/5x3
refused 'only 100 rows' --shape 100x2x101
refused 'only 100 rows' --shape 100x2x3x101
refused 'wants one shape' --paced --only 60kx784-K100
refused 'found "file.csv"' file.csv
KM_ISA=mmx refused "KM_ISA names 'mmx'" --shape 100x2x3
KM_L3_MB=2x refused "KM_L3_MB is '2x'; expected megabytes from 0 to 65536" --shape 100x2x3

"$kmeans" bench --help | grep 'kmeans bench --quick' >/dev/null || fail "the help has no example"

"$kmeans" bench --quick --shape 2000x5x3x500 >table.txt
grep -qE '^\| 2000x5-K3-b500 +\|  +1 \|' table.txt || fail "the table lacks the shape: $(cat table.txt)"
grep -q '^- 1 thread: .* GFLOP/s of multiply-adds' table.txt || fail "the table lacks the peaks"
# Whatever this CPU's caches are, every size of them can be had.
KM_L3_MB=0 "$kmeans" bench --quick --shape 2000x5x3x500 | grep -q 'read from memory (128 MB)$' || fail "KM_L3_MB=0"
KM_L3_MB=50 "$kmeans" bench --quick --shape 2000x5x3x500 | grep -q 'read from memory (200 MB)$' || fail "KM_L3_MB=50"

"$kmeans" bench --quick --json --shape 3000x20x7 --threads 2 >bench.json
"$kmeans" bench --quick --json --shape 3000x200/9x7 --threads 2 >sparse.json
"$kmeans" bench --quick --json --shape 3000x200/9x7x300 --threads 1 >batches.json
printf 'round\nobjective\n' | "$kmeans" bench --quick --paced --shape 3000x20x7 --threads 1 >paced.txt

"$python" -B - "$bench" <<'PYTHON'
import json
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
import data


def record(file, **expected):
    lines = [json.loads(line) for line in open(file)]
    assert len(lines) == 1
    r = lines[0]
    for key in ("seconds", "rows_per_s", "gflops", "gb_per_s", "peak_gflops", "read_gb_per_s", "objective"):
        assert r[key] > 0, (key, r)
    for key, value in expected.items():
        assert r[key] == value, (key, r)
    assert r["isa"] in ("generic", "blas", "avx2", "avx512", "vnni", "vnni-zen4"), r
    assert abs(r["rows_per_s"] * r["seconds"] / r["n"] - 1) < 1e-4, r
    values, size = (r["nnz"], 8) if r["nnz"] else (r["d"], 4)
    assert abs(r["gflops"] * 1e9 / (2 * r["K"] * values * r["rows_per_s"]) - 1) < 1e-4, r
    assert abs(r["gb_per_s"] * 1e9 / (size * values * r["rows_per_s"]) - 1) < 1e-4, r
    return r


def lloyd(x, k):
    """The objective after a pass of Lloyd in float64."""
    c = data.start(x, k).astype(np.float64)
    label = ((x[:, None, :] - c) ** 2).sum(2).argmin(1)
    c = np.array([x[label == j].mean(0, dtype=np.float64) for j in range(k)])
    mine = ((x[:, None, :] - c) ** 2).sum(2).min(1).mean()
    assert abs(data.objective(x, c.astype(np.float32)) / mine - 1) < 1e-5
    return mine


def epoch(x, k, batch):
    """The same after an epoch of mini-batches from centers of weight 1."""
    c, weight = data.start(x, k).astype(np.float64), np.ones(k)
    for part in np.split(x, range(batch, len(x), batch)):
        label = ((part[:, None, :] - c) ** 2).sum(2).argmin(1)
        for j in set(label):
            mine = part[label == j]
            c[j] = (c[j] * weight[j] + mine.sum(0, dtype=np.float64)) / (weight[j] + len(mine))
            weight[j] += len(mine)
    return ((x[:, None, :] - c) ** 2).sum(2).min(1).mean()


r = record("bench.json", name="3000x20-K7", n=3000, d=20, K=7, nnz=0, batch=0, threads=2)
mine = lloyd(data.rows(3000, 20), 7)
paced = open("paced.txt").read().splitlines()
assert paced[0] == "ready" and len(paced) == 3, paced
assert json.loads(paced[1])["rows_per_s"] > 0
for value in (r["objective"], json.loads(paced[2])["objective"]):
    assert abs(value / mine - 1) < 1e-4, (value, mine)

values, features = data.sparse_rows(3000, 200, 9)
assert (np.diff(features, axis=1) > 0).all() and features.min() >= 0 and features.max() < 200
x = np.zeros((3000, 200), np.float32)
np.put_along_axis(x, features.astype(np.int64), values, 1)
shape = {"n": 3000, "d": 200, "K": 7, "nnz": 9}
r = record("sparse.json", name="3000x200/9-K7", batch=0, threads=2, **shape)
assert abs(r["objective"] / lloyd(x, 7) - 1) < 1e-4, (r["objective"], lloyd(x, 7))
r = record("batches.json", name="3000x200/9-K7-b300", batch=300, threads=1, **shape)
assert abs(r["objective"] / epoch(x, 7, 300) - 1) < 1e-4, (r["objective"], epoch(x, 7, 300))

# The fit of bench/predict.py finds the constants that rates were made of.
import predict

truth = {"flops": 1e11, "read": 1e10, "l2": 1 << 21, "A": [1, 0, 2, 30, 4], "B": [1.1, 0.5, 1, 20, 30],
         "C": [1.05, 0, 2, 8, 1], "V": [0.35, 0.1, 2, 14, 30]}
for isa in "avx512", "vnni", "vnni-zen4":
    truth["isa"] = isa
    peaks = {name: truth[name] for name in ("flops", "read", "l2", "isa")}
    fit = predict.fit_to({s: predict.rows_per_s(*s, truth) for s in predict.KNOWN}, peaks)
    for s in predict.UNSEEN:
        if isa == "avx512" or predict.form_of(*s, truth) != "B":  # with a screen, B has few known shapes
            assert abs(predict.rows_per_s(*s, fit) / predict.rows_per_s(*s, truth) - 1) < 1e-6, (s, fit)
assert abs(1e9 / predict.rows_per_s(40, 60, truth) - (1.05 * 48 + 2 * 16 + 8 * 0.6 + 1)) < 1e-6
assert abs(1e9 / predict.rows_per_s(54, 100, truth) - (0.35 * 112 * 1.08 + 2 * 21.6 + 14 * 1 + 30)) < 1e-6
PYTHON
echo "kmeans bench: figures, rows and errors are as they should be"
