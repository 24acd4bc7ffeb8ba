# SPDX-License-Identifier: Apache-2.0
"""`kmeans train` as the platform and as people call it: every format, the log, the model's bytes."""
import json
import os
import re
import struct
import subprocess
import sys
import tarfile
import threading

import numpy as np

import oracle
from harness import Job, Tests

RECORDIO = "application/x-recordio-protobuf"
HYPERPARAMETERS = {"k": "4", "feature_dim": "5", "mini_batch_size": "250"}

# The metric definitions that the platform attaches to a job.
METRICS = {
    "test:msd": r"#quality_metric: host=\S+, test msd <loss>=(\S+)",
    "test:ssd": r"#quality_metric: host=\S+, test ssd <loss>=(\S+)",
    "train:msd": r"#quality_metric: host=\S+, train msd <loss>=(\S+)",
    "train:progress": r"#progress_metric: host=\S+, completed (\S+) %",
    "train:throughput": r"#throughput_metric: host=\S+, train throughput=(\S+) records/second",
}
DATA_MSD = r"#quality_metric: host=\S+, train data_msd <loss>=(\S+)"
LINE = re.compile(r"\[\d\d/\d\d/\d{4} \d\d:\d\d:\d\d (INFO|WARNING|ERROR) \d+\] \S|#metrics \{")
COUNTS = {
    "Total Records Seen",
    "Total Batches Seen",
    "Max Records Seen Between Resets",
    "Max Batches Seen Between Resets",
    "Reset Count",
    "Number of Records Since Last Reset",
    "Number of Batches Since Last Reset",
}


def rows_of(n, d=5, clusters=4, seed=0):
    random = np.random.default_rng(seed)
    place = np.random.default_rng(77).normal(size=(clusters, d)) * 5
    return (place[random.integers(clusters, size=n)] + random.normal(size=(n, d))).astype("f4")


X = rows_of(900)
TEST = rows_of(301, seed=1)


def channel(content_type=None):
    config = {
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
    }
    return {**config, "ContentType": content_type} if content_type else config


def values(pattern, run):
    return [float(v) for line in run.lines for v in re.findall(pattern, line)]


def metrics_lines(run):
    return [json.loads(line[len("#metrics ") :]) for line in run.lines if line.startswith("#metrics")]


def write_frames(path, payloads):
    path.write_bytes(b"".join(oracle.frame(p) for p in payloads))


def to_csv(x, start="", end="\n", last=None, field="%.9g", label=None):
    lines = [",".join(([label] if label else []) + [field % v for v in row]) for row in x]
    return (start + end.join(lines) + (end if last is None else last)).encode()


def trained(tests, what, write, content_type=None, hyperparameters=HYPERPARAMETERS, **others):
    """Runs a job whose train channel `write(job)` fills; the model's bytes and the run."""
    job = Job(tests, hyperparameters, {"train": channel(content_type)})
    write(job)
    run = job.train(**others)
    if not tests.check(run.code == 0 and job.model.exists(), what + ": trains", run):
        return None, run
    oracle.read_model(job.model)
    return job.model.read_bytes(), run


def file_of(content, name="rows"):
    return lambda job: job.data(name).write_bytes(content)


def reference(tests, x=X, **others):
    """What the same rows as one float32 RecordIO file give."""
    return trained(tests, "reference", lambda job: oracle.write_recordio(job.data("rows"), x), **others)[0]


EVERYTHING = {
    "k": "4",
    "feature_dim": "5",
    "mini_batch_size": "250",
    "epochs": "2",
    "init_method": "kmeans++",
    "extra_center_factor": "3",
    "half_life_time_size": "700",
    "local_lloyd_init_method": "random",
    "local_lloyd_max_iter": "50",
    "local_lloyd_tol": "0.00001",
    "local_lloyd_num_trials": "7",
    "eval_metrics": '["msd", "ssd"]',
    "force_dense": "true",
    "seed": "3",
    "refine_rows": "400",
    "refine_passes": "3",
    "bad_records": "5",
    "missing": "skip",
    "launch_port": "7071",
    "launch_timeout": "60",
    "stall_timeout": "30",
}


def test_hyperparameters(tests):
    odd = {"local_lloyd_tol": "1e-05", "force_dense": "True", "eval_metrics": "[msd,ssd]", "init_method": "k-means++"}
    spellings = {
        "bare": EVERYTHING,
        "odd": {**EVERYTHING, **odd},
        "quoted": {name: json.dumps(value) for name, value in {**EVERYTHING, **odd}.items()},
        "JSON": {
            **{n: int(v) if v.isdigit() else v for n, v in EVERYTHING.items()},
            "force_dense": True,
            "local_lloyd_tol": 1e-05,
            "eval_metrics": ["msd", "ssd"],
        },
        "with others' names": {
            **EVERYTHING,
            "_tuning_objective_metric": "test:msd",
            "_kvstore": "auto",
            "sagemaker_job_name": '"x"',
        },
    }
    models = {}
    for name, hyperparameters in spellings.items():
        job = Job(tests, hyperparameters, {"train": channel(), "test": channel()})
        oracle.write_recordio(job.data("rows"), X)
        oracle.write_recordio(job.data("rows", "test"), TEST)
        run = job.train()
        if tests.check(run.code == 0, "hyperparameters, %s" % name, run):
            models[name] = job.model.read_bytes()
            tests.same(models[name], models["bare"], "hyperparameters, %s: model" % name)
            tests.same(len(values(METRICS["test:ssd"], run)), 1, "%s: test ssd" % name, run)
    tests.check(
        "Ignored hyperparameters, which mean nothing here: _tuning_objective_metric, _kvstore, sagemaker_job_name"
        in run.out,
        "names of others are ignored with a word",
        run,
    )

    folder = tests.place()
    oracle.write_recordio(folder / "rows", X)
    help_text = tests.run("train", "--help").out
    names = re.findall(r"^  --([a-z_]+) ", help_text.split("Hyperparameters")[1], re.M)
    tests.same(sorted(names), sorted(EVERYTHING), "the hyperparameters of --help")
    dashes = ["--%s=%s" % (n.replace("_", "-"), v) for n, v in EVERYTHING.items()]
    bars = [a for n, v in EVERYTHING.items() for a in ("--" + n, v)]
    for args in dashes, bars:
        run = tests.run("train", *args, "--output", folder / "model", folder / "rows")
        if tests.check(run.code == 0, "options " + args[0], run):
            tests.same((folder / "model").read_bytes(), models["bare"], "options %s: model" % args[0])


