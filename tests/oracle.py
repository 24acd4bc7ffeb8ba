# SPDX-License-Identifier: Apache-2.0
"""An independent implementation to judge the program by: formats and k-means in numpy, float64.

Shares no code with the program, and is written from the format's description (docs/formats.md).
"""
import gzip
import struct

import numpy as np

MAGIC = 0xCED7230A


def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, payload):
    """A length-delimited protobuf field."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def record(values, dtype="f4", label=None):
    """A Record with features["values"] as a dense packed tensor."""
    tag = {"f4": 2, "f8": 3, "i4": 7}[dtype]
    if dtype == "i4":
        packed = b"".join(varint(int(v) & 0xFFFFFFFFFFFFFFFF) for v in values)
    else:
        packed = np.asarray(values, "<" + dtype).tobytes()
    out = field(1, field(1, b"values") + field(2, field(tag, field(1, packed))))
    if label is not None:
        tensor = field(1, struct.pack("<f", label))
        out += field(2, field(1, b"values") + field(2, field(2, tensor)))
    return out


def sparse_record(keys, values, dim):
    tensor = b""
    if len(keys):
        tensor += field(1, np.asarray(values, "<f4").tobytes())
        tensor += field(2, b"".join(varint(int(k)) for k in keys))
    tensor += field(3, varint(dim))
    return field(1, field(1, b"values") + field(2, field(2, tensor)))


def frame(payload):
    return struct.pack("<II", MAGIC, len(payload)) + payload + b"\0" * (-len(payload) % 4)


def split_frames(payload):
    """A record as MXNet writes it: cut wherever the magic number stands at a multiple of 4."""
    magic = struct.pack("<I", MAGIC)
    cuts = [i for i in range(0, len(payload) - 3, 4) if payload[i : i + 4] == magic]
    parts = [payload[a:b] for a, b in zip([0] + [c + 4 for c in cuts], cuts + [len(payload)])]
    flags = [0] if not cuts else [1] + [2] * (len(parts) - 2) + [3]
    return b"".join(
        struct.pack("<II", MAGIC, flag << 29 | len(part)) + part + b"\0" * (-len(part) % 4)
        for flag, part in zip(flags, parts)
    )


def write_recordio(path, x, dtype="f4"):
    """Writes rows; all of one length, so the frame around the numbers is made once."""
    x = np.ascontiguousarray(x)
    if dtype == "i4":
        with open(path, "wb") as f:
            for row in x:
                f.write(frame(record(row, dtype)))
        return
    first = frame(record(x[0], dtype))
    numbers = np.asarray(x[0], "<" + dtype).tobytes()
    at = first.index(numbers)
    rows = np.empty((len(x), len(first)), np.uint8)
    rows[:] = np.frombuffer(first, np.uint8)
    rows[:, at : at + len(numbers)] = (
        np.asarray(x, "<" + dtype).view(np.uint8).reshape(len(x), -1)
    )
    rows.tofile(path)


def read_idx(path):
    data = gzip.open(path).read()
    dims = data[3]
    shape = struct.unpack(">" + "I" * dims, data[4 : 4 + 4 * dims])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dims).reshape(shape[0], -1)


def read_model(path):
    """The bytes of a model file, every one of them checked."""
    b = open(path, "rb").read()
    head = struct.unpack_from("<QQQIiiqqiii", b)
    k, d = head[6], head[7]
    assert head == (0x112, 0, 1, 0xF993FAC9, 0, 2, k, d, 1, 0, 0), head
    assert len(b) == 72 + 4 * k * d, (len(b), k, d)
    assert struct.unpack_from("<Q", b, 64 + 4 * k * d)[0] == 0
    return np.frombuffer(b, "<f4", k * d, 64).reshape(k, d)


def nearest(x, c, block=20000):
    """Label and squared distance of every row, float64, relative to the mean of the data."""
    origin = x[: min(len(x), 100000)].mean(0, dtype=np.float64)
    c = c.astype(np.float64) - origin
    labels, dist2 = [], []
    for i in range(0, len(x), block):
        rows = x[i : i + block].astype(np.float64) - origin
        score = (c * c).sum(1) / 2 - rows @ c.T
        label = score.argmin(1)
        labels.append(label)
        diff = rows - c[label]
        dist2.append((diff * diff).sum(1))
    return np.concatenate(labels), np.concatenate(dist2)


def msd(x, c):
    return nearest(x, c)[1].mean()


def lloyd(x, k, rng, tol=1e-7, most=300):
    """One run of Lloyd from a k-means++ start; the msd it reaches."""
    c = x[rng.integers(len(x))][None]
    d2 = ((x - c[0]) ** 2).sum(1)
    for _ in range(1, k):
        total = d2.sum()
        i = rng.choice(len(x), p=d2 / total) if total > 0 else rng.integers(len(x))
        c = np.vstack([c, x[i]])
        d2 = np.minimum(d2, ((x - x[i]) ** 2).sum(1))
    norms = (x * x).sum(1)
    ones = np.arange(len(x))
    before = np.inf
    for _ in range(most):
        score = (c * c).sum(1) / 2 - x @ c.T
        label = score.argmin(1)
        loss = (norms + 2 * score[ones, label]).sum()
        if before - loss <= tol * loss:
            break
        before = loss
        count = np.bincount(label, minlength=k)
        sums = np.empty_like(c)
        for t in range(x.shape[1]):
            sums[:, t] = np.bincount(label, weights=x[:, t], minlength=k)
        c = np.where(count[:, None] > 0, sums / np.maximum(count, 1)[:, None], c)
    return loss / len(x), c


def best_of_lloyd(x, k, runs=10, seed=1):
    """The yardstick: the best msd of several full Lloyd runs, and the worst."""
    x = x.astype(np.float64)
    x = x - x.mean(0)
    rng = np.random.default_rng(seed)
    found = [lloyd(x, k, rng)[0] for _ in range(runs)]
    return min(found), max(found)
