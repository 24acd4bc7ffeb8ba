# SPDX-License-Identifier: Apache-2.0
"""The bytes of a model depend on the data, the hyperparameters and the number of hosts alone.

    tests/run_bytes.py BUILD_FOLDER [--write] [--few] [--run "COMMAND..."]

Trains a set of inputs at every kernel level and on several numbers of threads, and compares the hash of
each model with tests/bytes.txt, which every compiler and every CPU shares: whoever gives other bytes is
wrong. --write writes that file anew from this build (only after a change that is meant). --few: levels
generic and blas, one thread, the small inputs. --run: how the program is started (an emulator: then, as that
is slow, those inputs alone that are quick, two at a time).

The numbers come from integers and divisions alone, so that they are the same on every machine. Skips
nothing; under sanitizers as --few, and the quick inputs alone: sweep.py compares the levels there.
"""
import argparse
import concurrent.futures
import gzip
import hashlib
import os
import pathlib
import random
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
LIST = HERE / "bytes.txt"
MNIST = HERE.parent / "examples/mnist/data/train-images-idx3-ubyte.gz"
BIG = {"mnist", "many", "many-narrow", "many-wide", "many-in-part"}  # left out by --few
QUICK = "blobs-d1 blobs-d3 blobs-d8 blobs-d17 ties-d1 two-scales sentinel no-refinement two-centers sparse-batches".split()


def bell(r):
    """Nearly normal: sums of uniform numbers need no function of a library."""
    return sum(r.random() for _ in range(12)) - 6


def blobs(r, n, d, k, spread, apart=10.0):
    centers = [[apart * bell(r) for _ in range(d)] for _ in range(k)]
    return [[c + spread * bell(r) for c in r.choice(centers)] for _ in range(n)]


def two_scales(r):
    return [[0.05 * bell(r) + (1e4 if i % 2 else 0) for _ in range(5)] for i in range(1500)]


def sentinel(r):
    return [[-9999 if r.random() < 0.02 else r.choice((0.2, 0.5, 0.9)) + 0.01 * bell(r) for _ in range(4)]
            for _ in range(1500)]


def whole(r, n, d, values):
    return [[r.randrange(values) for _ in range(d)] for _ in range(n)]


def loose(r, n, d, offset=0.0, scale=1.0):
    return [[offset + scale * bell(r) for _ in range(d)] for _ in range(n)]


def tails(r):
    return [[bell(r) / (0.01 + abs(bell(r))) for _ in range(8)] for _ in range(1500)]


def holes(r, n, d, share):
    return [[bell(r) if r.random() < share else 0 for _ in range(d)] for _ in range(n)]


def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out + bytes([n]))


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def sparse_records(rows):
    import struct

    out = b""
    for row in rows:
        keys = [t for t, v in enumerate(row) if v]
        tensor = b""
        if keys:
            tensor = field(1, struct.pack("<%df" % len(keys), *(row[t] for t in keys)))
            tensor += field(2, b"".join(varint(t) for t in keys))
        tensor += varint(3 << 3) + varint(len(row))
        payload = field(1, field(1, b"values") + field(2, field(2, tensor)))
        out += struct.pack("<II", 0xCED7230A, len(payload)) + payload + b"\0" * (-len(payload) % 4)
    return out


# name: rows, options
CASES = {
    "blobs-d1": (lambda r: blobs(r, 1500, 1, 6, 0.5), "--k 6"),
    "blobs-d2": (lambda r: blobs(r, 1500, 2, 10, 1), "--k 10"),
    "blobs-d3": (lambda r: blobs(r, 1500, 3, 10, 1), "--k 8 --init_method kmeans++"),
    "blobs-d8": (lambda r: blobs(r, 1500, 8, 10, 2), "--k 10 --mini_batch_size 300 --half_life_time_size 700"),
    "blobs-d17": (lambda r: blobs(r, 1200, 17, 10, 4), "--k 12 --epochs 2 --mini_batch_size 250"),
    "loose-d54": (lambda r: loose(r, 1500, 54), "--k 20"),
    "loose-d128": (lambda r: loose(r, 900, 128), "--k 20 --refine_rows 500"),
    "loose-d300": (lambda r: loose(r, 500, 300), "--k 5"),
    "two-scales": (two_scales, "--k 6"),
    "sentinel": (sentinel, "--k 4"),
    "whole-d17": (lambda r: whole(r, 1500, 17, 3), "--k 20"),
    "ties-d2": (lambda r: whole(r, 2000, 2, 20), "--k 10"),
    "ties-d1": (lambda r: whole(r, 1000, 1, 50), "--k 7"),
    "ties-d54": (lambda r: whole(r, 1000, 54, 2), "--k 12"),
    "copies": (lambda r: whole(r, 1000, 6, 2), "--k 30 --extra_center_factor 5"),
    "far-away": (lambda r: loose(r, 1000, 20, 1e6), "--k 8"),
    "near-each-other": (lambda r: loose(r, 500, 200, 3, 1e-3), "--k 10"),
    "tails": (tails, "--k 8"),
    "no-refinement": (lambda r: loose(r, 1500, 16), "--k 10 --refine_rows 0"),
    "two-centers": (lambda r: loose(r, 500, 20), "--k 2 --extra_center_factor 1"),
    "many": (lambda r: loose(r, 4000, 9), "--k 200"),
    "many-narrow": (lambda r: blobs(r, 4000, 9, 900, 1), "--k 1400"),
    "many-wide": (lambda r: loose(r, 2000, 200), "--k 300"),
    "many-in-part": (lambda r: blobs(r, 9000, 20, 150, 2), "--k 100 --refine_rows 4000 --refine_passes 30"),
    "mnist": (None, "--k 10"),
    "sparse": (lambda r: holes(r, 1000, 100, 0.05), "--k 8"),
    "sparse-batches": (lambda r: holes(r, 1000, 60, 0.1),
                       "--k 12 --init_method kmeans++ --mini_batch_size 200 --half_life_time_size 500"),
}