def test_refine_passes(tests):
    """Quality or speed: more passes, no worse model; each job tells what it spent."""
    rng = np.random.default_rng(3)
    x = (rng.normal(size=(500, 50))[rng.integers(0, 500, 20000)] + rng.normal(size=(20000, 50))).astype("f4")
    found = []
    for value in "0", "2", "12":
        options = {"k": "500", "feature_dim": "50", "refine_passes": value, "extra_center_factor": "3"}
        model, run = trained(tests, "refine_passes=" + value, lambda job: oracle.write_recordio(job.data("rows"), x), hyperparameters=options)
        told = re.search(r"spent the work of (\S+) of at most (\d+) iterations over all 20000 rows, \d+ step", run.out)
        if value == "0":
            tests.check(not told, "refine_passes=0 spends nothing", run)
        elif tests.check(told is not None, "refine_passes=%s tells what it spent" % value, run):
            tests.check(0 < float(told[1]) <= float(value) == float(told[2]), "refine_passes=%s is a limit" % value, run)
        found += values(r"train data_msd <loss>=(\S+)", run)
        true = oracle.msd(x.astype("f8"), np.frombuffer(model, "<f4", 500 * 50, 64).reshape(500, 50))
        tests.check(abs(found[-1] / true - 1) < 1e-5, "refine_passes=%s: told %s, true %s" % (value, found[-1], true))
    tests.check(found[2] <= found[1] <= found[0], "more passes, no worse: %s" % found)


def test_each_hyperparameter_counts(tests):
    base = {
        **{"k": "6", "feature_dim": "5", "mini_batch_size": "250", "refine_rows": "0"},
        **{"local_lloyd_num_trials": "1", "local_lloyd_init_method": "random"},
    }
    x = np.random.default_rng(0).normal(size=(900, 5)).astype("f4")  # no clusters: many optima
    model = reference(tests, x, hyperparameters=base)
    for name, value in {
        "k": "7",
        "mini_batch_size": "300",
        "epochs": "2",
        "init_method": "kmeans++",
        "extra_center_factor": "3",
        "half_life_time_size": "100",
        "local_lloyd_init_method": "kmeans++",
        "local_lloyd_max_iter": "1",
        "local_lloyd_tol": "1",
        "local_lloyd_num_trials": "9",
        "seed": "2",
        "refine_rows": "auto",
    }.items():
        other = reference(tests, x, hyperparameters={**base, name: value})
        tests.check(other != model, "%s makes a difference" % name)


def test_record_formats(tests):
    whole = reference(tests)
    whole_numbers = np.round(X * 10).astype("i4")
    sparse = np.where(X < 0, 0, X)
    sparse[5] = 0

    def sparse_file(job):
        write_frames(
            job.data("rows"),
            [oracle.sparse_record(np.flatnonzero(row), row[row != 0], 5) for row in sparse],
        )

    def labelled(job):
        write_frames(job.data("rows"), [oracle.record(row, label=i) for i, row in enumerate(X)])

    def shuffled(job):
        """Shapes in turn: float32, float64, with a label, one file."""
        records = [
            oracle.record(row, "f8" if i % 2 else "f4", label=None if i % 3 else 1.0)
            for i, row in enumerate(X)
        ]
        write_frames(job.data("rows"), records)

    def split(job):
        """As MXNet writes records, each with a uid full of magic numbers."""
        random = np.random.default_rng(5)
        word = [struct.pack("<I", oracle.MAGIC), b"abcd", b"x"]
        uids = [b"".join(word[i] for i in random.integers(3, size=random.integers(20))) for row in X]
        records = [oracle.record(row) + oracle.field(3, uid) for row, uid in zip(X, uids)]
        content = b"".join(map(oracle.split_frames, records))
        assert content.count(struct.pack("<II", oracle.MAGIC, 2 << 29)) > 50
        job.data("rows").write_bytes(content)

    def int32(job):
        oracle.write_recordio(job.data("rows"), whole_numbers, "i4")

    cases = [
        ("float64", lambda job: oracle.write_recordio(job.data("rows"), X.astype("f8"), "f8"), whole),
        ("labels", labelled, whole),
        ("mixed", shuffled, whole),
        ("split", split, whole),
        ("int32", int32, reference(tests, whole_numbers.astype("f4"))),
        ("sparse", sparse_file, reference(tests, sparse)),
    ]
    for name, write, expected in cases:
        for content_type in None, RECORDIO, " Application/X-RecordIO-Protobuf ; version=1.0":
            model, run = trained(tests, name, write, content_type)
            tests.same(model, expected, "%s as %s: model" % (name, content_type), run)


def test_other_features(tests):
    """What is not clustered is told, once."""
    whole = reference(tests)
    more = oracle.record([1, 2]).replace(b"values", b"mores!")
    other = oracle.record([1], "f8").replace(b"values", b"others")
    said = r"WARNING.*'%s': features\[\"%s\"\] \(%s a record\) is ignored; only features\[\"values\"\] is clustered"

    def write(job):
        """One in every record; another one only in later records."""
        rows = [oracle.record(row) + more + (other if i > 600 else b"") for i, row in enumerate(X)]
        write_frames(job.data("rows"), rows)
        write_frames(job.data("rows", "test"), [oracle.record(row) + more + more.replace(b"mores!", b"tested") for row in TEST])

    job = Job(tests, {**HYPERPARAMETERS, "epochs": "2"}, {"train": channel(), "test": channel()})
    write(job)
    run = job.train()
    tests.same(run.code, 0, "other features: exit code", run)
    for what in ("train", "mores!", "2 values"), ("train", "others", "1 value"), ("test", "tested", "2 values"):
        tests.same(len(re.findall(said % what, run.out)), 1, "other features: %s %s is told once" % what[:2], run)
    tests.same(run.out.count(" is ignored; only"), 3, "other features: no other is told", run)
    model, run = trained(tests, "other features", lambda job: write_frames(job.data("rows"), [more + oracle.record(row) for row in X]))
    tests.same(model, whole, "other features: model", run)


