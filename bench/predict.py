#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast a shape will be, from a few constants of this machine, and whether that is true.

    bench/predict.py [--kmeans build/kmeans]             measures, fits, checks unseen shapes
    bench/predict.py --shape 60x250 [--fit out/predict.json]     K = 250, d = 60: Mrow/s

A pass over a row takes a sum of five parts, each with a constant of the form of the kernel
(docs/kernels.md):

    a * 2Kd / F   multiply-adds at the peak F (forms B, V: K rounded up to panels of 16 where they do that)
  + s * 2Kd / F   where the centers, 4Kd bytes (form V, the screen of levels vnni, vnni-zen4: Kd), are more than the
                  L2 cache holds
  + b * 4d / R    reading the row, transposing it, adding it to its center, at the read rate R
  + c * K / F     argmin and lane sums: operations for each center (form B: for those left over)
  + e             nanoseconds for each row (form B: that goes through the kernel twice, for left-over centers)

The constants are fitted to known shapes (not negative, relative errors squared), the others are
checked. One thread. Needs numpy.
"""
import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PANEL = 16
FORMS = "ABCV"
PLAIN_RATE = {"vnni": 28, "vnni-zen4": 21}  # multiply-adds of float32 in a cycle, as vnni.c counts them

# features, centers; each list holds small and large of both for each form
KNOWN = [
    (784, 10), (784, 4), (128, 8), (300, 15), (64, 12), (2000, 6), (96, 2),
    (784, 100), (4096, 256), (256, 64), (784, 1000), (200, 40), (1500, 32), (130, 500), (400, 21),
    (300, 150), (1000, 400), (1000, 800), (512, 56),
    (54, 100), (128, 1000), (64, 2000), (64, 200), (96, 5000), (784, 48), (1500, 64), (3000, 80), (8, 100), (2, 10), (16, 1000), (32, 300), (100, 20), (4, 50), (3, 3),
]
UNSEEN = [
    (500, 10), (1024, 5), (200, 14), (1000, 150), (300, 700), (2048, 48), (160, 26),
    (10, 25), (40, 1000), (90, 64), (20, 200), (6, 500), (120, 40), (1200, 600),
]


def form_of(d, k, fit):
    """As algo/kern/body.h and vnni.c choose."""
    padded = -(-k // PANEL) * PANEL
    screened = d * (padded / 128 + 0.7) + padded * 0.56 + 40 + d / 16 + 8
    rate = PLAIN_RATE.get(fit["isa"])
    if rate and k >= 48 and 9 <= d <= 16384 and screened < k * d / rate:
        return "V"
    if d >= 64 and k < PANEL:
        return "A"
    return "B" if d > 128 else "C"


def l2_bytes():
    with open("/sys/devices/system/cpu/cpu0/cache/index2/size") as f:
        return int(f.read().strip().rstrip("K")) * 1024


def parts(d, k, fit):
    """Seconds that the parts of a row would take with constants of 1."""
    rest, padded, again = k, k, 1
    form = form_of(d, k, fit)
    value = 1 if form == "V" else 4  # bytes of a center's
    if form == "V":
        padded = -(-k // PANEL) * PANEL
    if form == "B":
        rest = k % PANEL if k % PANEL <= PANEL / 2 else 0
        padded = k if rest else -(-k // PANEL) * PANEL
        again = rest > 0
    multiply = 2.0 * d / fit["flops"]
    spilled = value * k * d > fit["l2"]
    return np.array([padded * multiply, k * multiply * spilled, 4.0 * d / fit["read"], rest / fit["flops"], 1e-9 * again])


def rows_per_s(d, k, fit):
    """The prediction."""
    return 1 / (parts(d, k, fit) @ fit[form_of(d, k, fit)])


def rows_for(d, k):
    """Enough rows to be read from memory, and few enough to be quick."""
    return int(max(2000, k, min(1e6, 2e7 / d, 1e10 / (k * d))))


def measure(kmeans, shapes, rounds):
    """Rates of each shape, medians over rounds, with the peaks of the same runs."""
    seen = {}
    for _ in range(rounds):
        for i in range(0, len(shapes), 20):
            options = [f"--shape={rows_for(d, k)}x{d}x{k}" for d, k in shapes[i:i + 20]]
            out = subprocess.run([kmeans, "bench", "--quick", "--json", "--threads=1", *options],
                                 stdout=subprocess.PIPE, text=True, check=True).stdout
            for line in out.splitlines():
                r = json.loads(line)
                seen.setdefault((r["d"], r["K"]), []).append(r)
    every = [r for runs in seen.values() for r in runs]
    peaks = {"flops": 1e9 * statistics.median(r["peak_gflops"] for r in every),
             "read": 1e9 * statistics.median(r["read_gb_per_s"] for r in every), "isa": every[0]["isa"],
             "l2": l2_bytes()}
    return {s: statistics.median(r["rows_per_s"] for r in runs) for s, runs in seen.items()}, peaks


def not_negative(a, y):
    """Least squares with no negative constant: the best of all subsets, there are only 31."""
    best, found = np.inf, None
    for n in range(1, a.shape[1] + 1):
        for use in itertools.combinations(range(a.shape[1]), n):
            if not a[:, use].any(0).all():
                continue  # no shape has that part
            c = np.linalg.lstsq(a[:, use], y, rcond=None)[0]
            loss = ((a[:, use] @ c - y) ** 2).sum()
            if (c >= 0).all() and loss < best:
                best, found = loss, np.zeros(a.shape[1])
                found[list(use)] = c
    return found


def fit_to(rates, peaks):
    fit = dict(peaks)
    for form in FORMS:
        mine = [(s, r) for s, r in rates.items() if form_of(*s, peaks) == form]
        if not mine:
            continue
        a = np.array([parts(*s, peaks) * r for s, r in mine])
        fit[form] = not_negative(a, np.ones(len(mine))).tolist()
    return fit


def table(rates, fit):
    """Prints measured and predicted; the largest error."""
    worst = 0
    print("| features | K | form | measured, Mrow/s | predicted | off by |")
    print("| ---: | ---: | --- | ---: | ---: | ---: |")
    for (d, k), rate in sorted(rates.items(), key=lambda r: (form_of(*r[0], fit), r[0])):
        guess = rows_per_s(d, k, fit)
        worst = max(worst, abs(guess / rate - 1))
        print(f"| {d} | {k} | {form_of(d, k, fit)} | {rate / 1e6:.3g} | {guess / 1e6:.3g} | {100 * (guess / rate - 1):+.0f} % |")
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kmeans", default=os.path.join(ROOT, "build", "kmeans"))
    parser.add_argument("--fit", default=os.path.join(ROOT, "out", "predict.json"))
    parser.add_argument("--shape", help="FEATURESxCENTERS: predicts by an earlier fit, measures nothing")
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    if args.shape:
        d, k = (int(v) for v in args.shape.split("x"))
        with open(args.fit) as f:
            fit = json.load(f)
        print(f"{rows_per_s(d, k, fit) / 1e6:.4g} Mrow/s, form {form_of(d, k, fit)}")
        return 0
    rates, peaks = measure(args.kmeans, KNOWN + UNSEEN, args.rounds)
    fit = fit_to({s: rates[s] for s in KNOWN}, peaks)
    os.makedirs(os.path.dirname(args.fit), exist_ok=True)
    with open(args.fit, "w") as f:
        json.dump(fit, f, indent=1)
    print(f"F = {peaks['flops'] / 1e9:.0f} GFLOP/s, R = {peaks['read'] / 1e9:.1f} GB/s, kernels {peaks['isa']}\n")
    print("| form | a | s | b | c | e, ns |\n| --- | ---: | ---: | ---: | ---: | ---: |")
    for form in FORMS:
        if form in fit:
            print(f"| {form} | " + " | ".join(f"{v:.3g}" for v in fit[form]) + " |")
    print("\nShapes that the constants come from:\n")
    table({s: rates[s] for s in KNOWN}, fit)
    print("\nShapes that they have not seen:\n")
    worst = table({s: rates[s] for s in UNSEEN}, fit)
    print(f"\nThe worst is off by {100 * worst:.0f} %.")
    return 1 if worst > 0.2 else 0


if __name__ == "__main__":
    sys.exit(main())
