#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rate of a pass on a machine whose cores others use as well, against the share they leave.

    bench/crowded.py [--kmeans build/kmeans] [--threads N] [--shape 60000x784x100] [--rounds 4]

Beside kmeans on all CPUs run 0, 1, 2, ... processes that compute all the time; also one that keeps to one
CPU. "CPU left" is what nobody else used of all CPUs (/proc/stat), these or others; a rate in
proportion to it is 1.00 in the last column. Linux.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CPUS = sorted(os.sched_getaffinity(0))
TICK = os.sysconf("SC_CLK_TCK")


def used(pid):
    """Seconds of CPU that a process has used."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def used_by_all():
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, soft, steal = (int(v) for v in f.readline().split()[1:9])
    return (user + nice + system + irq + soft + steal) / TICK


def busy(pin):
    where = {CPUS[-1]} if pin else set(CPUS)
    return subprocess.Popen([sys.executable, "-c", "while True: pass"],
                            preexec_fn=lambda: os.sched_setaffinity(0, where))


class Bench:
    def __init__(self, args):
        self.p = subprocess.Popen(
            [args.kmeans, "bench", "--paced", f"--shape={args.shape}", f"--threads={args.threads}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.p.stdout.readline().strip() != "ready":
            sys.exit("kmeans bench did not start")

    def round(self):
        self.p.stdin.write("round\n")
        self.p.stdin.flush()
        return json.loads(self.p.stdout.readline())["rows_per_s"]

    def close(self):
        self.p.stdin.close()
        self.p.wait()


def beside(bench, rounds):
    """The rate of each round, and the share of the machine that others left."""
    time.sleep(0.3)
    bench.round()  # the scheduler has found its ways
    start, others = time.perf_counter(), used_by_all() - used(bench.p.pid)
    rates = [bench.round() for _ in range(rounds)]
    wall = time.perf_counter() - start
    others = used_by_all() - used(bench.p.pid) - others
    return statistics.median(rates), 1 - others / wall / len(CPUS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kmeans", default=os.path.join(ROOT, "build", "kmeans"))
    parser.add_argument("--threads", type=int, default=len(CPUS))
    parser.add_argument("--shape", default="60000x784x100")
    parser.add_argument("--rounds", type=int, default=4)
    args = parser.parse_args()
    bench = Bench(args)
    cases = [(0, False), (1, True), (1, False), (len(CPUS), False), (2 * len(CPUS), False)]
    print(f"{args.shape}, {args.threads} threads on {len(CPUS)} CPUs\n")
    print("| busy processes | CPU left | Mrow/s | rate left | rate left / CPU left |")
    print("| --- | ---: | ---: | ---: | ---: |")
    alone, worst = None, 1.0
    for n, pin in cases:
        others = [busy(pin) for _ in range(n)]
        try:
            rate, left = beside(bench, args.rounds)
        finally:
            for p in others:
                p.kill()
                p.wait()
        alone = alone or rate / left
        worst = min(worst, rate / alone / left)
        print(f"| {n}{' on one CPU' if pin else ''} | {100 * left:.0f} % | {rate / 1e6:.3g} | {100 * rate / alone:.0f} % |"
              f" {rate / alone / left:.2f} |", flush=True)
    bench.close()
    return 0 if worst >= 0.9 else 1


if __name__ == "__main__":
    sys.exit(main())
