#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kmeans beside its peers, in one run: started by bench/run.sh, which says what it needs.

    compare.py [--quick] [--only NAME] [--kmeans build/kmeans] [--output out/bench.json] [--results FILE]

Every system is a process of its own that measures inside; they take turns round by round, so that
a disturbance hits all of them, and the medians count. "tuned": OPENBLAS_CORETYPE=SkylakeX, where
the OpenBLAS in a peer's wheel does not choose its AVX-512 kernels by itself. "As shipped" means without
any such variable: they are taken out of the environment.
"""
import argparse
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import time
from typing import NamedTuple

import numpy as np
import scipy.sparse

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path[:0] = [HERE, os.path.join(ROOT, "tests")]
import data  # noqa: E402
import oracle  # noqa: E402

OUT = os.path.join(ROOT, "out")
ROWS = os.path.join(OUT, "bench-data")
CPUS = len(os.sched_getaffinity(0))


class Shape(NamedTuple):
    name: str
    n: int
    d: int
    k: int
    roof: tuple  # the roof that one thread is judged by, and the share of it that is wanted
    shipped: float  # times the best peer as shipped, and tuned
    tuned: float
    batch: int = 0
    nnz: int = 0  # values of a sparse row

    def is_seed(self):
        return self.name.startswith("seed")

    def flop(self):
        return 2 * self.n * (self.nnz or self.d) * self.k

    def bytes(self):
        return self.n * (8 * self.nnz or 4 * self.d)

    def is_heavy(self):
        """For peers: what they do with sparse rows takes a tenth as long as with dense ones."""
        return self.n * self.d * self.k > (10 * HEAVY if self.nnz else HEAVY)


SHAPES = [
    Shape("60kx784-K10", 60000, 784, 10, ("memory", 0.75), 3.5, 3.5),
    Shape("60kx784-K100", 60000, 784, 100, ("FMA", 0.85), 2, 1.5),
    Shape("60kx784-K100-b500", 60000, 784, 100, None, 2, 1.5, batch=500),
    Shape("60kx784-K100-b5000", 60000, 784, 100, None, 2, 1.5, batch=5000),
    Shape("200kx54-K100", 200000, 54, 100, ("FMA", 0.65), 2.5, 2),
    Shape("100kx128-K1000", 100000, 128, 1000, ("FMA", 0.90), 2, 1.2),
    Shape("50kx64-K10000", 50000, 64, 10000, ("FMA", 0.90), 2, 1.35),
    Shape("500kx8-K100", 500000, 8, 100, ("FMA", 0.55), 5, 5),
    Shape("1Mx2-K10", 1000000, 2, 10, None, 4, 4),
    Shape("20kx4096-K256", 20000, 4096, 256, ("FMA", 0.88), 2, 1.2),
    Shape("sparse-20kx10k-K100", 20000, 10000, 100, None, 6, 6, nnz=65),
    Shape("sparse-20kx10k-K1000", 20000, 10000, 1000, None, 12, 12, nnz=65),
    Shape("seed-10kx784-K1000", 10000, 784, 1000, None, 3, 3),
]
SLOW = 0.3  # seconds of a pass
HEAVY = 1e10  # n d K
SAME = 0.002  # objectives this near are the same: float32 decides near ties differently


def has_avx512():
    with open("/proc/cpuinfo") as f:
        return "avx512f" in f.read()


class Process:
    """A system in its own process, driven by lines."""

    def __init__(self, command, env, threads):
        one = {max(os.sched_getaffinity(0))} if threads == 1 else os.sched_getaffinity(0)
        self.p = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True, preexec_fn=lambda: os.sched_setaffinity(0, one))
        self.what = command

    def read(self):
        line = self.p.stdout.readline()
        if not line:
            sys.exit(f"{' '.join(self.what)} ended without an answer (exit code {self.p.wait()})")
        return line.strip()

    def ask(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()
        return json.loads(self.read())

    def close(self):
        self.p.stdin.close()
        self.p.wait()


def environment(threads, tuned, passive):
    keep = {k: v for k, v in os.environ.items()
            if not k.startswith(("OPENBLAS_", "OMP_", "GOMP_", "MKL_", "KM_"))}
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        keep[name] = str(threads)
    if tuned:
        keep["OPENBLAS_CORETYPE"] = "SkylakeX"
    if passive:
        keep["OMP_WAIT_POLICY"] = "PASSIVE"
    return keep


class System:
    """A method of a library with its settings, and its process."""

    def __init__(self, library, methods, threads, tuned, passive):
        self.peer, self.methods = library, methods
        self.threads, self.tuned, self.passive = threads, tuned, passive
        self.process = Process([sys.executable, "-B", os.path.join(HERE, "peers.py"), library,
                                str(threads)], environment(threads, tuned, passive), threads)


def start_systems(args):
    """The peers, in processes that wait, and which kernels their OpenBLAS takes as shipped."""
    tunings = [False, True] if has_avx512() else [False]
    systems, shipped = [], {}
    for threads in [1] if args.quick else sorted({1, CPUS}):
        # FAISS loses half of its speed to spinning threads; scikit-learn wants them on an idle
        # machine and suffers from them on a busy one: the better figure counts.
        waits = [False] if threads == 1 else [False, True]
        for tuned in tunings:
            for passive in waits:
                systems.append(System("sklearn", ["lloyd", "minibatch"], threads, tuned, passive))
            if tuned == tunings[-1] or not args.quick:
                systems.append(System("faiss", ["faiss"], threads, tuned, threads > 1))
        systems.append(System("intelex", ["intelex"], threads, False, False))  # its own MKL
    for s in systems:
        blas = json.loads(s.process.read())
        if not s.tuned:
            shipped[s.peer] = blas
        elif shipped.get(s.peer) == blas:
            s.process.close()  # tuning changes nothing
            s.process = None
    return [s for s in systems if s.process], shipped


def methods_of(args, system, shape):
    if shape.nnz and system.peer == "faiss":
        return []  # dense rows only
    if args.quick and shape.is_heavy():  # the fastest peers
        fast = {"intelex": ["intelex"]} if shape.nnz else {"sklearn": ["lloyd"], "faiss": ["faiss"]}
        return fast.get(system.peer, [])
    if shape.is_seed():
        return ["plusplus"] if system.peer == "sklearn" else []
    if shape.batch:
        return ["minibatch"] if system.peer == "sklearn" else []
    return system.methods


def note(text):
    print(text, file=sys.stderr, flush=True)


def forget_rows():
    for name in os.listdir(ROWS):
        if name.endswith((".npy", ".npz")):
            os.remove(os.path.join(ROWS, name))


def save_rows(shape):
    """The rows of a shape in a file for the peers: its name."""
    path = os.path.join(ROWS, f"{shape.n}x{shape.d}" + (f"-{shape.nnz}.npz" if shape.nnz else ".npy"))
    if os.path.exists(path):
        return path
    forget_rows()
    if not shape.nnz:
        np.save(path, data.rows(shape.n, shape.d))
        return path
    values, features = data.sparse_rows(shape.n, shape.d, shape.nnz)
    first = np.arange(shape.n + 1, dtype=np.int32) * np.int32(shape.nnz)
    x = scipy.sparse.csr_matrix((values.ravel(), features.ravel(), first), (shape.n, shape.d))
    scipy.sparse.save_npz(path, x, compressed=False)
    return path


def measure(args, systems, shape):
    """All systems on one shape, in turn. A record for each (system, method, threads)."""
    rows = save_rows(shape)
    seconds, rounds = (0.05, 1) if args.quick else (0.1, 5)
    ours, runs = {}, []
    for threads in sorted({1, CPUS}):
        ours[threads] = Process([args.kmeans, "bench", "--paced", "--only", shape.name, "--threads",
                                 str(threads)], environment(threads, False, False), threads)
        ours[threads].read()
        runs.append({"system": "kmeans", "threads": threads, "rounds": []})
    for s in systems:
        for method in methods_of(args, s, shape):
            batch = shape.batch or max(5000, shape.k)
            if s.process.ask(f"load {rows} {shape.k} {batch}") != "loaded":
                sys.exit("a peer could not load the rows")
            runs.append({"system": method, "threads": s.threads, "tuned": s.tuned,
                         "passive": s.passive, "process": s.process, "rounds": []})
    for threads in sorted({1, CPUS}):
        turn = [r for r in runs if r["threads"] == threads]
        for i in range(-1, rounds):  # the first is a warm-up
            for r in turn:
                # what is slow is steady, too: its warm-up counts, and few more
                if i >= (0 if args.quick else 1) and r["rounds"] and r["rounds"][0][0] > SLOW:
                    continue
                if r["system"] == "kmeans":
                    answer = ours[threads].ask("round")
                    times = [answer["seconds"]]
                else:
                    times = r["process"].ask(f"rep {r['system']} {seconds}")
                if i >= 0 or times[0] > SLOW:
                    r["rounds"].append(times)
                    if r["system"] == "kmeans":
                        r.setdefault("answers", []).append(answer)
    return finish(args, shape, runs, ours)


def asks_objective(args, shape, system):
    if shape.is_seed() or (args.quick and shape.is_heavy()):
        return False
    return not args.quick or system != "minibatch" or shape.batch > 0


def finish(args, shape, runs, ours):
    objectives = {}
    for r in runs:
        r["seconds"] = statistics.median(t for times in r.pop("rounds") for t in times)
        r["rows_per_s"] = shape.n / r["seconds"]
        r["gflops"] = 1e-9 * shape.flop() / r["seconds"]
        r.update(name=shape.name, n=shape.n, d=shape.d, K=shape.k, nnz=shape.nnz, batch=shape.batch)
        process = r.pop("process", None)
        if r["system"] == "kmeans":
            answers = r.pop("answers")
            r["isa"] = answers[0]["isa"]
            for key in ("peak_gflops", "read_gb_per_s"):
                r[key] = statistics.median(a[key] for a in answers)
            process = ours[r["threads"]]
            question = "objective"
        else:
            question = f"objective {r['system']}"
        if asks_objective(args, shape, r["system"]):
            if r["system"] not in objectives:
                answer = process.ask(question)
                objectives[r["system"]] = answer["objective"] if process in ours.values() else answer
            r["objective"] = objectives[r["system"]]
            if r["system"] == "minibatch" and "plain" not in objectives:
                objectives["plain"] = process.ask("objective plain")
            if r["system"] == "minibatch":
                r["objective_without_reassignment"] = objectives["plain"]
    for p in ours.values():
        p.close()
    return runs


# ---- tables ----

LABELS = {"lloyd": "sklearn Lloyd", "minibatch": "MiniBatch", "faiss": "FAISS", "intelex": "intelex",
          "plusplus": "sklearn kmeans_plusplus"}


def best(runs, threads, tuned, system=None):
    """The fastest peer run: with tuned, the better of both settings."""
    fit = [r for r in runs if r["system"] != "kmeans" and r["threads"] == threads
           and (tuned or not r["tuned"]) and system in (None, r["system"])]
    return max(fit, key=lambda r: r["rows_per_s"]) if fit else None


def cell(runs, threads, system):
    a, b = best(runs, threads, False, system), best(runs, threads, True, system)
    if not b:
        return "-"
    if not a:  # --quick
        return f"- / {b['rows_per_s'] / 1e6:.3g}"
    if system == "intelex":
        return f"{a['rows_per_s'] / 1e6:.3g}"
    return f"{a['rows_per_s'] / 1e6:.3g} / {b['rows_per_s'] / 1e6:.3g}"


def verdict(parts):
    return "yes" if all(parts) else "NO"


def judge(show, bars, shape, runs):
    name, one = shape.name, None
    for threads in sorted({1, CPUS}):
        r = next(r for r in runs if r["system"] == "kmeans" and r["threads"] == threads)
        fma = r["gflops"] / r["peak_gflops"]
        read = 1e-9 * shape.bytes() / r["seconds"] / r["read_gb_per_s"]
        share = f"{100 * fma:.0f} % FMA"
        if read > fma:
            share = f"{100 * read:.0f} % memory"
        if shape.is_seed():
            share = ""
        peers = [best(runs, threads, tuned) for tuned in (False, True)]
        x = [r["rows_per_s"] / p["rows_per_s"] for p in peers if p]  # --quick may have none
        ratio = f"{one['seconds'] / r['seconds']:.2f}" if one else ""
        show(name, str(threads), f"{r['rows_per_s'] / 1e6:.4g}", f"{r['gflops']:.0f}", share, ratio,
             *(cell(runs, threads, s) for s in ("lloyd", "faiss", "intelex", "minibatch")),
             " / ".join(f"{v:.2f}" for v in x) or "-")
        if threads == 1:
            one = r
            if shape.roof:
                value = fma if shape.roof[0] == "FMA" else read
                bars.append((f"{name}: share of {shape.roof[0]} peak", value, ">=", shape.roof[1]))
        if shape.is_seed() and threads == CPUS:
            bars.append((f"{name}: seconds", r["seconds"], "<=", 1.0))
        for value, what, bar in zip(x, ("as shipped", "tuned"), (shape.shipped, shape.tuned)):
            bars.append((f"{name}, {threads} thr: x best {what}", value, ">=", bar))
        if threads > 1 and one["seconds"] >= 0.2:
            bars.append((f"{name}: 1 -> {threads} threads", one["seconds"] / r["seconds"], ">=",
                         0.95 * threads))


def reached(runs):
    """The objective of each system; "plain" is MiniBatch without reassignment."""
    values = {r["system"]: r["objective"] for r in runs if "objective" in r}
    values.update({"plain": r["objective_without_reassignment"] for r in runs
                   if "objective_without_reassignment" in r})
    return values


def objectives(shape, runs):
    values = reached(runs)
    return [shape.name, "one epoch" if shape.batch else "one pass", *(
        f"{values[s]:.6g}" if s in values else "-"
        for s in ("kmeans", "lloyd", "faiss", "intelex", "plain", "minibatch"))]


def quality_bars(bars, shape, runs):
    values = reached(runs)
    if not values:
        return
    same = ["plain"] if shape.batch else ["lloyd", "faiss", "intelex"]
    best_peer = min(values[s] for s in same if s in values)
    bars.append((f"{shape.name}: objective / best peer's", values["kmeans"] / best_peer, "<=", 1 + SAME))


# ---- whole jobs ----

def mnist(args, bars, show):
    """The MNIST example, file to model on one core, against scikit-learn's fit alone."""
    images = os.path.join(ROOT, "examples/mnist/data/train-images-idx3-ubyte.gz")
    shard, model = os.path.join(ROWS, "mnist.recordio"), os.path.join(ROWS, "model")
    subprocess.run([args.kmeans, "convert", "--rows", "0:50000", "--scale", "1/256", images, "--output",
                    shard], check=True, stderr=subprocess.DEVNULL)
    x = oracle.read_idx(images)[:50000].astype(np.float32) / np.float32(256)
    rows = os.path.join(ROWS, "mnist.npy")
    np.save(rows, x)
    peer = Process([sys.executable, "-B", os.path.join(HERE, "peers.py"), "sklearn", "1"],
                   environment(1, False, False), 1)
    peer.read()
    peer.ask(f"load {rows} 10 1024")
    command = [args.kmeans, "train", "--k=10", "--mini_batch_size=500", f"--output={model}", shard]
    core = {max(os.sched_getaffinity(0))}
    times, wall = {"kmeans": []}, []
    for _ in range(7):
        begin, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL,
                       env=environment(1, False, False),
                       preexec_fn=lambda: os.sched_setaffinity(0, core))
        wall.append(time.perf_counter() - begin)
        end = resource.getrusage(resource.RUSAGE_CHILDREN)
        times["kmeans"].append(end.ru_utime + end.ru_stime - used.ru_utime - used.ru_stime)
        for method in ("fit", "fit-minibatch"):
            times.setdefault(method, []).append(peer.ask(f"rep {method} 0")[0])
    ours = statistics.median(times["kmeans"])
    quality = {"kmeans": data.objective(x, np.float32(oracle.read_model(model)))}
    for what, t in (("wall", statistics.median(wall)), ("CPU", ours)):
        show(f"kmeans train: 157 MB of RecordIO to the model, {what}", f"{t:.3f}",
             f"{quality['kmeans']:.4f}")
    titles = {"fit": "sklearn KMeans(n_init=1).fit", "fit-minibatch": "MiniBatchKMeans().fit"}
    for method, title in titles.items():
        t = statistics.median(times[method])
        quality[method] = peer.ask(f"objective {method}")
        show(f"{title}, rows in memory, CPU", f"{t:.3f}", f"{quality[method]:.4f}")
        bars.append((f"MNIST job: x faster than {title}, CPU", t / ours, ">=", 1.0))
        bars.append((f"MNIST job: msd / that of {title}", quality["kmeans"] / quality[method], "<=", 1.001))
    peer.close()
    forget_rows()
    bars.append(("MNIST job, one core: seconds, wall", statistics.median(wall), "<=", 0.4))
    return {"seconds": {k: statistics.median(v) for k, v in times.items()},
            "wall": statistics.median(wall), "objective": quality}


