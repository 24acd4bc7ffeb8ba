#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast files become rows on one thread, beside pandas' C reader, pyarrow.csv and polars.

    bench/reader.py BUILD_FOLDER [FOLDER]

Makes the files (1 GB) in a new folder, or in FOLDER, where they stay; the page cache is warm, and
CPU seconds count. `cmake --build BUILD_FOLDER --target read_rate` first. Peers that are not
installed are left out.
"""
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time

os.environ["POLARS_MAX_THREADS"] = "1"  # before it is imported
import numpy as np  # noqa: E402

REPEAT = 5


def varint(v):
    out = b""
    while v > 0x7F:
        out += bytes([v & 0x7F | 0x80])
        v >>= 7
    return out + bytes([v])


def field(tag, inside):
    return bytes([tag]) + varint(len(inside)) + inside


def record(tag, tensor):
    entry = field(0x0A, b"values") + field(0x12, field(tag, tensor))
    p = field(0x0A, entry)
    return struct.pack("<II", 0xCED7230A, len(p)) + p + b"\0" * (-len(p) % 4)


def ints(row):
    return b"".join(varint(int(v) & (1 << 64) - 1) for v in row)


def sparse(rng):
    keys = np.sort(rng.choice(10000, 65, replace=False))
    values = rng.standard_normal(65).astype("<f4").tobytes()
    return record(0x12, field(0x0A, values) + field(0x12, ints(keys)) + field(0x1A, varint(10000)))


def text(form, x):
    return "".join(",".join(form % v for v in row) + "\n" for row in x).encode()


def pixels(rng, n):
    """Like the digits of MNIST: a fifth of the pixels, in runs, are not 0."""
    x = rng.integers(1, 256, (n, 28, 28))
    at = rng.integers(0, 18, (n, 28, 1)) - np.arange(28)
    return np.where((at <= 0) & (at > -6), x, 0).reshape(n, 784)


def files(rng):
    """Name and bytes, and how often they are repeated."""
    for d, n in ((784, 7500), (54, 75000), (8, 250000)):
        x = rng.standard_normal((n, d)).astype("<f4")
        yield f"float32-{d}.rec", b"".join(record(0x12, field(0x0A, r.tobytes())) for r in x), 8
    x = rng.standard_normal((5000, 128)).astype("<f8")
    yield "float64-128.rec", b"".join(record(0x1A, field(0x0A, r.tobytes())) for r in x), 20
    images = pixels(rng, 3000)
    yield "int32-784.rec", b"".join(record(0x3A, field(0x0A, ints(r))) for r in images), 20
    yield "sparse-65.rec", b"".join(sparse(rng) for _ in range(5000)), 40
    yield "g6-128.csv", text("%.6g", rng.standard_normal((4000, 128))), 20
    yield "g6-8.csv", text("%.6g", rng.standard_normal((20000, 8))), 20
    yield "int-784.csv", text("%d", images), 20
    yield "e18-128.csv", text("%.18e", rng.random((3000, 128))), 5


def rate(path, read):
    """Median GB of a second of CPU time."""
    seconds = []
    read(path)
    for _ in range(REPEAT):
        start = time.process_time()
        read(path)
        seconds.append(time.process_time() - start)
    return os.path.getsize(path) / statistics.median(seconds) * 1e-9


def peers():
    try:
        import pandas
        yield "pandas", lambda p: pandas.read_csv(p, header=None, dtype=np.float32, engine="c")
    except ImportError:
        pass
    try:
        from pyarrow import csv
        options = csv.ReadOptions(use_threads=False, autogenerate_column_names=True)
        yield "pyarrow", lambda p: csv.read_csv(p, read_options=options)
    except ImportError:
        pass
    try:
        import polars
        yield "polars", lambda p: polars.read_csv(p, has_header=False)
    except ImportError:
        pass


def main():
    build = os.path.abspath(sys.argv[1])
    folder = sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp(prefix="reader-")
    print("GB/s |", " | ".join(["kmeans"] + [name for name, _ in peers()]))
    for name, data, times in files(np.random.default_rng(1)):
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            with open(path, "wb") as f:
                for _ in range(times):
                    f.write(data)
        options = ["--sparse"] if name.startswith("sparse") else []
        out = subprocess.run([f"{build}/read_rate", *options, path], check=True,
                             stdout=subprocess.PIPE).stdout
        rates = [json.loads(out)["gbytes_per_s"]]
        if name.endswith(".csv"):
            rates += [rate(path, read) for _, read in peers()]
        print(name, "|", " | ".join(f"{r:.3g}" for r in rates), flush=True)


if __name__ == "__main__":
    main()