def test_csv(tests):
    whole = reference(tests)
    quoted = re.sub(rb"[^,\n]+", rb'"\g<0>"', to_csv(X))
    cases = [
        ("LF", to_csv(X)),
        ("CR LF", to_csv(X, end="\r\n")),
        ("CR", to_csv(X, end="\r")),
        ("BOM", to_csv(X, start="\ufeff")),
        ("quotes", quoted),
        ("no newline at the end", to_csv(X, last="")),
        ("blank lines", to_csv(X, end="\n\n", start="\n", last="\n\n\n")),
        ("blanks", to_csv(X, field=" %.9g\t")),
        ("exponents", to_csv(X, field="%.8e")),
        ("plus signs", to_csv(X, field="%+.9g")),
        ("float64 digits", to_csv(X, field="%.17g")),
    ]
    for name, content in cases:
        model, run = trained(tests, name, file_of(content), "text/csv;label_size=0")
        tests.same(model, whole, "CSV, %s: model" % name, run)

    label_cases = [
        ("text/csv;label_size=1", to_csv(X, label="0"), None),
        ("text/csv; label_size=1", to_csv(X, label="cat"), None),
        ('TEXT/CSV; Label_Size="1"; charset=utf-8', to_csv(X, label='"a, b"'), None),
        ("text/csv;label_size=2", to_csv(X, label="a,b"), None),
        ("text/csv", to_csv(X), "exactly feature_dim = 5 columns: no label is assumed"),
        ("text/csv", to_csv(X, label="7"), "the first of 6 columns is taken for the label"),
    ]
    for content_type, content, line in label_cases:
        model, run = trained(tests, content_type, file_of(content), content_type)
        tests.same(model, whole, "CSV as %s: model" % content_type, run)
        said = "no label_size" in run.out
        tests.check((line in run.out) if line else not said, "CSV as %s: %s" % (content_type, line), run)


def test_headers(tests):
    """Names are skipped and told; what the content type says of first lines holds."""
    whole = reference(tests)
    names, numbers = b"age,the price,\xe5\xb9\xb4,d,e\n", b"0,1,2,3,4\n"
    skipped = "is a header and is skipped"
    for content_type, first, line in (
        ("text/csv;label_size=0", names, "5 column(s) of features: age, the price, \u5e74, d, e"),
        ("text/csv", names, skipped),
        ("text/csv;label_size=0;header=present", names, skipped),
        ("text/csv;label_size=0; Header=Present", numbers, skipped),
        ("text/csv;label_size=0;flag=7", names, "Parameter 'flag=7' of content type"),
    ):
        model, run = trained(tests, content_type, file_of(first + to_csv(X)), content_type)
        tests.same(model, whole, "a header as %s: model" % content_type, run)
        tests.check(line in run.out, "a header as %s: %s" % (content_type, line), run)

    def in_files(job):
        for i, rows in enumerate(np.array_split(X, 3)):
            job.data("part-%d" % i).write_bytes((names if i < 2 else b"") + to_csv(rows))

    model, run = trained(tests, "a header in two of three files", in_files, "text/csv;label_size=0")
    tests.same(model, whole, "a header in two of three files: model", run)
    tests.same(run.out.count(skipped), 1, "a header in two of three files is told once", run)
    for test, code in (names, 0), (b"the price,age,\xe5\xb9\xb4,d,e\n", 2), (b"", 0):
        job = Job(tests, HYPERPARAMETERS, {"train": channel("text/csv;label_size=0"), "test": channel("text/csv;label_size=0")})
        job.data("rows").write_bytes(names + to_csv(X))
        job.data("rows", "test").write_bytes(test + to_csv(TEST))
        run = job.train()
        tests.same(run.code, code, "a test channel with the header %s" % test, run)
        tests.check(code == 0 or "give both the same columns in the same order" in run.out, "columns in another order", run)


def test_first_lines(tests):
    """Small files whose first line is like a header and is none, and the other way round."""
    folder = tests.place()
    for name, content_type, text, words in (
        ("few values", "text/csv", b"0,1\n1,1\n0,1\n1,0\n", None),
        ("a label comes again", "text/csv;label_size=1", b"x,1,2\ny,2,3\nx,3,3\n", None),
        ("empty labels", "text/csv;label_size=1", b",1\n,5\n,7\n", None),
        ("infinities", "text/csv", b"inf,-inf,inf\n1,2,3\n4,5,7\n", 'line 1, column 1 at byte 0: found "inf", expected a finite'),
        ("spreadsheet errors", "text/csv", b"#DIV/0!,#REF!\n1,2\n4,5\n", 'missing value: found "#DIV/0!"'),
        ("labels alone", "text/csv;label_size=2", b"l,m\nx,1\n", "2 columns, expected more than label_size=2"),
    ):
        (folder / "rows").write_bytes(text)
        run = tests.run("train", "--k", "2", "--content-type", content_type, "--output", "m", "rows", cwd=folder)
        tests.same(run.code, 2 if words else 0, "first lines, %s: exit code" % name, run)
        tests.check((words or "") in run.out, "first lines, %s: %s" % (name, words), run)

    for first in b"", b"a,b,c,d,e\n":

        def in_parts(job):
            job.data("part-0").write_bytes(first + to_csv(X[:300]))
            job.data("part-1").write_bytes(b"0,1,2,3,4\n" + to_csv(X[300:600]))
            job.data("part-2").write_bytes(b"1,2,3,4,5\n" + to_csv(X[600:]))

        more = np.array([[0, 1, 2, 3, 4], [1, 2, 3, 4, 5]], "f4")
        whole = reference(tests, np.concatenate([X[:300], more[:1], X[300:600], more[1:], X[600:]]))
        model, run = trained(tests, "later parts begin with numbers", in_parts, "text/csv;label_size=0")
        tests.same(model, whole, "later parts begin with numbers, %s: model" % first, run)


def test_lines_that_are_no_rows(tests):
    """What was skipped, or may have been by mistake, is told."""
    folder = tests.place()
    (folder / "rows").write_bytes(b"1,2\n3,4\n5,6\n")
    (folder / "named").write_bytes(b"a,b\n1,2\n")
    (folder / "names").write_bytes(b"a,b\n")
    (folder / "title").write_bytes(b"a title\n1,2\n3,4\n")
    late = 'WARNING.* named: line 1 \\("a,b"\\) is taken for a header and is skipped, but the first file has no header'
    note = 'line 1 of names ("a,b") was taken for a header: if it is a row, say header=absent'
    for args, code, words, never in (
        (["rows", "named"], 0, late, None),
        (["named", "rows"], 0, "", late),
        (["names"], 2, re.escape("the first is names; " + note), None),
        (["rows", "--test", "names"], 2, re.escape("holds not one row (1 file(s), the first is names; " + note), None),
        (["rows", "--test", "names", "--content-type", "text/csv", "--feature-dim", "2"], 2, "not one row", "is taken for the label"),
        (["title", "--header", "present"], 0, "the first line of each file is skipped, as header=present says", "column.s. of features"),
    ):
        run = tests.run("train", "--k", "2", "--output", "m", *args, cwd=folder)
        tests.same(run.code, code, "%s: exit code" % args, run)
        tests.check(re.search(words, run.out), "%s: %s" % (args, words), run)
        tests.check(not never or not re.search(never, run.out), "%s: not %s" % (args, never), run)
    run = tests.run("train", "--k", "2", "--output", "m", "--content-type", "text/csv;flag=7", "rows", cwd=folder)
    tests.same(run.out.count("Parameter 'flag=7'"), 1, "an unknown parameter is told once", run)


