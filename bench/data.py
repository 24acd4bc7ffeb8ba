# SPDX-License-Identifier: Apache-2.0
"""The rows of `kmeans bench`, made again in numpy: cli/bench_shape.c has the reasons."""
import numpy as np

CLUSTERS = 64
SPREAD = np.float32(2)
LABEL_SEED = np.uint32(0x9E3779B9)
CENTER_SEED = np.uint32(0x7F4A7C15)


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


def rows(n, d):
    centers = SPREAD * unit(np.arange(CLUSTERS * d, dtype=np.uint32) ^ CENTER_SEED).reshape(-1, d)
    label = mix(np.arange(n, dtype=np.uint32) ^ LABEL_SEED) % np.uint32(CLUSTERS)
    x = np.empty((n, d), np.float32)
    step = max(1, (1 << 20) // d)
    for i in range(0, n, step):
        part = x[i:i + step]
        part[:] = unit(np.arange(i * d, i * d + part.size, dtype=np.uint32)).reshape(part.shape)
        part += centers[label[i:i + step]]
    return x


def start(x, k):
    """The first centers: every n / k-th row."""
    return np.ascontiguousarray(x[np.arange(k) * (len(x) // k)])


def objective(x, c):
    """Mean squared distance to the nearest center, by differences in float64."""
    half = 0.5 * (c.astype(np.float64) ** 2).sum(1).astype(np.float32)
    wide = c.astype(np.float64)
    step = max(1, min((1 << 24) // len(c), (1 << 22) // x.shape[1]))
    total = 0.0
    for i in range(0, len(x), step):
        part = x[i:i + step]
        label = (half - part @ c.T).argmin(1)
        total += ((part - wide[label]) ** 2).sum()
    return total / len(x)
