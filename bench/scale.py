#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The time of a pass on several hosts: a model, checked against two ranks on a shaped network.

    bench/scale.py [--kmeans FILE] [--quick]      as root: bench/scale.sh builds and installs

Two ranks, one thread each on a core of its own, live in network namespaces with a cable between them that
tc shapes. A pass of n rows on N hosts, which exchange W times (train/exchange.c), takes

    n / N * row  +  W * (move + exchange)

    exchange = messages * software + trips * latency + bytes / rate + bytes * add

`row` and `move` are measured on two jobs side by side that do not know of each other, `rate` by a plain TCP
connection through the same cable, both ways at once; `software` is what an exchange of K = 10 takes on the
unshaped cable, `add` what more of bytes adds to that; W and `bytes` are what the program counts, and for
other numbers of hosts what follows from K, d and N. Needs numpy, Open MPI, iproute2; a delay: sch_netem.
"""
import argparse
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import oracle  # noqa: E402

NAME, NET = "kmscale", "10.213.77"
D, FACTOR = 784, 10
EAGER = 65536  # a longer message is announced, asked for and sent: three trips (Open MPI, btl tcp)
SMALL, SLICE = 1 << 15, 1 << 22  # values: dist/comm.c


# ---- the model ----

def window_most(k, batch, hosts):
    """As km_window_most."""
    exchange = 0.5e-3 + 16.0 * k * D * (hosts - 1) / hosts / 1.25e9
    compute = max(2.0 * k * D / 5e11, 4.0 * D / 1e9)
    return max(1, int(min(32 * exchange / compute, 1 << 17) / batch))


def windows(batches, epochs, most):
    """How often hosts with so many mini-batches each exchange; as km_window and run_epoch."""
    seen = count = 0
    for _ in range(epochs):
        left = batches
        while left >= 0:  # the last one finds that there are no more rows
            window = max(1, min(seen // 16, most))
            count, seen = count + 1, seen + window
            left = left - window if left >= window else -1
    return count


def exchange_seconds(values, hosts, net, cost):
    """Counts and flags, then `values` sums: dealt out, added up, collected; few are sent by each to each."""
    if values * hosts <= SMALL:
        steps, sent = 2, 8 * values * (hosts - 1)
    else:
        steps, sent = 1 + 2 * max(1, -(-values // SLICE)), 16 * values * (hosts - 1) / hosts
    trips = 1 + (steps - 1) * (3 if 8 * min(values, SLICE) / hosts > EAGER else 1)
    wire = max(sent / cost["cable"], (sent - (steps - 1) * net["burst"]) / net["rate"])  # a burst passes at once
    return (hosts - 1) * steps * cost["software"] + trips * net["latency"] + wire + 8 * values * cost["add"]


# ---- measuring ----

def sh(*command, check=True):
    return subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=check)


class Network:
    """Two namespaces with a cable between them."""

    def __init__(self, folder):
        self.names = [f"{NAME}-{i}" for i in (1, 2)]
        for n in self.names:
            sh("ip", "netns", "add", n)
            sh("ip", "-n", n, "link", "set", "lo", "up")
        sh("ip", "-n", self.names[0], "link", "add", "eth0", "type", "veth", "peer", "name", "eth0",
           "netns", self.names[1])
        for i, n in enumerate(self.names):
            sh("ip", "-n", n, "addr", "add", f"{NET}.{i + 1}/24", "dev", "eth0")
            sh("ip", "-n", n, "link", "set", "eth0", "up")
        self.agent = folder / "agent"
        self.agent.write_text(f'#!/bin/sh\nshift\nexec ip netns exec {self.names[1]} sh -c "$*"\n')
        self.agent.chmod(0o755)

    def shape(self, gbit, delay_us):
        """What the model is to know of it: the rate is what TCP gets; None where the kernel cannot."""
        burst = int(max(32768, 1e-4 * gbit * 1e9 / 8)) if gbit and not delay_us else 0
        for n in self.names:
            sh("tc", "-n", n, "qdisc", "del", "dev", "eth0", "root", check=False)
            how = []
            if delay_us:
                how = ["netem", "limit", "100000", "delay", f"{delay_us}us"] + ["rate", f"{gbit}gbit"] * bool(gbit)
            elif gbit:
                how = ["tbf", "rate", f"{gbit}gbit", "burst", burst, "limit", 1 << 24]
            if how and sh("tc", "-n", n, "qdisc", "add", "dev", "eth0", "root", *how, check=False).returncode:
                return None
        rate = statistics.median(self.speed(60) for _ in range(3))
        return {"rate": rate, "latency": 1e-6 * delay_us, "burst": burst}

    def speed(self, megabytes):
        """Bytes a second, each way, while both ends send and receive, each on one core."""
        cores = sorted(os.sched_getaffinity(0))
        ends = [subprocess.Popen(["ip", "netns", "exec", n, "taskset", "-c", str(cores[i]), sys.executable, __file__,
                                  "--end", str(i), str(megabytes)], stdout=subprocess.PIPE, text=True)
                for i, n in enumerate(self.names)]
        seconds = [float(e.communicate(timeout=60)[0]) for e in ends]
        return 1e6 * megabytes / max(seconds)

    def close(self):
        for n in self.names:
            sh("ip", "netns", "del", n, check=False)


def be_an_end(which, megabytes):
    """One end of the cable: sends and receives so much at the same time."""
    if which == 0:
        s = socket.create_server((f"{NET}.1", 9999)).accept()[0]
    for _ in range(100 * which):
        try:
            s = socket.create_connection((f"{NET}.1", 9999))
            break
        except OSError:
            time.sleep(0.05)
    start, left, place = time.monotonic(), 1000000 * megabytes, bytearray(1 << 18)
    sender = threading.Thread(target=lambda: [s.sendall(bytes(1000000)) for _ in range(megabytes)])
    sender.start()
    while left:
        left -= s.recv_into(place)
    sender.join()
    print(time.monotonic() - start)


class Log:
    """Seconds of the pass without the seeding, and what they were spent on; of several ranks the mean."""

    def __init__(self, text):
        def phase(name, column):
            found = re.findall(r"INFO \d+\] %s +(\d+) +(\S+) " % name, text)
            return sum(float(f[column]) for f in found) / self.ranks

        updates = re.findall(r'"update.time": \{"sum": ([0-9.e+]+)', text)
        self.ranks = len(updates)
        self.seconds = sum(map(float, updates)) / 1e3 / self.ranks - phase("seed", 1)
        self.move, self.moves = phase("move centers", 1), phase("move centers", 0)
        self.exchange = phase("exchange", 1)
        told = re.findall(r"the pass exchanged (\d+) times and sent (\S+) MB", text)
        self.count = int(told[0][0]) if told else 0
        self.bytes = sum(1e6 * float(t[1]) for t in told) / self.ranks


class Job:
    """Rows for one rank, and the same divided among two."""

    def __init__(self, args, folder, network):
        self.kmeans, self.network, self.rows = args.kmeans, network, args.rows
        rng = np.random.default_rng(1)  # so many clusters that each center gets rows, and is sent
        x = rng.random((2 * args.rows, D), np.float32)
        x += 3 * rng.random((2000, D), np.float32)[rng.integers(2000, size=len(x))]
        halves = x[:args.rows], x[args.rows:]
        self.roots = {"alone": [self.lay_out(folder / "alone", x, 0, 1)],
                      "apart": [self.lay_out(folder / f"apart-{i}", halves[i], 0, 1) for i in (0, 1)],
                      "ranks": [self.lay_out(folder / f"rank-{i}", halves[i], i, 2) for i in (0, 1)]}

    def lay_out(self, root, x, i, ranks):
        names = [f'"algo-{r + 1}"' for r in range(ranks)]
        for name in "input/config", "input/data/train", "model", "output":
            (root / name).mkdir(parents=True)
        config = root / "input/config"
        (config / "resourceconfig.json").write_text(f'{{"current_host": {names[i]}, "hosts": [{", ".join(names)}]}}')
        (config / "inputdataconfig.json").write_text(
            '{"train": {"TrainingInputMode": "File", "S3DistributionType": "ShardedByS3Key"}}')
        oracle.write_recordio(root / "input/data/train/rows", x)
        return root

    def run(self, how, k, batch, epochs):
        """A Log; the shrink and so on are kept short and do not count."""
        cores = sorted(os.sched_getaffinity(0))
        for root in self.roots[how]:
            (root / "input/config/hyperparameters.json").write_text(
                f'{{"k": "{k // FACTOR}", "feature_dim": "{D}", "mini_batch_size": "{batch}", "refine_rows": "0", '
                f'"epochs": "{epochs}", "extra_center_factor": "{FACTOR}", "local_lloyd_num_trials": "1"}}')
        one = [["taskset", "-c", str(cores[i]), str(self.kmeans), "train", "--threads", "1", "--root", str(root)]
               for i, root in enumerate(self.roots[how])]
        if how == "ranks":
            where = f"{NET}.0/24"
            one = [["ip", "netns", "exec", self.network.names[0], "mpirun", "--allow-run-as-root", "--bind-to", "none",
                    "--mca", "plm_rsh_agent", str(self.network.agent), "--mca", "pml", "ob1", "--mca", "btl", "self,tcp",
                    "--mca", "btl_tcp_if_include", where, "--mca", "oob_tcp_if_include", where,
                    "-np", "1", "--host", "localhost", *one[0], ":", "-np", "1", "--host", "other", *one[1]]]
        started = [subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for c in one]
        try:
            texts = [s.communicate(timeout=120)[0] for s in started]
        finally:
            for s in started:
                s.terminate()  # nothing, if it has ended
        for s, text in zip(started, texts):
            if s.returncode:
                sys.exit(f"ended with {s.returncode}:\n{text}")
        return Log("".join(texts))


def fastest(logs):
    """What else the machine does only ever adds."""
    return min(logs, key=lambda log: log.seconds)


def check(args, job, network):
    """Prints what was measured beside what was predicted; the constants, and the largest error."""
    times, batch, epochs = 1 if args.quick else 3, 500, {10: 8, 100: 8, 1000: 2}
    each = {k: job.rows * epochs[k] for k in epochs}
    row, move, unshaped = {}, {}, {}
    cable = network.shape(0, 0)["rate"]
    for k in epochs:
        apart = fastest([job.run("apart", k, batch, epochs[k]) for _ in range(times)])
        row[k], move[k] = (apart.seconds - apart.move) / each[k], apart.move / apart.moves
        unshaped[k] = fastest([job.run("ranks", k, batch, epochs[k]) for _ in range(times)])
        guess = windows(-(-job.rows // batch), epochs[k], window_most(k, batch, 2))
        if guess != unshaped[k].count:
            print(f"W: {unshaped[k].count} counted, {guess} by the formula")
    exchange = {k: unshaped[k].exchange / unshaped[k].count for k in unshaped}
    sent = {k: unshaped[k].bytes / unshaped[k].count for k in unshaped}
    cost = {"cable": cable, "software": max(0.0, exchange[10] - sent[10] / cable) / 2}
    add = {10: 0.0, **{k: max(0.0, (exchange[k] - 3 * cost["software"]) / sent[k] - 1 / cable) for k in (100, 1000)}}
    print(f"d = {D}, {2 * job.rows} rows, {epochs[1000]} epochs at K=1000, else {epochs[10]}, mini_batch_size {batch}; a message: "
          f"{1e6 * cost['software']:.0f} us; cable: {cable / 1e9:.2f} GB/s each way\n")
    print("| K | a row | a move | adding and handling a byte |\n" + "| ---: " * 4 + "|")
    for k in unshaped:
        print(f"| {k} | {1e6 * row[k]:.2f} us | {1e3 * move[k]:.2f} ms | {1e9 * add[k]:.2f} ns |")
    print()
    print("| K | network | TCP alone, MB/s | exchanges | MB sent | exchanging | pass | predicted | off by |")
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    worst, left_out = 0.0, 0
    for k, gbit, delay in [(k, g, 0) for k in (10, 100, 1000) for g in (0, 10, 2.5, 1)] + [
            (100, 10, 50), (100, 10, 1000), (1000, 10, 200), (1000, 1, 1000)]:
        net = network.shape(gbit, delay)
        if not net:
            left_out += 1
            continue
        got = fastest([job.run("ranks", k, batch, epochs[k]) for _ in range(times)]) if gbit or delay else unshaped[k]
        values = int(got.bytes / got.count / 8)
        guess = each[k] * row[k] + got.count * (move[k] + exchange_seconds(values, 2, net, {**cost, "add": add[k]}))
        off = guess / got.seconds - 1
        worst = max(worst, abs(off))
        what = (f"{gbit:g} Gbit/s" if gbit else "unshaped") + (f", {delay} us" if delay else "")
        print(f"| {k} | {what} | {net['rate'] / 1e6:.0f} | {got.count} | {got.bytes / 1e6:.1f} | {got.exchange:.3f} s | "
              f"{got.seconds:.3f} s | {guess:.3f} s | {100 * off:+.0f} % |", flush=True)
    if left_out:
        print(f"\n{left_out} cases with a delay were left out: this kernel has no sch_netem.")
    return {**cost, "add": add[1000]}, worst


def one_to_two(args, job, network):
    network.shape(0, 0)
    print("\nOne rank and two, the same rows, K=100, 8 epochs:\n")
    print("| mini_batch_size | 1 rank | 2 ranks | of it exchanging | speedup | two jobs apart |\n" + "| ---: " * 6 + "|")
    for batch in 500, 5000:
        logs = {how: [] for how in ("alone", "ranks", "apart")}
        for _ in range(1 if args.quick else 3):
            for how in logs:
                logs[how].append(job.run(how, 100, batch, 8))
        alone, ranks, apart = (fastest(logs[how]) for how in logs)
        print(f"| {batch} | {alone.seconds:.3f} s | {ranks.seconds:.3f} s | {ranks.exchange:.3f} s | "
              f"{alone.seconds / ranks.seconds:.2f} | {alone.seconds / apart.seconds:.2f} |")


def extrapolate(job, cost):
    """372 GB by the model; rows do not come faster than 1 GB/s to a host."""
    net, rows, batch = {"rate": 1.2e9, "latency": 1e-4, "burst": 0}, int(372e9 / (4 * D)), 5000
    print(f"\n372 GB (d={D}, {rows} rows, mini_batch_size {batch}), 10 Gbit/s (1.2 GB/s of TCP), 100 us, by the model:\n")
    print("| k | K | cores of a host | hosts | a pass | exchanges | MB/s of each host | efficiency |")
    print("| ---: " * 8 + "|")
    for k in 100, 1000:
        from_k = k * FACTOR
        alone = job.run("alone", from_k, batch, 1)
        move = alone.move / alone.moves
        for cores in 1, 4, 16:
            row = max((alone.seconds - alone.move) / (2 * job.rows) / cores, 4 * D / 1e9)
            for hosts in 4, 8, 12, 100:
                share = -(-rows // hosts)
                w = windows(-(-share // batch), 1, window_most(from_k, batch, hosts))
                total = share * row + w * (move + exchange_seconds(from_k * D, hosts, net, cost))
                print(f"| {k} | {from_k} | {cores} | {hosts} | {total:.0f} s | {w} | {372e3 / hosts / total:.0f} | "
                      f"{100 * share * row / total:.1f} % |")


def end(number, _):
    """The namespaces have to go, whatever else comes."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kmeans", default=ROOT / "build" / "kmeans", type=Path)
    parser.add_argument("--rows", type=int, default=50000, help="of each rank")
    parser.add_argument("--quick", action="store_true", help="each run once")
    parser.add_argument("--end", nargs=2, type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.end:
        return be_an_end(*args.end)
    if os.geteuid() or len(os.sched_getaffinity(0)) < 2:
        sys.exit("needs root, for network namespaces, and two cores")
    signal.signal(signal.SIGTERM, end)
    with tempfile.TemporaryDirectory() as folder:
        network = None
        try:
            network = Network(Path(folder))
            job = Job(args, Path(folder), network)
            cost, worst = check(args, job, network)
            one_to_two(args, job, network)
            extrapolate(job, cost)
        finally:
            if network:
                network.close()
    print(f"\nThe worst prediction is off by {100 * worst:.0f} %.")
    return 1 if worst > 0.15 else 0


if __name__ == "__main__":
    sys.exit(main())