def test_rows_that_are_skipped(tests):
    """Rows that bad_records and missing allow are as if they were not there, and are counted."""
    lines = to_csv(X).splitlines(keepends=True)
    for i in range(0, 900, 45):
        lines[i] = b"1,2,3\n" + lines[i] + b"1,,3,4,5\n-9999,2,3,4,5\n"
    dirty = file_of(b"".join([*lines, b"1,2,x,4,5\n", b"1,2,NA,4,5\n"]))
    model = reference(tests)
    for threads in ("1", "2"):
        lenient = {**HYPERPARAMETERS, "bad_records": "21", "missing": "-9999"}
        job = Job(tests, lenient, {"train": channel("text/csv;label_size=0")})
        dirty(job)
        run = job.train("--threads", threads)
        tests.same(job.model.read_bytes() if run.code == 0 else b"", model, "the model of the rows that are good", run)
        metrics = {name: value["sum"] for line in metrics_lines(run) for name, value in line["Metrics"].items()}
        tests.same(metrics.get("Bad Records Skipped"), 21, "bad records in #metrics", run)
        tests.same(metrics.get("Records With Missing Values Skipped"), 41, "missing values in #metrics", run)
        tests.same(run.out.count("skipped (bad_records): "), 20, "the first bad records are told", run)
        tests.check("channel 'train': 21 bad record(s) were skipped" in run.out, "bad ones are counted", run)
        tests.check("channel 'train': 41 record(s) with missing values were skipped" in run.out, "missing", run)
    for what, words in (
        ({"bad_records": "20", "missing": "-9999"}, 'found "x", expected a number; it comes behind 20 bad records'),
        ({"bad_records": "21"}, "behind 21 bad records"),
        ({"missing": "skip"}, "rows: line 1 at byte 0: 3 columns, but other lines have 5"),
    ):
        job = Job(tests, {**HYPERPARAMETERS, **what}, {"train": channel("text/csv;label_size=0")})
        dirty(job)
        run = job.train()
        tests.same(run.code, 2, "%s: exit code" % what, run)
        tests.check(words in run.out and not job.model.exists(), "%s: %s" % (what, words), run)


def test_dialects(tests):
    """Separators and decimal commas on the command line."""
    whole = reference(tests)
    folder = tests.place()
    text = to_csv(X)
    (folder / "semicolons").write_bytes(text.replace(b",", b";").replace(b".", b","))
    (folder / "tabs").write_bytes(b"a\tb\tc\td\te\n" + text.replace(b",", b"\t"))
    (folder / "blanks").write_bytes(text.replace(b",", b"  ").replace(b"\n", b" \n"))
    (folder / "numbers").write_bytes(b"0,1,2,3,4\n" + text)
    base = ["train", "--k", "4", "--mini-batch-size", "250", "--output", folder / "m"]
    for args in (
        ["--separator", ";", "--decimal", "comma", "semicolons"],
        ["--separator=tab", "tabs"],
        ["--separator", "space", "blanks"],
        ["--header", "present", "numbers"],
        ["--content-type", "text/csv;label_size=0;header=present", "numbers"],
    ):
        run = tests.run(*base, *args, cwd=folder)
        if tests.check(run.code == 0, " ".join(args), run):
            tests.same((folder / "m").read_bytes(), whole, " ".join(args) + ": model", run)
    oracle.write_recordio(folder / "rows", X)
    for args, words in (
        (["semicolons"], "kmeans convert --separator ';' --decimal comma FILE"),
        (["tabs"], "--separator tab FILE"),
        (["--separator", "x", "tabs"], '--separator: found "x", expected'),
        (["--decimal", "dot", "tabs"], '--decimal: found "dot", expected point or comma'),
        (["--header", "no", "tabs"], '--header: found "no", expected present, absent or auto'),
        (["--separator", ";", "rows"], "are for CSV, but the files are application/x-recordio-protobuf"),
    ):
        run = tests.run(*base, *args, cwd=folder)
        tests.check(run.code == 2 and words in run.out, "%s: %s" % (" ".join(args), words), run)


def test_files_of_a_channel(tests):
    whole = reference(tests)
    junk = b"this is no data"

    def spread(job):
        """In bytewise order of their paths; what is no data lies in between."""
        names = ["B", "a/part-1", "a/part-10", "a/part-9", "a/z/x.csv", "a0", "b", "\u00fc"]
        for name, rows in zip(names, np.array_split(X, len(names))):
            oracle.write_recordio(job.data(name), rows)
        for name in "_SUCCESS", ".hidden", "a/_x", "a/.part-1.crc", "_temporary/part-1", ".dir/part-1", "a_$folder$":
            job.data(name).write_bytes(junk)
        job.data("a/part-00").write_bytes(b"")
        (job.root / "input/data/train-manifest").write_text('[{"prefix": "s3://x/"}]')

    model, run = trained(tests, "sub-folders", spread)
    tests.same(model, whole, "sub-folders: model", run)
    tests.check("Channel 'train': 8 file(s)" in run.out, "sub-folders: 8 files", run)

    folder = tests.place()
    for name, rows in ("2", X[:300]), ("1", X[300:]):
        oracle.write_recordio(folder / name, rows)
    run = tests.run("train", "--k", 4, "--mini-batch-size", 250, "--output", folder / "m", folder / "2", folder / "1")
    tests.check(run.code == 0, "files of a command line", run)
    tests.same((folder / "m").read_bytes(), whole, "files keep the order of the command line", run)


