# SPDX-License-Identifier: Apache-2.0
"""A second k-means training, to compare the program's models with: docs/algorithm.md in numpy.

Everything is float64, written from the description and the papers. What the two must share is the
random numbers: which streams there are, and in which order they are drawn from.
"""
import re
import sys
from math import exp, floor, inf, log, log1p

import numpy as np

import oracle
from harness import Tests

MASK = (1 << 64) - 1


def splitmix(state):
    """Steele, Lea and Flood 2014: the number that follows from a state."""
    z = (state + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
    return z ^ z >> 31


class Random:
    """xoshiro256** (Blackman and Vigna 2018); a stream for each (seed, purpose, index)."""

    def __init__(self, seed, purpose, index=0):
        start = splitmix(splitmix(seed) ^ ord(purpose)) ^ index
        self.s = [splitmix(start + i * 0x9E3779B97F4A7C15 & MASK) for i in range(4)]

    def next(self):
        def turned(v, by):
            return (v << by | v >> 64 - by) & MASK

        a, b, c, d = self.s
        c ^= a
        d ^= b
        self.s = [a ^ d, b ^ c, c ^ (self.s[1] << 17 & MASK), turned(d, 45)]
        return turned(b * 5 & MASK, 7) * 9 & MASK

    def below(self, n):
        """Lemire 2019: the high half of a product; low halves that would be too frequent go."""
        while True:
            product = self.next() * n
            if product & MASK >= (1 << 64) % n:
                return product >> 64

    def unit(self):
        return (self.next() >> 11) / 2.0**53


def scores(x, c):
    """Half the squared distance less what all centers share; the smaller, the nearer."""
    return (c * c).sum(1) / 2 - x @ c.T


def nearest(x, c):
    """The nearest center of each row. Equal centers tie, whatever the last bit of a product says."""
    score = scores(x, c)
    least = score.min(1, keepdims=True)
    return (score <= least + 1e-11 * (1 + abs(least))).argmax(1)


def msd(x, c):
    return ((x - c[nearest(x, c)]) ** 2).sum(1).mean()


def add_up(x, w, label, k):
    """Weight and weighted sum of the rows of each center."""
    count = np.bincount(label, w, k)
    sums = np.stack([np.bincount(label, w * column, k) for column in x.T], 1)
    return count, sums


def plusplus(x, w, k, random):
    """Arthur and Vassilvitskii 2007."""
    share = w
    dist2 = np.full(len(x), inf)
    c = np.empty((k, x.shape[1]))
    for j in range(k):
        if share.sum() > 0:
            target = random.unit() * share.sum()
            i = int(np.searchsorted(np.cumsum(share), target, "right"))
        else:
            i = random.below(len(x))
        c[j] = x[i]
        dist2 = np.minimum(dist2, ((x - x[i]) ** 2).sum(1))
        share = w * dist2
    return c


def shuffled(x, n, random):
    """The rows of x, of which the first n are drawn from all (Fisher and Yates)."""
    order = list(range(len(x)))
    for i in range(n):
        other = i + random.below(len(x) - i)
        order[i], order[other] = order[other], order[i]
    return x[order]


def lloyd(x, w, c, most, tol):
    """Centers, loss, iterations. A center that receives nothing keeps its place."""
    c = c.copy()
    before = loss = inf
    for iteration in range(1, most + 1):
        label = nearest(x, c)
        count, sums = add_up(x, w, label, len(c))
        c[count > 0] = sums[count > 0] / count[count > 0, None]
        loss = (w * ((x - c[label]) ** 2).sum(1)).sum()
        if before - loss <= tol * loss:
            break
        before = loss
    return c, loss, iteration


class Reservoir:
    """A uniform sample of a stream: algorithm L of Li 1994."""

    def __init__(self, capacity, seed):
        self.capacity, self.random = capacity, Random(seed, "R")
        self.rows, self.seen, self.w = [], 0, 1.0

    def skip(self):
        self.w *= exp(log(1 - self.random.unit()) / self.capacity)
        return floor(log(1 - self.random.unit()) / log1p(-self.w)) + 1

    def offer(self, row):
        if len(self.rows) < self.capacity:
            self.rows.append(row)
            if len(self.rows) == self.capacity:
                self.taken = self.seen + self.skip()
        elif self.capacity and self.seen == self.taken:
            self.rows[self.random.below(self.capacity)] = row
            self.taken += self.skip()
        self.seen += 1


def distinct_losses(candidates):
    """Sorted by loss, without those that ran into the same optimum as a better one."""
    kept = []
    for c, loss in sorted(candidates, key=lambda candidate: candidate[1]):
        if not kept or loss > kept[-1][1] * (1 + 1e-9):
            kept.append((c, loss))
    return kept


def draw_back(c, rows, total_rows, coarse, weight):
    """James and Stein 1961: centers with few rows in the sample, towards what the pass knows."""
    unseen = 1 - len(rows) / total_rows
    label = nearest(rows, c)
    count = np.bincount(label, minlength=len(c))
    spread = np.bincount(label, ((rows - c[label]) ** 2).sum(1), len(c))
    stand_for, sums = add_up(coarse, weight, nearest(coarse, c), len(c))
    c = c.copy()
    for j in range(len(c)):
        if unseen <= 0 or count[j] == 0 or stand_for[j] == 0:
            continue
        way = sums[j] / stand_for[j] - c[j]
        noise = spread[j] / (count[j] - 1) / count[j] * unseen if count[j] > 1 else inf
        if way @ way > 0:
            c[j] += way * min(1, noise / (way @ way))
    return c


def refine(trials, sample, total_rows, coarse, weight, flop, seed):
    """Step 5: centers, and what was done."""
    k, d = trials[0][0].shape
    each = 2.0 * k * d
    n = max(min(len(sample), int(flop / each / 15)), min(2 * k, len(sample)))
    part = max(n // 16, min(100 * k, n))
    if part < len(sample):
        sample = shuffled(sample, n, Random(0, "M", len(sample)))
    rows, some = sample[:n], sample[:part]
    list_ = distinct_losses(trials)

    def rounds(count):
        """Candidates and rows of each round."""
        of = part
        while count > 1:
            yield count, min(of, n)
            count, of = (count + 1) // 2, 2 * of

    wanted = len(trials) + 10
    while wanted > 2 and sum(3 * m * of for m, of in rounds(wanted)) > (flop - 15 * each * n) / each:
        wanted -= 1
    list_ = list_[: wanted - min(10, wanted // 2)]
    best = list_[0][0]
    for e in range(min(10, wanted - len(list_))):
        flop -= each * part
        list_.append((plusplus(some, np.ones(len(some)), k, Random(seed, "E", e)), inf))
    report = {"candidates": len(list_), "rows": n, "before": msd(rows, best)}

    def run(c, x, most, tol):
        nonlocal flop
        most = min(most, int(flop / (each * len(x))))
        c, loss, iterations = lloyd(x, np.ones(len(x)), c, most, tol)
        flop -= each * len(x) * iterations
        return c, loss

    of = part
    while len(list_) > 1:
        list_ = distinct_losses([run(c, rows[:of], 3, 0) for c, _ in list_])
        list_ = list_[: (len(list_) + 1) // 2]
        of *= 2
    c = run(list_[0][0], rows, 1000, 1e-7)[0]
    c = draw_back(c, rows, total_rows, coarse, weight)
    q = k / n * (1 - n / total_rows)
    report["after"] = msd(rows, c)
    report["kept"] = q < 1 and report["after"] * (1 + q) / (1 - q) < report["before"]
    if not report["kept"] and n == total_rows:
        c = run(best, rows, 1000, 1e-7)[0]
        report["after"] = msd(rows, c)
        report["kept"] = report["after"] < report["before"]
    return c if report["kept"] else best, report


def margin(x, c):
    """By how much, against the norms, the nearest center of the least certain row is nearest."""
    two = np.partition(scores(x, c), 1, 1)[:, :2] if len(c) > 1 else np.array([[0, inf]])
    return ((two[:, 1] - two[:, 0]) / ((x * x).sum(1) + (c * c).sum(1).max())).min()


def one_pass(x, b, c, weight, half_life):
    """Step 3; c and weight are changed. Returns the margin of all choices."""
    least = inf
    for batch in np.split(x, range(b, len(x), b)):
        least = min(least, margin(batch, c))
        count, sums = add_up(batch, np.ones(len(batch)), nearest(batch, c), len(c))
        if half_life:
            weight *= 0.5 ** (len(batch) / half_life)
        weight += count
        moved = count > 0
        step = (count / weight)[moved, None]
        c[moved] += step * (sums[moved] / count[moved, None] - c[moved])
    return least


def train(x, k, mini_batch_size=5000, epochs=1, init_method="random", extra_center_factor="auto",
          half_life_time_size=0, local_lloyd_init_method="kmeans++", local_lloyd_max_iter=300,
          local_lloyd_tol=0.0001, local_lloyd_num_trials="auto", seed=0, refine_rows="auto"):
    """The k centers, the loss of the shrink, what the refinement did (both may be None), and the
    margin of the pass."""
    n, d = x.shape
    factor = 10 if extra_center_factor == "auto" else extra_center_factor
    first = x[:mini_batch_size]
    origin = first.mean(0)
    x, first = x - origin, first - origin

    random = Random(seed, "I")
    if init_method == "random":
        c = first[[random.below(len(first)) for _ in range(k * factor)]]
    else:
        c = plusplus(first, np.ones(len(first)), k * factor, random)
    weight = np.ones(len(c))
    reservoir = Reservoir((64 << 20) // 4 // d if refine_rows == "auto" else refine_rows, seed)
    for row in x:
        reservoir.offer(row)
    least = min(one_pass(x, mini_batch_size, c, weight, half_life_time_size) for _ in range(epochs))

    train_msd = report = None
    trials = [(c, 0.0)]
    if factor > 1:
        count = local_lloyd_num_trials
        if count == "auto":
            count = min(100, max(10, int(4e9 / (2.0 * len(c) * k * d * 21))))
        trials = []
        for t in range(count):
            random = Random(seed, "S", t)
            if local_lloyd_init_method == "random":
                start = shuffled(c, k, random)[:k]
            else:
                start = plusplus(c, weight, k, random)
            trials.append(lloyd(c, weight, start, local_lloyd_max_iter, local_lloyd_tol)[:2])
        train_msd = min(loss for _, loss in trials) / weight.sum()
    best = min(trials, key=lambda trial: trial[1])[0]
    if reservoir.rows:
        flop = max(10e9, 0.3 * 2 * n * epochs * len(c) * d)
        best, report = refine(trials, np.array(reservoir.rows), n, c, weight, flop, seed)
    return best + origin, train_msd, report, least


def rows_of(n, d, clusters, seed, offset=0.0):
    """Clusters of unequal size and width that overlap a little, as float32.

    In many dimensions they stand closer: what matters is that float32 and float64 hardly ever
    disagree on the nearest center, so distances must not be small against the norms.
    """
    random = np.random.default_rng(seed)
    place = random.normal(size=(clusters, d)) * (4 if d < 50 else 1)
    width = random.uniform(0.5, 2, clusters)
    which = np.minimum(random.geometric(2.0 / clusters, n) - 1, clusters - 1)
    return (place[which] + random.normal(size=(n, d)) * width[which, None] + offset).astype("f4")


# name, (rows, features, clusters in the data), hyperparameters. Random starts draw with replacement;
# the sizes of the first mini-batch are such that seed 0 draws no row twice.
CASES = [
    ("defaults, 2 features", (2000, 2, 8), {"k": 4, "mini_batch_size": 1255}),
    ("defaults, 5 features", (3000, 5, 8), {"k": 5, "mini_batch_size": 1255}),
    ("defaults, 30 features", (3000, 30, 12), {"k": 5, "mini_batch_size": 1255}),
    ("one mini-batch", (1690, 5, 6), {"k": 5}),
    ("as documented, no refinement", (3000, 5, 8), {"k": 5, "mini_batch_size": 1255, "refine_rows": 0}),
    ("k-means++ start", (4000, 5, 8), {"k": 6, "mini_batch_size": 999, "init_method": "kmeans++", "refine_rows": 0}),
    ("k-means++ start, refined", (3000, 30, 9), {"k": 6, "mini_batch_size": 400, "init_method": "kmeans++"}),
    ("half life", (4000, 2, 8), {"k": 6, "mini_batch_size": 333, "half_life_time_size": 700, "refine_rows": 0, "init_method": "kmeans++"}),
    ("half life, 2 epochs", (3000, 5, 8), {"k": 6, "mini_batch_size": 333, "half_life_time_size": 2000, "epochs": 2, "init_method": "kmeans++"}),
    ("2 epochs", (3000, 30, 8), {"k": 4, "mini_batch_size": 1255, "epochs": 2, "refine_rows": 0}),
    ("factor 1", (4000, 5, 8), {"k": 6, "mini_batch_size": 501, "extra_center_factor": 1, "refine_rows": 0}),
    ("factor 1, refined", (4000, 5, 8), {"k": 6, "mini_batch_size": 501, "extra_center_factor": 1}),
    ("factor 3", (4000, 2, 8), {"k": 6, "mini_batch_size": 501, "extra_center_factor": 3, "refine_rows": 0}),
    ("factor 3, refined", (4000, 30, 8), {"k": 6, "mini_batch_size": 501, "extra_center_factor": 3}),
    ("random start of the shrink", (3000, 5, 8), {"k": 4, "mini_batch_size": 1255, "local_lloyd_init_method": "random", "refine_rows": 0}),
    ("random start of the shrink, refined", (3000, 5, 8), {"k": 4, "mini_batch_size": 1255, "local_lloyd_init_method": "random"}),
    ("small sample", (6000, 5, 8), {"k": 4, "mini_batch_size": 1700, "refine_rows": 900}),
    ("small sample, 2 epochs", (4000, 2, 8), {"k": 4, "mini_batch_size": 1700, "refine_rows": 600, "epochs": 2}),
    ("sample too small to help", (5000, 5, 8), {"k": 5, "mini_batch_size": 1700, "refine_rows": 20}),
    ("sample smaller than k", (4000, 5, 8), {"k": 5, "mini_batch_size": 1700, "refine_rows": 3}),
    ("another seed", (3000, 5, 8), {"k": 5, "mini_batch_size": 1700, "seed": 12345678901}),
    ("few trials and iterations", (3000, 5, 8), {"k": 5, "mini_batch_size": 1700, "local_lloyd_num_trials": 3, "local_lloyd_max_iter": 2, "refine_rows": 0}),
    ("no tolerance", (3000, 5, 8), {"k": 5, "mini_batch_size": 1700, "local_lloyd_tol": 0, "refine_rows": 0}),
    ("the budget cuts the candidates", (2400, 150, 30), {"k": 20, "mini_batch_size": 800, "init_method": "kmeans++"}),
    ("the budget cuts the rows", (3600, 150, 30), {"k": 500, "mini_batch_size": 1200, "init_method": "kmeans++", "extra_center_factor": 1}),
]  # fmt: skip

# float32 products are good to about 1e-7 of the norms.
SAFE_MARGIN = 3e-7


def told(run):
    """The train msd line and the refinement line of a log, None where there is none."""
    loss = re.search(r"train msd <loss>=(\S+)", run.out)
    done = re.search(
        r"refined (\d+) candidates on (\d+) of \d+ rows in \d+ iterations, moved \d+ centers: "
        r"msd on these rows (\S+), was ([0-9.e+-]+)(.*)",
        run.out,
    )
    report = done and {
        "candidates": int(done[1]),
        "rows": int(done[2]),
        "after": float(done[3]),
        "before": float(done[4]),
        "kept": not done[5],
    }
    return float(loss[1]) if loss else None, report


def in_order_of(expected, found):
    """The found centers in the order of the expected ones.

    Trials that end in the same optimum have the same loss but for rounding, and which of them wins
    decides on the order.
    """
    order = oracle.nearest(expected, found)[0]
    return found[order] if len(set(order)) == len(found) else found


def safe_case(name, shape, options, offset=0.0):
    """Rows of which float32 and float64 agree on the nearest center all through the pass: one row
    decided by rounding would move centers. With the golden result."""
    for seed in range(200):
        x = rows_of(*shape, seed=seed, offset=offset)
        golden = train(x.astype("f8"), **options)
        if golden[3] > SAFE_MARGIN:
            return x, golden
    raise SystemExit("FAILED: %s: every data set has rows that rounding decides on" % name)


def compare(tests, name, x, golden, options, levels):
    folder = tests.place()
    oracle.write_recordio(folder / "rows", x)
    c, train_msd, report, _ = golden
    spread = np.sqrt(((x - x.mean(0, dtype="f8")) ** 2).sum(1).mean())
    args = [a for key, value in options.items() for a in ("--" + key, value)]
    for level in levels:
        what = "%s (%s)" % (name, level)
        run = tests.run("train", *args, "--output", folder / "model", folder / "rows", env={"KM_ISA": level})
        if not tests.check(run.code == 0, what + ": trains", run):
            continue
        model = oracle.read_model(folder / "model")
        if report is None:
            off = abs(in_order_of(c, model) - c).max() / spread
            tests.check(off <= 1e-4, "%s: a center is off by %.2g of the data's spread" % (what, off), run)
        else:
            compare_refined(tests, what, run, x, c, model, report)
        found_msd = told(run)[0]
        if train_msd is None or found_msd is None:
            tests.same(found_msd, train_msd, what + ": train msd", run)
        else:
            tests.near(found_msd, train_msd, 1e-5, what + ": train msd", run)


def compare_refined(tests, what, run, x, c, model, report):
    """The refinement here has no looks and a uniform sample: it is an opponent, which must not be better."""
    found = told(run)[1]
    if not tests.check(found is not None, what + ": tells of the refinement", run):
        return
    least = report["rows"] if report["rows"] == len(x) else report["rows"] * 7 // 8 - 1
    tests.check(least <= found["rows"] <= report["rows"], what + ": rows of the refinement", run)
    ratio = oracle.msd(x.astype("f8"), model) / oracle.msd(x.astype("f8"), c)
    most = 1 + 1e-5 if report["rows"] == len(x) else 1.02
    tests.check(ratio <= most, "%s: msd %.6f times that of the golden model" % (what, ratio), run)
    if report["rows"] == len(x):
        tests.check(found["after"] <= report["after"] * (1 + 2e-5), what + ": msd on the sample", run)


def main():
    tests = Tests(sys.argv[1])
    levels = tests.levels()
    for name, shape, options in CASES:
        x, golden = safe_case(name, shape, options)
        compare(tests, name, x, golden, options, levels)

    options = {"k": 5, "mini_batch_size": 1255}
    x, golden = safe_case("far from the origin", (3000, 5, 8), options, offset=1000.0)
    compare(tests, "far from the origin", x, golden, options, levels)

    # 9 centers from 12 rows: some start in the same place, and the lowest gets the rows. Two columns
    # of a BLAS product need not agree to the last bit, so that level is left out.
    options = {"k": 3, "mini_batch_size": 12, "extra_center_factor": 3, "refine_rows": 0}
    x = rows_of(240, 5, 4, seed=0)
    compare(tests, "equal centers", x, train(x.astype("f8"), **options), options, set(levels) - {"blas"})
    tests.end()


if __name__ == "__main__":
    main()