def shrink(args, bars, show):
    out = subprocess.run([args.kmeans, "bench", "--json", "--only", "shrink-10kx128-K1000", "--threads",
                          str(CPUS)], check=True, stdout=subprocess.PIPE, text=True,
                         env=environment(CPUS, False, False)).stdout
    r = json.loads(out)
    show(f"shrink K=10,000 to k=1000, d=128, auto trials, {CPUS} threads, wall", f"{r['seconds']:.3f}", "")
    bars.append(("shrink 10,000 to 1000: seconds", r["seconds"], "<=", 15.0))
    return r


# ---- the run ----

def versions():
    from importlib.metadata import version
    return {p: version(p) for p in ("scikit-learn", "scikit-learn-intelex", "faiss-cpu", "numpy")}


def cpu_name():
    with open("/proc/cpuinfo") as f:
        names = [line.split(":")[1].strip() for line in f if line.startswith("model name")]
    return names[0] if names else platform.machine()


PAGE = []  # what was said, for the file of results


def say(text):
    PAGE.append(text)
    print(text, flush=True)


def table(*widths):
    def show(*cells):
        say("| " + " | ".join(f"{c:{w}}" for c, w in zip(cells, widths)) + " |")
    return show


def results_file(name):
    """bench/results/amd-epyc-9r14.md"""
    words = re.findall(r"[a-z0-9]+", re.sub(r"\(.*?\)|@.*|\bcpu\b|processor", "", name.lower()))
    return os.path.join(HERE, "results", "-".join(words) + ".md")