def test_configurations(tests):
    """What the platform may leave out."""
    whole = reference(tests)
    configs = [
        ("no inputdataconfig.json", None, None),
        ("an empty one", {}, {}),
        ("an empty channel", {"train": {}}, {"hosts": ["algo-1"]}),
        ("nulls", {"train": {"ContentType": None, "RecordWrapperType": None}}, {"current_host": "algo-1"}),
        ("more keys", {"train": {**channel(RECORDIO), "S3Thing": 1}}, {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"}),
        ("another host name", {"train": channel()}, {"current_host": "ip-10-0-0-7", "hosts": ["ip-10-0-0-7"]}),
    ]  # fmt: skip
    for name, channels, resources in configs:
        job = Job(tests, HYPERPARAMETERS, channels, resources)
        oracle.write_recordio(job.data("rows"), X)
        job.failure.write_text("of an earlier run")
        run = job.train()
        if not tests.check(run.code == 0, name, run):
            continue
        tests.same(job.model.read_bytes(), whole, name + ": model", run)
        tests.same(job.leftovers(), ["model/model_algo-1"], name + ": what is left", run)
        host = (resources or {}).get("current_host", "algo-1")
        tests.check("#quality_metric: host=%s, train msd" % host in run.out, name + ": host", run)
    for missing in "model", "output":
        job = Job(tests, HYPERPARAMETERS, {"train": channel()})
        oracle.write_recordio(job.data("rows"), X)
        (job.root / missing).rmdir()
        run = job.train()
        tests.check(run.code == 0 and job.model.exists(), "a missing folder: " + missing, run)


def test_same_bits(tests):
    for n, d, k, b in (3000, 40, 5, 2500), (2000, 3, 60, 700), (900, 200, 3, 900):
        folder = tests.place()
        oracle.write_recordio(folder / "rows", rows_of(n, d, 9))
        args = ["train", "--k", k, "--mini-batch-size", b, "--output", folder / "m", folder / "rows"]
        for level in tests.levels():
            models = {}
            for env, more in (
                ({"KM_THREADS": "1"}, []),
                ({"KM_THREADS": "2"}, []),
                ({"KM_THREADS": "3"}, []),
                ({"KM_THREADS": "5"}, []),
                ({"OMP_NUM_THREADS": "4"}, []),
                ({"OMP_NUM_THREADS": "3,2"}, []),
                ({}, ["--threads", "7"]),
                ({}, []),
            ):
                what = "k=%d d=%d, %s, %s %s" % (k, d, level, env, more)
                run = tests.run(*args, *more, env={**env, "KM_ISA": level})
                tests.check(run.code == 0, what, run)
                models[what] = (folder / "m").read_bytes()
                tests.check(models[what] == next(iter(models.values())), what + ": other bits", run)


def test_metric_lines(tests):
    cases = [
        ("sampled whole", {}, 1),
        ("read again", {"refine_rows": "0"}, 1),
        ("small sample", {"refine_rows": "100", "epochs": "3"}, 3),
        ("no shrink", {"extra_center_factor": "1"}, 1),
        ("msd only", {"eval_metrics": "msd"}, 1),
        ("ssd only", {"eval_metrics": '["ssd"]'}, 1),
    ]
    for name, more, epochs in cases:
        hyperparameters = {**HYPERPARAMETERS, "eval_metrics": '["msd","ssd"]', **more}
        job = Job(tests, hyperparameters, {"train": channel(), "test": channel("text/csv;label_size=0")})
        oracle.write_recordio(job.data("rows"), X)
        job.data("rows.csv", "test").write_bytes(to_csv(TEST))
        run = job.train()
        if not tests.check(run.code == 0, name, run):
            continue
        c = oracle.read_model(job.model)
        dist2 = oracle.nearest(TEST, c)[1]
        for metric, expected in ("msd", dist2.mean()), ("ssd", dist2.sum()):
            wanted = metric in hyperparameters["eval_metrics"]
            found = values(METRICS["test:" + metric], run)
            if tests.same(len(found), int(wanted), "%s: test %s lines" % (name, metric), run) and found:
                tests.near(found[0], expected, 1e-6, "%s: test %s" % (name, metric), run)
        found = values(DATA_MSD, run)
        if tests.same(len(found), 1, name + ": data_msd lines", run):
            tests.near(found[0], oracle.msd(X, c), 1e-6, name + ": data_msd", run)
        shrunk = hyperparameters.get("extra_center_factor") != "1"
        found = values(METRICS["train:msd"], run)
        tests.same(len(found), int(shrunk), name + ": train msd lines", run)
        tests.check(all(0 < v < 5 for v in found), name + ": train msd %r" % found, run)
        found = values(METRICS["train:progress"], run)
        tests.check(
            np.allclose(found, [100.0 * (e + 1) / epochs for e in range(epochs)]),
            "%s: progress %r" % (name, found),
            run,
        )
        found = values(METRICS["train:throughput"], run)
        tests.check(len(found) == epochs and min(found) > 0, "%s: throughput %r" % (name, found), run)


def test_metrics_json(tests):
    job = Job(tests, {**HYPERPARAMETERS, "epochs": "2"}, {"train": channel(), "test": channel()})
    oracle.write_recordio(job.data("rows"), X)
    oracle.write_recordio(job.data("rows", "test"), TEST)
    run = job.train()
    tests.check(run.code == 0, "metrics", run)
    lines = metrics_lines(run)
    for line in lines:
        tests.same(list(line), ["StartTime", "EndTime", "Dimensions", "Metrics"], "#metrics keys")
        base = [line["Dimensions"][key] for key in ("Algorithm", "Host", "Operation")]
        tests.same(base, ["AWS/KMeansWebscale", "algo-1", "training"], "#metrics dimensions")
        tests.check(1.6e9 < line["StartTime"] <= line["EndTime"] < 1e11, "#metrics times", run)
        for name, value in line["Metrics"].items():
            good = list(value) == ["sum", "count", "min", "max"] and isinstance(value["sum"], float)
            tests.check(good and value["count"] == 1, "#metrics value %s: %r" % (name, value), run)
    kinds = [(l["Dimensions"].get("Meta"), l["Dimensions"].get("epoch"), set(l["Metrics"])) for l in lines]
    expected = [
        ("init_train_data_iter", None, COUNTS),
        ("training_data_iter", 0, COUNTS),
        ("training_data_iter", 1, COUNTS),
        ("test_data_iter", None, COUNTS),
        (None, None, {"initialize.time", "epochs", "update.time", "_shrink.time", "finalize.time", "model.serialize.time"}),
        (None, None, {"setuptime", "totaltime"}),
    ]  # fmt: skip
    tests.same(kinds, expected, "#metrics lines", run)
    if kinds == expected:
        seen = {name: value["sum"] for name, value in lines[2]["Metrics"].items()}
        tests.same(seen["Total Records Seen"], 1800, "records of both epochs", run)
        tests.same(seen["Total Batches Seen"], 8, "batches of both epochs", run)
        tests.same(seen["Number of Records Since Last Reset"], 900, "records of the epoch", run)
        tests.same(lines[3]["Metrics"]["Total Records Seen"]["max"], 301, "records of the test", run)
        tests.same(lines[4]["Metrics"]["epochs"]["max"], 2, "epochs", run)


def test_log(tests):
    _, run = trained(tests, "log", lambda job: oracle.write_recordio(job.data("rows"), X))
    for line in run.lines:
        tests.check(LINE.match(line), "the shape of %r" % line)
    tests.same(run.err, "", "nothing on standard error")
    for part in (
        "Test data is not provided.",
        "'extra_center_factor' was set to 'auto', evaluated to 10.",
        "shrinking 40 centers into 4",
        "local kmeans attempt #0. Current mean square distance ",
        "finished shrinking process. Mean Square Distance = ",
        "processed a total of 900 examples",
        "Loaded iterator creator %s for content type ('%s', '1.0')" % (RECORDIO, RECORDIO),
        "peak memory",
    ):
        tests.check(part in run.out, "the log says: " + part, run)
    tests.check(re.search(r"\] total +\d", run.out), "the phase table", run)
    _, run = trained(
        tests,
        "factor 1",
        lambda job: oracle.write_recordio(job.data("rows"), X),
        hyperparameters={**HYPERPARAMETERS, "extra_center_factor": "1", "mini_batch_size": "5000"},
    )
    tests.check("No shrinking is required as extra_center_factor is 1." in run.out, "no shrink", run)
    tests.check(
        "Batch size 5000 is bigger than the first batch data. Effective batch size used to initialize is 900"
        in run.out,
        "a batch larger than the data",
        run,
    )
    _, run = trained(
        tests,
        "Iter",
        lambda job: oracle.write_recordio(job.data("rows"), X),
        hyperparameters={**HYPERPARAMETERS, "mini_batch_size": "40"},
    )
    tests.same(len(re.findall(r"Iter \d+0: Short term msd \d.*\. Long term msd \d", run.out)), 2, "Iter lines", run)


def test_outputs(tests):
    whole = reference(tests)
    folder = tests.place()
    oracle.write_recordio(folder / "rows", X)
    base = ["train", "--k", 4, "--mini_batch_size", 250]
    for name in "model.tar.gz", "model.tgz":
        path = folder / name
        run = tests.run(*base, "--output", path, folder / "rows")
        if not tests.check(run.code == 0, name, run):
            continue
        with tarfile.open(path) as archive:
            members = archive.getmembers()
            tests.same([m.name for m in members], ["model_algo-1"], name + ": members")
            tests.same(archive.extractfile(members[0]).read(), whole, name + ": content")
            tests.check(members[0].isfile() and members[0].mode & 0o400, name + ": a readable file")
        out = folder / (name + ".unpacked")
        out.mkdir()
        subprocess.run(["tar", "xzf", path, "-C", out], check=True)
        tests.same((out / "model_algo-1").read_bytes(), whole, name + ": unpacked by tar")
    run = tests.run(*base, "--output", folder / "bare", folder / "rows")
    tests.same((folder / "bare").read_bytes(), whole, "a bare model", run)
    run = tests.run(*base, "--output", "here", "rows", cwd=folder)
    tests.same((folder / "here").read_bytes(), whole, "a model without a folder in its name", run)

    job = Job(tests, HYPERPARAMETERS, {"train": channel()})
    oracle.write_recordio(job.data("rows"), X)
    run = job.train("--output", folder / "both.tar.gz")
    tests.check(run.code == 0, "a layout and an archive", run)
    with tarfile.open(folder / "both.tar.gz") as archive:
        tests.same(archive.extractfile("model_algo-1").read(), whole, "layout: archive")
    tests.same(job.model.read_bytes(), whole, "layout: model", run)
    tests.same(list(folder.glob("*sagemaker-ignore")), [], "no temporary files")


def test_command_line_data(tests):
    """Formats are guessed, feature_dim comes from the data, --test is scored."""
    whole = reference(tests)
    folder = tests.place()
    oracle.write_recordio(folder / "rows", X)
    oracle.write_recordio(folder / "test", TEST)
    (folder / "rows.csv").write_bytes(to_csv(X))
    (folder / "labelled.csv").write_bytes(to_csv(X, label="9"))
    shards = folder / "shards"
    shards.mkdir()
    for i, rows in enumerate(np.array_split(X, 3)):
        oracle.write_recordio(shards / str(i), rows)
    base = ["train", "--k", "4", "--mini-batch-size", "250", "--output", folder / "m"]
    for args in (
        ["rows"],
        ["rows.csv"],
        ["shards"],
        ["--content-type", "text/csv;label_size=1", "labelled.csv"],
        ["--feature-dim", "5", "rows.csv"],
        ["--", "rows"],
        ["rows", "--threads=2"],
    ):
        run = tests.run(*base, *args, cwd=folder)
        if tests.check(run.code == 0, " ".join(args), run):
            tests.same((folder / "m").read_bytes(), whole, " ".join(args) + ": model", run)
    run = tests.run(*base, "--test", "test", "--eval-metrics", "ssd", "--test=test", "rows", cwd=folder)
    found = values(METRICS["test:ssd"], run)
    if tests.same(len(found), 1, "--test twice", run):
        dist2 = oracle.nearest(TEST, oracle.read_model(folder / "m"))[1]
        tests.near(found[0], 2 * dist2.sum(), 1e-6, "--test twice: ssd", run)


def test_data_called_train(tests):
    """A folder of the platform's word, and data that can be read only once (a FIFO)."""
    whole = reference(tests)
    folder = tests.place()
    (folder / "train").mkdir()
    oracle.write_recordio(folder / "train/rows", X)
    base = ["train", "--k", "4", "--mini-batch-size", "250", "--output", "m"]
    run = tests.run(*base, "train", cwd=folder)
    if tests.check(run.code == 0, "a folder called train", run):
        tests.same((folder / "m").read_bytes(), whole, "a folder called train: model", run)

    for args, same in ([], True), (["--refine-rows", "0"], False):
        os.mkfifo(folder / "pipe")
        writer = subprocess.Popen(["cp", "train/rows", "pipe"], cwd=folder)
        run = tests.run(*base, "--content-type", RECORDIO, "--feature-dim", "5", *args, "pipe", cwd=folder, timeout=60)
        writer.wait()
        (folder / "pipe").unlink()
        if tests.check(run.code == 0, "a FIFO %s" % args, run) and same:
            tests.same((folder / "m").read_bytes(), whole, "a FIFO: model", run)

    job = Job(tests, HYPERPARAMETERS, {"train": channel()})
    oracle.write_recordio(job.data("rows"), X)
    run = tests.run("train", "--root", job.root, "--output", folder / "bare")
    if tests.check(run.code == 0, "--root and --output", run):
        tests.same((folder / "bare").read_bytes(), whole, "--root and --output: the bare model", run)
        tests.same(job.model.read_bytes(), whole, "--root and --output: the layout's model", run)


def test_calls(tests):
    whole = reference(tests)
    link = tests.place() / "train"
    link.symlink_to(tests.kmeans)
    for program, args in (link, []), (link, ["train"]), (None, ["train"]), (None, ["train", "train"]):
        job = Job(tests, HYPERPARAMETERS, {"train": channel()})
        oracle.write_recordio(job.data("rows"), X)
        run = tests.run(*args, "--root", job.root, program=program)
        if tests.check(run.code == 0, "called as %s %s" % (program, args), run):
            tests.same(job.model.read_bytes(), whole, "called as %s %s: model" % (program, args), run)
    for args in ["train", "--help"], ["help", "train"]:
        run = tests.run(*args)
        tests.check(run.code == 0 and run.err == "", " ".join(args), run)
        for part in "--root DIR", "--output FILE", "--mini_batch_size", "--refine_rows", "Exit code":
            tests.check(part in run.out, "%s tells of %s" % (" ".join(args), part), run)
    run = tests.run("--version")
    tests.check(run.code == 0 and re.fullmatch(r"kmeans \d+\.\d+\.\d+\n", run.out), "--version", run)


def test_levels_agree(tests):
    x = rows_of(3000, 30, 8)
    folder = tests.place()
    oracle.write_recordio(folder / "rows", x)
    found = {}
    for level in tests.levels():
        run = tests.run("train", "--k", 8, "--output", folder / "m", folder / "rows", env={"KM_ISA": level})
        if tests.check(run.code == 0, "KM_ISA=" + level, run):
            tests.check("kernels %s," % level in run.lines[0], level + " is named in the first line", run)
            found[level] = oracle.msd(x, oracle.read_model(folder / "m"))
    tests.check(len(found) > 1 and "generic" in found, "levels: %r" % found)
    tests.check(max(found.values()) <= 1.001 * min(found.values()), "levels agree: %r" % found)


def test_far_from_the_origin(tests):
    """Rows of sixteenths, so that the offsets cost no digit: the same data in another place."""
    base = np.round(rows_of(3000, 6, 8) * 16 * 8) / 16
    for k, more in (8, []), (8, ["--refine-rows", "0"]):
        found = {}
        for offset in 0, 1e4, 1e6, -1e6:
            x = (base + offset).astype("f4")
            folder = tests.place()
            oracle.write_recordio(folder / "rows", x)
            run = tests.run("train", "--k", k, "--mini-batch-size", 500, *more, "--output", folder / "m", folder / "rows")
            if tests.check(run.code == 0, "offset %g" % offset, run):
                found[offset] = oracle.msd(x, oracle.read_model(folder / "m"))
                told = values(DATA_MSD, run)
                tests.near(told[0], found[offset], 1e-3, "offset %g: data_msd" % offset, run)
        for offset in found:
            tests.near(found[offset], found[0], 1e-3, "offset %g %s" % (offset, more))


def exact_msd(x, c):
    x, c = x.astype("f8"), c.astype("f8")
    return float(np.min([((x - row) ** 2).sum(1) for row in c], 0).mean())


def test_tiny_and_huge_values(tests):
    """A power of two costs nothing; what is told is of the written model on the rows as given, in their units."""
    base = rows_of(3000, 4, 6)
    best = None
    for power in 0, -60, -100, -139, 40, 66, 100, 122:
        x = np.ldexp(base, power)
        for sparse in False, True:
            what = "values times 2^%d, %s" % (power, "sparse" if sparse else "dense")
            folder = tests.place()
            if sparse:
                keys = np.arange(x.shape[1])
                frames = (oracle.frame(oracle.sparse_record(keys, row, len(row))) for row in x)
                (folder / "rows").write_bytes(b"".join(frames))
            else:
                oracle.write_recordio(folder / "rows", x)
            run = tests.run("train", "--k", 6, "--mini-batch-size", 700, "--test", folder / "rows", "--output", folder / "m", folder / "rows")
            if not tests.check(run.code == 0, what, run):
                continue
            msd = exact_msd(x, oracle.read_model(folder / "m"))
            best = best or msd
            tests.near(msd / best / 4.0**power, 1, 1e-3, what + ": as good as anywhere", run)
            for pattern in DATA_MSD, DATA_MSD.replace("train data_msd", "test msd"):
                tests.near(values(pattern, run)[0] / msd, 1, 1e-12, what + ": told", run)
            attempt = re.search(r"attempt #0. Current mean square distance (\S+)", run.out)[1]
            tests.check(0.2 < float(attempt) / msd < 5, "%s: attempt says %s" % (what, attempt), run)
            tests.check(("e" in attempt) == (power < -6 or power > 25), "%s: the form of %s" % (what, attempt), run)


def test_told_is_of_rows_as_given(tests):
    random = np.random.default_rng(6)
    far = 1e6 + random.normal(size=(3000, 4)) * 0.5
    sets = {
        "uniform": random.random((3000, 6)),
        "far": far,
        "far, with a sentinel": np.where(random.random(far.shape) < 0.02, -9999, far),
        "one column far": np.hstack([random.normal(size=(3000, 3)), 1.7e9 + 1e5 * random.normal(size=(3000, 1))]),
        "zeros beside far ones": np.where(random.random(far.shape) < 0.5, far, 0),
    }
    for name, x in sets.items():
        for sparse in (False, True) if (x == 0).any() else (False,):
            x, folder = x.astype("f4"), tests.place()
            if sparse:
                frames = (oracle.frame(oracle.sparse_record(np.flatnonzero(r), r[r != 0], len(r))) for r in x)
                (folder / "rows").write_bytes(b"".join(frames))
            else:
                oracle.write_recordio(folder / "rows", x)
            run = tests.run("train", "--k", 7, "--test", folder / "rows", "--output", folder / "m", folder / "rows")
            if tests.check(run.code == 0, name, run):
                msd = exact_msd(x, oracle.read_model(folder / "m"))
                for pattern in DATA_MSD, DATA_MSD.replace("train data_msd", "test msd"):
                    tests.near(values(pattern, run)[0] / msd, 1, 1e-10, name + ": told", run)


def test_values_at_both_ends(tests):
    """A far value, early or late, is a cluster of its own: the others are as they would be without it."""
    base = rows_of(3000, 3, 5)
    best = oracle.best_of_lloyd(base, 5)[0]
    for value in -1e30, np.finfo("f4").max, -np.finfo("f4").max:
        for late in False, True:
            for sparse in False, True:
                what = "%g, %s, %s" % (value, "late" if late else "early", "sparse" if sparse else "dense")
                x, folder = base.copy(), tests.place()
                x[-3:] = value if late else x[-3:]
                x[::50] = x[::50] if late else value
                keys = np.arange(x.shape[1])
                record = (lambda row: oracle.sparse_record(keys, row, len(row))) if sparse else oracle.record
                (folder / "rows").write_bytes(b"".join(oracle.frame(record(row)) for row in x))
                run = tests.run("train", "--k", 6, "--mini-batch-size", 300, "--output", folder / "m", folder / "rows")
                if tests.check(run.code == 0, what, run):
                    c = oracle.read_model(folder / "m")
                    tests.check(np.isfinite(c).all() and (c == np.float32(value)).all(1).sum() == 1, "%s: %r" % (what, c), run)
                    msd = exact_msd(x, c)
                    tests.near(values(DATA_MSD, run)[0] / msd, 1, 1e-12, what + ": told", run)
                    tests.check(msd < 1.01 * best, "%s: msd %g" % (what, msd), run)
    for x in np.where(np.arange(1000)[:, None] % 2, np.finfo("f4").max, -np.finfo("f4").max), np.zeros((1000, 2)), np.full((1000, 2), -3e38):
        folder = tests.place()
        oracle.write_recordio(folder / "rows", x.astype("f4"))
        run = tests.run("train", "--k", 2, "--output", folder / "m", folder / "rows")
        tests.same((run.code, values(DATA_MSD, run)), (0, [0]), "rows of %g and %g" % (x[0, 0], x[1, 0]), run)


def test_few_rows(tests):
    base = ["--mini-batch-size", 20, "--output"]
    three = np.array([[0, 0], [10, 0], [0, 7]], "f4")
    for more in [], ["--refine-rows", 0], ["--init-method", "kmeans++"], ["--extra-center-factor", 1]:
        folder = tests.place()
        oracle.write_recordio(folder / "rows", np.repeat(three, 50, 0)[np.random.default_rng(0).permutation(150)])
        run = tests.run("train", "--k", 5, *more, *base, folder / "m", folder / "rows")
        if tests.check(run.code == 0, "3 distinct rows, k=5 %s" % more, run):
            c = oracle.read_model(folder / "m")
            tests.same(c.shape, (5, 2), "3 distinct rows: shape", run)
            tests.check(np.isfinite(c).all(), "3 distinct rows: finite", run)
            tests.check(oracle.msd(three, c) < 1e-9, "3 distinct rows: each has a center: %r" % c, run)
            why = "is not known" if "--refine-rows" in more else "the data has only 3 distinct rows, fewer than k"
            tests.check(re.search(r"WARNING.*only 3 of the 5 centers differ.*" + why, run.out), "a warning", run)
    folder = tests.place()
    late = np.concatenate([np.repeat(three, 10, 0), rows_of(500, 2)])
    oracle.write_recordio(folder / "rows", late)
    run = tests.run("train", "--k", 5, "--refine-rows", 0, "--extra-center-factor", 1, *base, folder / "m", folder / "rows")
    tests.check("fewer than k" not in run.out, "a start from few different rows says nothing of the data", run)
    seven = rows_of(7)
    for n in 1, 7:
        folder = tests.place()
        oracle.write_recordio(folder / "rows", seven[:n])
        run = tests.run("train", "--k", n, *base, folder / "m", folder / "rows")
        if tests.check(run.code == 0, "k = n = %d" % n, run):
            msd = oracle.msd(seven[:n], oracle.read_model(folder / "m"))
            tests.check(msd < 1e-9, "k = n = %d: each row has a center, msd %g" % (n, msd), run)
    same = np.full((30, 3), 2.5, "f4")
    folder = tests.place()
    oracle.write_recordio(folder / "rows", same)
    run = tests.run("train", "--k", 2, *base, folder / "m", folder / "rows")
    if tests.check(run.code == 0, "all rows equal", run):
        tests.check((oracle.read_model(folder / "m") == 2.5).all(), "all rows equal: model", run)


def test_standard_input(tests):
    """The same model from standard input as from the file, or from a FIFO of which all is said."""
    folder = tests.place()
    oracle.write_recordio(folder / "rows", X)
    tests.run("convert", folder / "rows", "--output", folder / "rows.csv")
    for name, content_type in ("rows", RECORDIO), ("rows.csv", "text/csv;label_size=0"):
        data = (folder / name).read_bytes()
        expected = tests.run("train", "--k", 4, "--output", folder / "file", folder / name)
        model = (folder / "file").read_bytes()
        for what, args, stdin, said in (
            ("a pipe", ["-"], data, "0 bytes"),
            ("a file", ["-"], open(folder / name, "rb"), "%d bytes" % len(data)),
            ("a pipe of which all is said", ["--content-type", content_type, "--feature-dim", X.shape[1], "-"], data, ""),
            ("a pipe by its name", ["/dev/stdin"], data, ""),
            ("a test channel", ["--test", "-", folder / name], data, "test msd <loss>="),
        ):
            what = "%s, standard input is %s" % (name, what)
            run = from_stdin(tests, stdin, "train", "--k", 4, "--output", folder / "m", *args)
            if tests.check(run.code == 0, what, run):
                tests.same((folder / "m").read_bytes(), model, what + ": model", run)
                told = values(DATA_MSD, expected)[0]  # of a pipe, of rows that have been moved to the origin
                tests.near(values(DATA_MSD, run)[0], told, 1e-8 if "pipe" in what else 0, what + ": data_msd", run)
                tests.check(said in run.out, "%s: says %r" % (what, said), run)
        os.mkfifo(folder / "fifo")
        writer = threading.Thread(target=(folder / "fifo").write_bytes, args=(data,))
        writer.start()
        run = tests.run("train", "--k", 4, "--output", folder / "m", folder / "fifo")
        writer.join()
        tests.check(run.code == 0 and (folder / "m").read_bytes() == model, name + ": a FIFO of which nothing is said", run)
        (folder / "fifo").unlink()
        tests.run("convert", folder / name, "--output", folder / "whole.pbr")
        from_stdin(tests, data, "convert", "-", "--output", folder / "piped.pbr")
        tests.same((folder / "piped.pbr").read_bytes(), (folder / "whole.pbr").read_bytes(), name + ": converted from a pipe")
    run = from_stdin(tests, data, "train", "--k", 4, "--epochs", 2, "--output", folder / "m", "-")
    tests.check(run.code == 2 and "can be read only once, but epochs is 2" in run.out, "two passes over a pipe", run)
    run = from_stdin(tests, b"1,2\n3,x\n", "train", "--k", 1, "--output", folder / "m", "-")
    tests.check(run.code == 2 and "/dev/stdin: line 2, column 2 at byte 6" in run.out, "a bad line of a pipe", run)


def from_stdin(tests, data, *args):
    if not isinstance(data, bytes):
        return tests.run(*args, stdin=data)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as cat:
        writer = threading.Thread(target=lambda: (cat.stdin.write(data), cat.stdin.close()))
        writer.start()
        run = tests.run(*args, stdin=cat.stdout)
        writer.join()
    return run


def test_log_reader_goes_away(tests):
    """A log that nobody reads any more must not end the training."""
    folder = tests.place()
    oracle.write_recordio(folder / "rows", X)
    process = subprocess.Popen(
        [str(tests.kmeans), "train", "--k", "4", "--output", str(folder / "m"), str(folder / "rows")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    error = process.stderr.read()
    tests.check(process.wait(240) == 0 and (folder / "m").exists(), "a closed log: %r" % error)
    process.stderr.close()


def main():
    tests = Tests(sys.argv[1])
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test(tests)
    tests.end()


if __name__ == "__main__":
    main()
