# SPDX-License-Identifier: Apache-2.0
"""The rows of `kmeans bench`, made again in numpy: cli/bench_shape.c and cli/bench_sparse.c have the
reasons."""
import numpy as np

CLUSTERS = 64
SPREAD = np.float32(2)
MEAN = SPREAD / 2 + np.float32(0.5)
LABEL_SEED = np.uint32(0x9E3779B9)
CENTER_SEED = np.uint32(0x7F4A7C15)
PLACE_SEED = np.uint32(0x2545F491)
COIN_SEED = np.uint32(0x6C078965)
VALUE_SEED = np.uint32(0xB5297A4D)


def mix(h):
    """The finalizer of MurmurHash3, in place."""
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return h


def unit(h):
    return (mix(h) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def labels(n):
    return mix(np.arange(n, dtype=np.uint32) ^ LABEL_SEED) % np.uint32(CLUSTERS)


def rows(n, d):
    centers = SPREAD * unit(np.arange(CLUSTERS * d, dtype=np.uint32) ^ CENTER_SEED).reshape(-1, d)
    label = labels(n)
    x = np.empty((n, d), np.float32)
    step = max(1, (1 << 20) // d)
    for i in range(0, n, step):
        part = x[i:i + step]
        part[:] = unit(np.arange(i * d, i * d + part.size, dtype=np.uint32)).reshape(part.shape)
        part += centers[label[i:i + step]]
        part -= MEAN
    return x


def sparse_rows(n, d, nnz):
    """Values and their features, (n, nnz) each."""
    own = np.arange(n * nnz, dtype=np.uint32).reshape(n, nnz)
    e = np.arange(nnz, dtype=np.uint32)
    common = labels(n)[:, None] * np.uint32(nnz) + e
    shared = unit(own ^ COIN_SEED) < np.float32(0.5)
    place = np.where(shared, common, own + np.uint32(CLUSTERS * nnz))
    u = (e.astype(np.float32) + unit(place ^ PLACE_SEED)) / np.float32(nnz)
    u *= u
    u *= u
    col = e + (u * np.float32(d - nnz)).astype(np.uint32)
    return np.float32(0.5) + unit(own ^ VALUE_SEED), col.astype(np.int32)


def start(x, k):
    """The first centers, of dense rows or scipy's sparse ones: every n / k-th row."""
    c = x[np.arange(k) * (x.shape[0] // k)]
    return np.ascontiguousarray(c if isinstance(c, np.ndarray) else c.toarray())


def objective(x, c):
    """Mean squared distance of dense or sparse rows to the nearest center, by differences in float64."""
    half = 0.5 * (c.astype(np.float64) ** 2).sum(1).astype(np.float32)
    wide = c.astype(np.float64)
    across = np.ascontiguousarray(c.T)
    step = max(1, min((1 << 24) // len(c), (1 << 22) // x.shape[1]))
    total = 0.0
    for i in range(0, x.shape[0], step):
        part = x[i:i + step]
        label = (half - part @ across).argmin(1)
        total += (np.asarray(part - wide[label]) ** 2).sum()
    return total / x.shape[0]