def header(show, *titles):
    show(*titles)
    show(*("---" for _ in titles))


def print_bars(bars):
    """Worst first: the value over its bar, or the other way round."""
    say("\nBars, worst first:\n")
    show = table(58, 8, 9, 3)
    header(show, "what", "measured", "bar", "met")
    margin = {">=": lambda v, b: v / b, "<=": lambda v, b: b / v}
    for what, value, sign, bar in sorted(bars, key=lambda b: margin[b[2]](b[1], b[3])):
        show(what, f"{value:.3f}", f"{sign} {bar:.4g}", verdict([margin[sign](value, bar) >= 1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round, peers on one thread only; no seeding, no whole jobs")
    parser.add_argument("--only", help="only shapes whose name holds this; no whole jobs")
    parser.add_argument("--kmeans", default=os.path.join(ROOT, "build", "kmeans"))
    parser.add_argument("--output", default=os.path.join(OUT, "bench.json"))
    parser.add_argument("--results", help="where the tables go [of a whole run: bench/results/CPU.md]")
    args = parser.parse_args()
    os.makedirs(ROWS, exist_ok=True)
    forget_rows()  # of a run that was cut off, or of other code
    begin = time.time()
    result = {"cpu": cpu_name(), "cpus": CPUS, "versions": versions(), "load_before": os.getloadavg()[0],
              "date": time.strftime("%Y-%m-%d", time.gmtime()), "quick": args.quick, "runs": []}
    say(f"{result['cpu']}, {CPUS} CPUs, {result['date']}, load {result['load_before']:.2f}; "
        + ", ".join(f"{k} {v}" for k, v in result["versions"].items()))
    systems, result["openblas_as_shipped"] = start_systems(args)
    for library, blas in result["openblas_as_shipped"].items():
        if blas:
            say(f"The OpenBLAS of {library} takes its kernels for {', '.join(blas)} as shipped.")
    say("\nMillions of rows a second of one pass, peers as shipped / tuned:\n")
    show = table(20, 3, 8, 7, 11, 7, 17, 17, 7, 17, 13)
    header(show, "shape", "thr", "kmeans", "GFLOP/s", "of the roof", "x 1 thr", "sklearn Lloyd", "FAISS",
           "intelex", "MiniBatch", "x best peer")
    bars, lines = [], []
    for shape in SHAPES:
        if (args.only and args.only not in shape.name) or (args.quick and shape.is_seed()):
            continue
        note(f"{time.time() - begin:5.0f} s  {shape.name}")
        runs = measure(args, systems, shape)
        judge(show, bars, shape, runs)
        quality_bars(bars, shape, runs)
        lines.append(objectives(shape, runs))
        result["runs"] += runs
    say("\nMean squared distance that each reaches from the same first centers:\n")
    show = table(20, 10, 11, 13, 11, 11, 22, 11)
    header(show, "shape", "after", "kmeans", "sklearn Lloyd", "FAISS", "intelex",
           "MiniBatch, no reassign", "MiniBatch")
    for line in lines:
        show(*line)
    for s in systems:
        s.process.close()
    forget_rows()
    batches = {r["batch"]: r["rows_per_s"] for r in result["runs"]
               if r["batch"] and r["system"] == "kmeans" and r["threads"] == 1}
    if len(batches) == 2:
        bars.append(("batch 500 / batch 5000, one thread", batches[500] / batches[5000], ">=", 0.95))
    if not args.only and not args.quick:
        say("\nWhole jobs, seconds and objective:\n")
        show = table(70, 7, 9)
        header(show, "job", "seconds", "objective")
        note(f"{time.time() - begin:5.0f} s  whole jobs")
        result["mnist"] = mnist(args, bars, show)
        result["shrink"] = shrink(args, bars, show)
    print_bars(bars)
    result["bars"] = [{"what": w, "value": v, "sign": s, "bar": b} for w, v, s, b in bars]
    result["load_after"] = os.getloadavg()[0]
    with open(args.output, "w") as f:
        json.dump(result, f, indent=1)
    results = args.results or (None if args.quick or args.only else results_file(result["cpu"]))
    if results:
        with open(results, "w") as f:
            f.write("# %s\n\n`bench/run.sh`\n\n%s\n" % (result["cpu"], "\n".join(PAGE)))
    note(f"{time.time() - begin:5.0f} s in all; figures in {args.output}" + (f", tables in {results}" if results else ""))


if __name__ == "__main__":
    main()