def mnist(path):
    """The first 2,000 images, as an idx file."""
    with gzip.open(MNIST) as f:
        data = f.read(16 + 2000 * 784)
    path.write_bytes(data[:4] + (2000).to_bytes(4, "big") + data[8:])


def write(name, folder, program):
    make, _ = CASES[name]
    if make is None:
        mnist(folder / "images")
        path = folder / "mnist.csv"
        subprocess.run(program + ["convert", "--scale", "1/256", folder / "images", "--output", path],
                       check=True, stdout=subprocess.DEVNULL)
        return path
    rows = make(random.Random(name))
    if name.startswith("sparse"):
        path = folder / (name + ".recordio")
        path.write_bytes(sparse_records(rows))
    else:
        path = folder / (name + ".csv")
        path.write_text("".join(",".join("%.6g" % v for v in row) + "\n" for row in rows))
    return path


def model_hash(program, data, options, level, threads, folder):
    out = folder / ("%s-%s-%d.model" % (data.name, level, threads))
    env = {k: v for k, v in os.environ.items() if not k.startswith(("KM_", "OMP_", "OPENBLAS_"))}
    done = subprocess.run(
        program + ["train", "--threads", str(threads), "--output", out] + options.split() + [data],
        env={**env, "KM_ISA": level}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=500)
    if done.returncode:
        return "exit code %d: %s" % (done.returncode, done.stdout.decode("utf-8", "replace")[-500:])
    return hashlib.sha256(out.read_bytes()).hexdigest()[:16]


def levels_of(program):
    text = subprocess.run(program + ["bench", "--quick"], env={**os.environ, "KM_ISA": "?"},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    return text.split(" can run are: ")[1].replace(",", " ").split()


def runs_of(levels, few):
    """Every level, and every number of threads at one of them or the other."""
    if few:
        return [("blas", 1), ("generic", 1)]
    runs = [(level, threads) for level, threads in zip(levels, [1, 2, 3, 8] * 3)]
    return runs + [(levels[0], threads) for threads in (2, 3, 8)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--few", action="store_true")
    parser.add_argument("--run", default="")
    parser.add_argument("--only", help="the names that hold this text")
    o = parser.parse_args()
    kmeans = (o.build / "kmeans").resolve()
    program = shlex.split(o.run) + [str(kmeans)]
    sanitized = b"__asan_" in kmeans.read_bytes()
    few = o.few or sanitized
    runs = runs_of(levels_of(program), few)
    known = dict(line.split() for line in LIST.read_text().splitlines() if line and line[0] != "#") if LIST.exists() else {}
    names = [n for n in CASES if not (few and n in BIG) and (not (o.run or sanitized) or n in QUICK) and (o.only or "") in n]
    failed = passed = 0
    with tempfile.TemporaryDirectory(prefix="kmeans-bytes-") as place:
        folder = pathlib.Path(place)
        for name in names:
            data = write(name, folder, program)
            with concurrent.futures.ThreadPoolExecutor(2 if o.run else 1) as pool:
                hashes = pool.map(lambda run: model_hash(program, data, CASES[name][1], *run, folder), runs)
                found = dict(zip(runs, hashes))
            if o.write and len(set(found.values())) == 1:
                known[name] = next(iter(found.values()))
            for (level, threads), value in found.items():
                if value == known.get(name):
                    passed += 1
                    continue
                failed += 1
                print("FAILED: %s, level %s, %d threads: found %s, expected %s" % (
                    name, level, threads, value, known.get(name)), flush=True)
    if o.write:
        LIST.write_text("# Hashes of models: tests/run_bytes.py. The same for every level, compiler, CPU and number of threads.\n" +
                        "".join("%s %s\n" % (n, known[n]) for n in CASES if n in known))
    print("%d passed%s" % (passed, ", %d FAILED" % failed if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
