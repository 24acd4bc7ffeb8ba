# SPDX-License-Identifier: Apache-2.0
"""Every error that a user can run into: exit code, log lines, failure file, and no half model.

One line of a table is one way to get something wrong.
"""
import bz2
import gzip
import lzma
import os
import re
import resource
import struct
import subprocess
import sys

import numpy as np

import oracle
from harness import Job, Tests

RECORDIO = "application/x-recordio-protobuf"
CSV = "text/csv;label_size=0"
HYPERPARAMETERS = {"k": "2", "feature_dim": "3", "mini_batch_size": "10"}
PREFIX = {1: "Algorithm Error: ", 2: "Customer Error: ", 3: "Platform Error: "}
X = np.random.default_rng(0).normal(size=(20, 3)).astype("f4")
ROWS = b"".join(oracle.frame(oracle.record(row)) for row in X)
FRAME = len(ROWS) // len(X)
LINES = b"1,2,3\n" * 5


def refused(tests, what, run, code, parts, failure=None):
    """Exit code, ERROR lines and (where there is one) the failure file say the same."""
    tests.same(run.code, code, what + ": exit code", run)
    errors = [line.split("] ", 1)[1] for line in run.lines if " ERROR " in line]
    tests.check(errors and errors[0].startswith(PREFIX[code]), what + ": an ERROR line", run)
    for part in parts:
        tests.check(part in "\n".join(errors), "%s: the log does not say %r" % (what, part), run)
    tests.same(run.err, "", what + ": standard error", run)
    if failure is None:
        return
    if not tests.check(failure.exists(), what + ": the failure file", run):
        return
    text = failure.read_bytes().decode("utf-8")
    tests.check(text.startswith(PREFIX[code]), "%s: cause first: %r" % (what, text), run)
    tests.check(len(text) <= 1024, "%s: failure of %d characters" % (what, len(text)), run)
    for part in parts:
        tests.check(part in text, "%s: the failure file %r does not say %r" % (what, text, part))


def refused_job(tests, what, job, code, parts, kept=(), **others):
    run = job.train(**others)
    refused(tests, what, run, code, parts, job.failure)
    tests.same(job.leftovers(), sorted(["output/failure", *kept]), what + ": what is left", run)


def wrapped(tensor_field, number=2, name=b"values"):
    """A Record whose feature holds one field of a Value."""
    return oracle.field(1, oracle.field(1, name) + oracle.field(2, oracle.field(number, tensor_field)))


def sparse(keys, values, shape):
    tensor = oracle.field(1, np.asarray(values, "<f4").tobytes())
    tensor += oracle.field(2, b"".join(oracle.varint(k) for k in keys))
    return wrapped(tensor + oracle.field(3, b"".join(oracle.varint(s) for s in shape)))


def ending(payload):
    """Two good records, then this one: so it is number 3, at byte 2 * FRAME."""
    return ROWS[: 2 * FRAME] + oracle.frame(payload)


def row(*values, dtype="f4"):
    return ending(oracle.record(values, dtype))


THIRD = "record 3 at byte %d: " % (2 * FRAME)
MAGIC = struct.pack("<I", oracle.MAGIC)

# name, bytes of the second data file (the first is fine, where it says so), parts of the message
BAD_RECORDS = [
    ("cut in a payload", ROWS[:-9], ["record 20 at byte %d: the file is cut inside the record's payload" % (19 * FRAME), "copy or write the file again"]),
    ("cut in a header", ROWS[: FRAME + 5], ["record 2 at byte %d: the file is cut inside the record's header (5 of 8" % FRAME]),
    ("text", b"hello, world\n", ["rows: record 1 at byte 0: found 68 65 6c 6c, expected the RecordIO magic number", "set the channel's content type to text/csv"]),
    ("foreign bytes", b"\x01\x02\x03\x04" * 9, ["record 1 at byte 0: found 01 02 03 04", "check the channel's content type"]),
    ("damage between records", ROWS[: 2 * FRAME] + b"\0" + ROWS[2 * FRAME :], [THIRD + "found 00 0a 23 d7", "the file is damaged here or in the record before"]),
    ("gzip", gzip.compress(ROWS), ["rows: the file is gzip-compressed, expected RecordIO-protobuf; decompress it first"]),
    ("bzip2", bz2.compress(ROWS), ["bzip2-compressed"]),
    ("xz", lzma.compress(ROWS), ["xz-compressed"]),
    ("zstd", b"\x28\xb5\x2f\xfd" + bytes(20), ["zstd-compressed"]),
    ("zip", b"PK\x03\x04" + bytes(20), ["a zip archive"]),
    ("Parquet", b"PAR1" + bytes(20), ["a Parquet file, expected RecordIO-protobuf; convert it"]),
    ("numpy", b"\x93NUMPY\x01\x00" + bytes(20), ["a numpy file"]),
    ("tar", b"rows.csv".ljust(257, b"\0") + b"ustar\0" + bytes(249), ["rows: the file is a tar archive, expected RecordIO-protobuf; unpack it first"]),
    ("Arrow", b"ARROW1\0\0" + bytes(20), ["the file is an Arrow (Feather) file, expected RecordIO-protobuf"]),
    ("an error page", b"<!DOCTYPE html>\n<html><body>502", ["the file is an HTML page, expected RecordIO-protobuf; fetch the data again"]),
    ("protobuf without frames", b"".join(oracle.varint(len(r)) + r for r in map(oracle.record, X)), ["the file holds protobuf messages without RecordIO frames (length-delimited), expected RecordIO-protobuf; write it with a RecordIO-protobuf writer"]),
    ("one message", oracle.record(X[0]), ["the file holds a protobuf message without a RecordIO frame"]),
    ("a last part alone", ROWS[: 2 * FRAME] + MAGIC + struct.pack("<I", 3 << 29), [THIRD + "part of a split record (continuation flag 3) without its first one"]),
    ("a split record without its end", ROWS[: 2 * FRAME] + MAGIC + struct.pack("<I", 1 << 29 | 4) + bytes(4), ["record 3 at byte %d, its part at byte %d: the file ends inside a split record" % (2 * FRAME, 2 * FRAME + 12)]),
    ("a split record without a part", ROWS[: 2 * FRAME] + MAGIC + struct.pack("<I", 1 << 29) + ROWS[:FRAME], ["record 3 at byte %d, its part at byte %d: a frame with continuation flag 0 inside a split record" % (2 * FRAME, 2 * FRAME + 8)]),
    ("an impossible length", ROWS[: 2 * FRAME] + MAGIC + struct.pack("<I", 0x1FFFFFF0) + bytes(9), [THIRD + "a length of 536870896 bytes, expected at most"]),
    ("no protobuf", ending(b"\xff" * 24), [THIRD, "24 bytes that are no protobuf Record"]),
    ("an empty record", ending(b""), [THIRD + 'found no features at all, expected features["values"]']),
    ("another feature", ending(wrapped(oracle.field(1, bytes(12)), name=b"pixels")), [THIRD + 'found only "pixels"']),
    ("bytes", ending(wrapped(oracle.field(1, b"abc"), number=9)), [THIRD + 'features["values"] holds bytes']),
    ("no tensor", ending(oracle.field(1, oracle.field(1, b"values") + oracle.field(2, b""))), [THIRD + 'features["values"] is empty']),
    ("no value", ending(oracle.field(1, oracle.field(1, b"values"))), [THIRD + 'features["values"] holds 0 values']),
    ("too narrow", row(1, 2), [THIRD + "2 features, but the first row of ", "a-good-one has 3; give every row the same features"]),
    ("too wide", row(1, 2, 3, 4), [THIRD + "4 features, but the first row of "]),
    ("NaN", row(1, float("nan"), 3), [THIRD + "value 2 is NaN; expected a finite number: remove or replace it"]),
    ("infinity", row(1, 2, float("-inf")), [THIRD + "value 3 is infinite"]),
    ("huge", row(1e39, 2, 3, dtype="f8"), [THIRD + "value 1 is 1e+39, more than float32 can hold", "scale the data"]),
    ("float64 NaN", row(1, float("nan"), 3, dtype="f8"), [THIRD + "value 2 is NaN"]),
    ("beyond float32", row(1, 2, 1e300, dtype="f8"), [THIRD + "value 3 is 1e+300"]),
    ("a key too large", ending(sparse([0, 3], [1, 2], [3])), [THIRD + "key 3 of a sparse row, expected less than 3"]),
    ("a key twice", ending(sparse([1, 1], [1, 2], [3])), [THIRD + "key 1 twice"]),
    ("keys without values", ending(sparse([0, 1], [1], [3])), [THIRD + "a sparse tensor of 2 keys and 1 values"]),
    ("a sparse matrix", ending(sparse([0], [1], [1, 3])), [THIRD + "a sparse tensor of 2 dimensions"]),
    ("another shape", ending(sparse([0], [1], [4])), [THIRD + "4 features, but the first row of "]),
    ("sparse NaN", ending(sparse([2], [float("nan")], [3])), [THIRD + "value 3 is NaN"]),
]  # fmt: skip

BAD_LINES = [
    ("a header of another width", b"x,y\n" + LINES, ['rows: line 1 at byte 0: this looks like a header of 2 names ("x,y"), but']),
    ("a named column", b"x,y,z\n" + LINES + b"1,2,?\n", ['rows: line 7, column 3 (z) at byte 40: missing value: found "?"']),
    ("numbers of columns", b"0,1,2\n" + LINES, ['rows: line 1 at byte 0: found the numbers of the columns ("0,1,2")', "header=False, index=False", "header=present", "header=absent"]),
    ("an empty field", LINES + b"1,,3\n", ["line 6, column 2 at byte 32: missing value: found an empty field"]),
    ("a word", LINES + b"1,2,abc\n", ['line 6, column 3 at byte 34: found "abc", expected a number']),
    ("nan", LINES + b"1,nan,3\n", ['line 6, column 2 at byte 32: missing value: found "nan", expected a number']),
    ("-Inf", LINES + b"-Inf,2,3\n", ['line 6, column 1 at byte 30: found "-Inf", expected a finite number']),
    ("NULL", LINES + b"1,NULL,3\n", ['missing value: found "NULL", expected a number']),
    ("semicolons", LINES + b"1;2;3\n", ["line 6, column 1 at byte 30", "columns are separated by commas"]),
    ("too narrow", LINES + b"1,2\n", ["line 6 at byte 30: 2 columns, but other lines have 3; give every line the same columns"]),
    ("too wide", LINES + b"1,2,3,4\n", ["line 6 at byte 30: 4 columns, but other lines have 3; give every line the same columns"]),
    ("a comma at the end", LINES + b"1,2,3,\n", ["line 6 at byte 30: 4 columns"]),
    ("huge", LINES + b"1,1e39,3\n", ["line 6, column 2 at byte 32: found 1e39, more than float32"]),
    ("beyond float32", LINES + b"1,1e39,3\n", ["line 6, column 2 at byte 32: found 1e39, more than float32 can hold"]),
    ("an open quote", LINES + b'1,"2,3\n', ["a quote that is not closed on its line"]),
    ("a broken quote", LINES + b'1,"2"x,3\n', ["line 6, column 2"]),
    ("hexadecimal", LINES + b"1,0x10,3\n", ['found "0x10", expected a number']),
    ("a zero byte", LINES + b"1,2\0,3\n", ["line 6, column 2", "\\x00"]),
    ("no line ends", b"1" * 3000000, ["line 1 at byte 0: longer than"]),
    ("gzip", gzip.compress(LINES), ["the file is gzip-compressed, expected CSV"]),
    ("an error of the store", b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>', ["the file is an error message in XML in place of the data (code AccessDenied), expected CSV"]),
    ("JSON", b'{"features": [1, 2, 3]}\n', ["the file is JSON, expected CSV; convert it to RecordIO-protobuf or CSV"]),
    ("RecordIO", ROWS, ["the file is RecordIO, expected CSV; set the channel's content type to " + RECORDIO]),
    ("UTF-16", "1,2,3\n".encode("utf-16"), ["UTF-16 text"]),
    ("no row", b"\n\n \n", ["the train channel has 0 rows"]),
]  # fmt: skip


def test_data(tests):
    for name, content, parts in BAD_RECORDS + BAD_LINES:
        csv = (name, content, parts) in BAD_LINES
        job = Job(tests, HYPERPARAMETERS, {"train": {"ContentType": CSV if csv else RECORDIO}})
        job.data("a-good-one").write_bytes(LINES if csv else ROWS)
        if name in ("no row", "numbers of columns"):
            job.data("a-good-one").unlink()
        job.data("rows").write_bytes(content)
        refused_job(tests, "data, %s" % name, job, 2, parts)

    job = Job(tests, HYPERPARAMETERS, {"train": {"ContentType": "text/csv;label_size=1"}})
    job.data("rows").write_bytes(LINES)
    refused_job(tests, "label_size=1", job, 2, ["if the data has no label column", "label_size=0"])
    job = Job(tests, {**HYPERPARAMETERS, "k": "21"}, {"train": {}})
    job.data("rows").write_bytes(ROWS)
    refused_job(tests, "k above the rows", job, 2, ["k is 21 but the train channel has 20 rows", "lower k"])


def test_test_channel(tests):
    """Wrong from the first row: nothing is trained. Wrong further on: the model is there by then."""
    for name, content, parts, kept in (
        ("first row", oracle.frame(oracle.record([1, 2])), ["record 1 at byte 0: 2 features, but the train channel has 3; give both channels the same features"], []),
        ("third row", row(1, float("nan"), 3), [THIRD + "value 2 is NaN"], ["model/model_algo-1"]),
    ):
        job = Job(tests, HYPERPARAMETERS, {"train": {}, "test": {}})
        job.data("rows").write_bytes(ROWS)
        job.data("rows", "test").write_bytes(content)
        refused_job(tests, "test channel, " + name, job, 2, parts, kept)
    job = Job(tests, HYPERPARAMETERS, {"train": {}, "test": {}})
    job.data("rows").write_bytes(ROWS)
    refused_job(tests, "test channel without folder", job, 2, ["Unable to read data channel 'test'"])


# Hyperparameters that replace or join the good ones (None: left out), and what is said of them
BAD_HYPERPARAMETERS = [
    ({"k": None}, ["No value(s) were specified for 'k' which are required"]),
    ({"k": None, "feature_dim": None}, ["No value(s) were specified for 'k', 'feature_dim'"]),
    ({"k": "0"}, ["The value '0' is not valid for the 'k' hyperparameter", "expects an integer of 1 or more, in digits only"]),
    ({"k": "-1"}, ["The value '-1' is not valid"]),
    ({"k": "2.0"}, ["The value '2.0' is not valid"]),
    ({"k": ""}, ["The value '' is not valid"]),
    ({"k": "auto"}, ["The value 'auto' is not valid"]),
    ({"k": "99999999999999999999"}, ["of 1 or more, up to 2147483647"]),
    ({"k": [2]}, ["The value '[2]' is not valid"]),
    ({"mini_batch_size": "0"}, ["'mini_batch_size' hyperparameter"]),
    ({"epochs": "many"}, ["The value 'many' is not valid for the 'epochs'"]),
    ({"extra_center_factor": "x"}, ["'extra_center_factor'", "expects 'auto' or an integer of 1 or more"]),
    ({"half_life_time_size": "-5"}, ["'half_life_time_size'", "an integer of 0 or more"]),
    ({"init_method": "best"}, ["The value 'best' is not valid for the 'init_method'", "'random', 'kmeans++'"]),
    ({"local_lloyd_init_method": "++"}, ["'local_lloyd_init_method'"]),
    ({"local_lloyd_tol": "2"}, ["The value '2' is not valid for the 'local_lloyd_tol'"]),
    ({"local_lloyd_tol": "nan"}, ["The value 'nan'"]),
    ({"local_lloyd_max_iter": "0"}, ["'local_lloyd_max_iter'"]),
    ({"local_lloyd_max_iter": "1000001"}, ["'local_lloyd_max_iter'", "an integer from 1 to 1000000"]),
    ({"local_lloyd_num_trials": "0"}, ["'local_lloyd_num_trials'"]),
    ({"local_lloyd_num_trials": "10001"}, ["'local_lloyd_num_trials'", "'auto' or an integer from 1 to 10000"]),
    ({"force_dense": "yes"}, ["The value 'yes' is not valid for the 'force_dense'"]),
    ({"eval_metrics": '["mse"]'}, ["contains invalid value: ['mse']. The supported values are: ['msd', 'ssd']"]),
    ({"eval_metrics": "["}, ["must be valid json, but found eval_metrics: ["]),
    ({"eval_metrics": "[]"}, ["must be valid json", "at least one metric"]),
    ({"seed": "-1"}, ["'seed'"]),
    ({"refine_rows": "1e3"}, ["'refine_rows'"]),
    ({"refine_passes": "-1"}, ["'refine_passes'", "'auto' or an integer from 0 to 1000000"]),
    ({"epoch": "2"}, ["Additional hyperparameters are not allowed ('epoch' was unexpected; did you mean 'epochs'?)"]),
    ({"minibatch_size": "2"}, ["did you mean 'mini_batch_size'?"]),
    ({"tol": "0.1"}, ["did you mean 'local_lloyd_tol'?"]),
    ({"learning_rate": "2"}, ["('learning_rate' was unexpected)"]),
    ({"k": "300000000", "extra_center_factor": "10"}, ["300000000 * 10 = 3000000000 centers"]),
    ({"k": "2000000", "feature_dim": "2000000"}, ["GiB, at most 1024 are possible"]),
]  # fmt: skip


def test_hyperparameters(tests):
    for changes, parts in BAD_HYPERPARAMETERS:
        merged = {**HYPERPARAMETERS, **changes}
        job = Job(tests, {n: v for n, v in merged.items() if v is not None}, {"train": {}})
        job.data("rows").write_bytes(ROWS)
        refused_job(tests, "hyperparameters %s" % changes, job, 2, parts)


def test_all_problems_together(tests):
    bad = {"k": "0", "epoch": "2", "init_method": "best"}
    job = Job(tests, bad, {"train": {"ContentType": "image/png"}, "validation": {}}, {"hosts": ["a", "b"]})
    parts = [
        "The value '0' is not valid for the 'k'",
        "No value(s) were specified for 'feature_dim'",
        "did you mean 'epochs'?",
        "The value 'best'",
        "No iterator has been registered for ContentType ('image/png', '1.0')",
        "Additional channels are not allowed ('validation' was unexpected)",
        "current_host '' is not one of the 2 hosts",
        "Unable to read data channel 'train': no data in",
    ]
    run = job.train()
    log = "\n".join(line for line in run.lines if " ERROR " in line)
    tests.same(run.code, 2, "all together: exit code", run)
    tests.same(len([line for line in run.lines if " ERROR " in line]), len(parts), "all together: a line each", run)
    for part in parts:
        tests.check(part in log, "all together: the log does not say %r" % part, run)
    text = job.failure.read_text("utf-8")
    tests.check(len(text) <= 1024, "all together: %d characters" % len(text))
    told = sum(part in text for part in parts)
    rest = len(parts) - told
    good = not rest or text.endswith("\n... and %d more problem(s)" % rest)
    tests.check(told >= 3 and good, "all together: %r" % text)

    # more than fits, in characters of several bytes: cut between characters
    names = {"\u00e4\u4e16\U0001f600" * 20 + str(i): "x" for i in range(60)}
    job = Job(tests, {**HYPERPARAMETERS, **names}, {"train": {}})
    job.data("rows").write_bytes(ROWS)
    run = job.train()
    text = job.failure.read_bytes().decode("utf-8")
    tests.check(run.code == 2 and 500 < len(text) <= 1024, "long names: %d characters" % len(text), run)
    job = Job(tests, {**HYPERPARAMETERS, "k": "\u4e16" * 5000}, {"train": {}})
    job.data("rows").write_bytes(ROWS)
    refused_job(tests, "a long value", job, 2, ["The value '\u4e16\u4e16", "...' is not valid", "'k' hyperparameter"])


def test_configuration(tests):
    nothing = "input/data/train"
    cases = [
        # hyperparameters, channels, resources, data?, parts
        (None, {"train": {}}, None, True, ["hyperparameters.json: the file with the hyperparameters is missing"]),
        ('{"k": "2",', {"train": {}}, None, True, ["hyperparameters.json: line 1, column", "not valid JSON"]),
        ("[1]", {"train": {}}, None, True, ["found a JSON list, expected an object"]),
        ('{"k": "2", "k": "3"}', {"train": {}}, None, True, ["not valid JSON"]),
        (b'{"k": "\xff"}', {"train": {}}, None, True, ["not valid JSON"]),
        ("", {"train": {}}, None, True, ["not valid JSON"]),
        (HYPERPARAMETERS, "{", None, True, ["inputdataconfig.json: line 1, column"]),
        (HYPERPARAMETERS, {"train": {}}, "nonsense", True, ["resourceconfig.json: line 1, column"]),
        (HYPERPARAMETERS, {"train": {}}, {"current_host": 7}, True, ["current_host is not the name of a host"]),
        (HYPERPARAMETERS, {"train": {}}, {"hosts": "algo-1"}, True, ["hosts is not a list of names"]),
        (HYPERPARAMETERS, {"train": {}}, {"hosts": ["algo-1", "algo-2"]}, True, ["current_host '' is not one of the 2 hosts"]),
        (HYPERPARAMETERS, {"test": {}}, None, True, ["The required channel 'train' is missing: the request has 'test'"]),
        (HYPERPARAMETERS, {"train": {}, "validation": {}}, None, True, ["Additional channels are not allowed ('validation' was unexpected)"]),
        (HYPERPARAMETERS, {"train": 3}, None, True, ["channel 'train' is not an object"]),
        (HYPERPARAMETERS, {"train": {"ContentType": 3}}, None, True, ["ContentType of channel 'train' is not a string"]),
        (HYPERPARAMETERS, {"train": {"ContentType": "application/json"}}, None, True, ["No iterator has been registered for ContentType ('application/json', '1.0')", "text/csv;label_size=N"]),
        (HYPERPARAMETERS, {"train": {"ContentType": "text/csv;label_size=x"}}, None, True, ["The value 'x' is not valid for label_size"]),
        (HYPERPARAMETERS, {"train": {"ContentType": 'text/csv;charset="utf'}}, None, True, ["has a quote (\") that does not end"]),
        (HYPERPARAMETERS, {"train": {"TrainingInputMode": "Pipe"}}, None, True, ["TrainingInputMode 'Pipe' of channel 'train' is not supported"]),
        (HYPERPARAMETERS, {"train": {"RecordWrapperType": "RecordIO"}}, None, True, ["RecordWrapperType 'RecordIO'"]),
        (HYPERPARAMETERS, {"train": {"CompressionType": "Gzip"}}, None, True, ["CompressionType 'Gzip'"]),
        (HYPERPARAMETERS, {"train": {}}, None, False, ["Unable to read data channel 'train': no data in", nothing, "(it is empty)"]),
        (HYPERPARAMETERS, {}, None, False, ["Unable to read data channel 'train': no data in"]),
    ]  # fmt: skip
    for hyperparameters, channels, resources, with_data, parts in cases:
        job = Job(tests, hyperparameters, channels, resources)
        if with_data:
            job.data("rows").write_bytes(ROWS)
        refused_job(tests, "configuration, %s" % parts[0], job, 2, parts)

    job = Job(tests, HYPERPARAMETERS, {"train": {}})
    job.data("_SUCCESS").write_bytes(b"x")
    job.data("empty").write_bytes(b"")
    refused_job(tests, "only what is no data", job, 2, ["no data in", "skipped: ", "'empty' (0 bytes)"])
    for channels in {"train": {}}, {}, None:
        job = Job(tests, HYPERPARAMETERS, channels)
        (job.root / "input/data/train").rmdir()
        refused_job(tests, "no folder %s" % channels, job, 2, ["'train'", "input/data/train is missing"])
    job = Job(tests, HYPERPARAMETERS, {"train": {}})
    job.data("a/rows").write_bytes(ROWS)
    (job.root / "input/data/train/a/loop").symlink_to("..")
    refused_job(tests, "a loop of links", job, 2, ["leads back to a folder that contains it"])
    job = Job(tests, HYPERPARAMETERS, {"train": {}})
    job.data("broken").symlink_to("nowhere")
    refused_job(tests, "a broken link", job, 2, ["train/broken is a link to nowhere, which does not exist; remove it or"])


def test_environment(tests):
    for env, args, part in (
        ({"KM_ISA": "nonsense"}, [], "KM_ISA names 'nonsense'; the kernels that this CPU can run are: "),
        ({"KM_THREADS": "0"}, [], "KM_THREADS is '0'; expected a number of threads from 1 to 1024"),
        ({"KM_THREADS": "2x"}, [], "KM_THREADS is '2x'"),
        ({"KM_THREADS": "1025"}, [], "KM_THREADS is '1025'"),
        ({"OMP_NUM_THREADS": "many"}, [], "OMP_NUM_THREADS is 'many'"),
        ({}, ["--threads", "-1"], "--threads is '-1'"),
    ):
        job = Job(tests, HYPERPARAMETERS, {"train": {}})
        job.data("rows").write_bytes(ROWS)
        run = job.train(*args, env=env)
        refused(tests, "%s %s" % (env, args), run, 2, [part], job.failure)


def test_memory_refusal(tests):
    job = Job(tests, {**HYPERPARAMETERS, "k": "30000000", "extra_center_factor": "2", "local_lloyd_num_trials": "10000"}, {"train": {}})
    job.data("rows").write_bytes(ROWS)
    parts = ["for 10000 trials", "the largest part goes with k or local_lloyd_num_trials"]
    refused_job(tests, "memory refusal of trials", job, 2, parts)
    job = Job(tests, {**HYPERPARAMETERS, "refine_rows": "2147483647"}, {"train": {}})
    job.data("rows").write_bytes(ROWS)
    run = job.train()
    tests.same(run.code, 0, "refine_rows far above the data", run)

    job = Job(tests, {"k": "30000000", "feature_dim": "3", "extra_center_factor": "60"}, {"train": {}})
    job.data("rows").write_bytes(ROWS)
    parts = ["Out of Memory. Please use a larger instance type", "1800000000 centers of 3 features", "MB are free"]
    refused_job(tests, "memory refusal", job, 2, parts)


def limited(megabytes):
    """For the child: so much address space, and two CPUs, as libraries start a thread for each."""

    def limit():
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    return limit


def loads(tests, megabytes):
    try:
        return tests.run("--version", preexec_fn=limited(megabytes), timeout=2).code == 0
    except subprocess.TimeoutExpired:
        return False


def test_no_memory_on_the_way(tests):
    """Address space is cut shorter and shorter: a text and an exit code, whatever fails first."""
    if tests.sanitized:
        print("skipped: test_no_memory_on_the_way, the sanitizer's own memory does not fit any limit")
        return
    folder = tests.place()
    (folder / "rows").write_bytes(ROWS)
    args = ["train", "--k", 2, "--threads", 3, "--output", folder / "m", folder / "rows"]
    # Below this the libraries themselves cannot be loaded.
    least = next(m for m in range(32, 4096, 16) if loads(tests, m))
    codes = {}
    for megabytes in range(least + 6, least + 300, 6):
        what = "%d MB of address space" % megabytes
        try:
            run = tests.run(*args, preexec_fn=limited(megabytes))
        except subprocess.TimeoutExpired:
            tests.check(False, what + ": does not end")
            continue
        codes[megabytes] = run.code
        if run.code == 0:
            (folder / "m").unlink()
            continue
        tests.check(not (folder / "m").exists(), what + ": no model", run)
        refused(tests, what, run, 3 if run.code == 3 else 2, [])
    print("  exit codes by MB of address space: %s" % codes)
    tests.check(set(codes.values()) >= {0, 2}, "memory fails and suffices: %r" % codes)


def test_places_to_write(tests):
    folder = tests.place()
    (folder / "rows").write_bytes(ROWS)
    (folder / "a-folder").mkdir()
    base = ["train", "--k", 2, "--mini-batch-size", 10]
    for output, code, part in (
        ("/dev/full", 3, "/dev/full: cannot be written: No space left on device"),
        (folder / "none/m", 3, "none/m: cannot be created: No such file or directory"),
        (folder / "none/m.tar.gz", 3, "none/m.tar.gz: cannot be created: No such file or directory"),
        (folder / "rows/m", 3, "cannot be"),
        (folder / "a-folder", 2, "a-folder: is a folder, expected the name of a file to write"),
        ("", 2, "no file name"),
        ("x" * 5000, 2, "no file name of 1 to"),
    ):
        run = tests.run(*base, "--output", output, folder / "rows", cwd=folder)
        refused(tests, "--output %s" % str(output)[-40:], run, code, [part])
    tests.same(sorted(p.name for p in folder.iterdir()), ["a-folder", "rows"], "nothing is left")

    with open("/dev/full", "wb") as full:
        process = subprocess.run(
            [str(a) for a in [tests.kmeans, *base, "--output", folder / "m", folder / "rows"]], stdout=full
        )
    tests.same(process.returncode, 0, "a log that cannot be written does not stop the training")

    job = Job(tests, HYPERPARAMETERS, {"train": {}})
    job.data("rows").write_bytes(ROWS)
    (job.root / "model").rmdir()
    (job.root / "model").write_text("a file")
    refused(tests, "model is a file", job.train(), 3, ["model: cannot write the model into this folder"], job.failure)
    job = Job(tests, HYPERPARAMETERS, {"train": {}})
    job.data("rows").write_bytes(ROWS)
    job.model.mkdir()
    run = job.train()
    refused(tests, "the model is a folder", run, 2, ["model_algo-1: is a folder"], job.failure)

    job = Job(tests, HYPERPARAMETERS, {"train": {}})
    job.data("rows").write_bytes(ROWS)
    job.failure.mkdir()
    run = job.train()
    refused(tests, "an old failure that stays", run, 3, ["output/failure: cannot remove what an earlier run left"])
    tests.check(not job.model.exists(), "an old failure that stays: nothing is trained", run)

    def short_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))

    run = tests.run(*base, "--output", folder / "m", folder / "rows", preexec_fn=short_files)
    refused(tests, "a file size limit", run, 3, ["File too large"])

    # the failure text has no place: the exit code still tells
    job = Job(tests, {"k": "0"}, {"train": {}})
    (job.root / "output").rmdir()
    (job.root / "output").write_text("a file")
    run = job.train()
    refused(tests, "no place for the failure", run, 2, ["The value '0'"])
    tests.check("WARNING" in run.out and "could not be written" in run.out, "a warning about it", run)

    run = tests.run("train", "--root", folder / "nowhere")
    refused(tests, "no root", run, 2, ["nowhere: cannot be opened (No such file or directory), expected the folder with"])
    run = tests.run("train", "--root", "x/" * 3000)
    tests.check(run.code == 2 and " ERROR " in run.out, "a root of 6,000 characters", run)


def test_permissions(tests):
    """As an ordinary user, whom the modes of files stop; root becomes nobody for it."""
    user = {}
    if os.geteuid() == 0:
        user = {"user": 65534, "group": 65534, "extra_groups": []}
        os.chmod(tests.folder, 0o755)
        try:
            tests.run("--version", **user)
        except PermissionError:
            print("  permissions are not tested: the build folder is root's alone")
            return
    jobs = [Job(tests, HYPERPARAMETERS, {"train": {}}) for _ in range(4)]
    for job in jobs:
        job.data("rows").write_bytes(ROWS)
        for name in "model", "output":
            (job.root / name).chmod(0o777)
    read_only, secret, locked, fine = jobs
    tests.same(fine.train(**user).code, 0, "an ordinary user trains")

    (read_only.root / "model").chmod(0o555)
    parts = ["model: cannot write the model into this folder: Permission denied"]
    refused_job(tests, "a read-only model folder", read_only, 3, parts, **user)
    secret.data("rows").chmod(0)
    refused_job(tests, "a file that may not be read", secret, 3, ["rows: cannot be opened: Permission denied"], **user)
    (locked.root / "input/data/train").chmod(0)
    run = locked.train(**user)
    refused(tests, "a folder that may not be read", run, 3, ["Permission denied"], locked.failure)
    (locked.root / "input/data/train").chmod(0o755)
    run = tests.run("train", "--k", 2, "--output", read_only.root / "model/m", fine.data("rows"), **user)
    refused(tests, "--output into a read-only folder", run, 3, ["model/m: cannot be created: Permission denied"])


def test_full_disk(tests):
    """A model folder with room for a file's name but not for its bytes: a tmpfs, where we may mount."""
    job = Job(tests, {**HYPERPARAMETERS, "k": "20"}, {"train": {}})
    job.data("rows").write_bytes(ROWS)
    model = job.root / "model"
    script = 'mount -t tmpfs -o size=16k none "$1" && dd if=/dev/zero of="$1/fill" 2>/dev/null; shift; [ -f "$0/fill" ] || exit 99; "$@"; rc=$?; ls -A "$0" >&2; exit $rc'
    process = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, model, model, tests.kmeans, "train", "--root", job.root],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = process.stdout.decode(), process.stderr.decode()
    if process.returncode in (1, 99, 127) and " ERROR " not in out:
        print("  a full disk is not tested: mounting is not allowed")
        return
    tests.same(process.returncode, 3, "full disk: exit code %s" % out)
    tests.check("Platform Error: " in out and "No space left on device" in out, "full disk: " + out)
    tests.check("No space left on device" in job.failure.read_text(), "full disk: the failure file")
    tests.same(err.split(), ["fill"], "full disk: no half model")


def test_command_line(tests):
    folder = tests.place()
    (folder / "rows").write_bytes(ROWS)
    (folder / "rows.csv").write_bytes(LINES)
    (folder / "pairs").write_bytes(oracle.frame(oracle.record((1, 2))))
    (folder / "blank").write_bytes(b"\n\n")
    usage = [
        (["--kay", "3"], "unknown option --kay"),
        (["--mini_batch_sise", "3"], "unknown option --mini_batch_sise; did you mean --mini_batch_size?"),
        (["--epoch-s=3"], "did you mean --epochs?"),
        (["--local", "3"], "unknown option --local"),  # the beginning of several
        (["--e", "3"], "unknown option --e"),
        (["-k", "3"], "unknown option -k: options are words"),
        (["--k", "3", "-xyz"], "unknown option -x"),
        (["--help=3"], "--help takes no value"),
        (["--k"], "--k needs a value"),
        (["--k", "2", "--output"], "--output needs a value"),
        (["--k", "2", "rows"], "where should the model go? --output FILE is missing (rows)"),
        (["--root", ".", "--output", "m", "rows"], "files and --root together"),
        (["--root", ".", "--test", "rows"], "go with data files, not with a layout"),
        (["--root", ".", "--content-type", "text/csv"], "go with data files, not with a layout"),
        (["--output", "m", *["--test", "rows"] * 65, "rows"], "too many --test options"),
        (["--k", "2", "--output", "m", "-", "-"], "standard input (-) is named more than once"),
        (["--k", "2", "--output", "m", "--test", "-", "/dev/stdin"], "standard input (-) is named more than once"),
        *[(["--k", "2", "--output", "m" + suffix, "rows"], "--output m%s: the name says " % suffix)
          for suffix in (".npy", ".csv", ".json", ".tar", ".zip", ".pkl", ".onnx", ".gz", ".pbr", ".TXT")],
    ]
    for args, part in usage:
        run = tests.run("train", *args, cwd=folder)
        what = "kmeans train " + " ".join(args)[:60]
        tests.same(run.code, 2, what + ": exit code", run)
        tests.check("kmeans train: " in run.err and part in run.err, "%s: says %r" % (what, part), run)
        tests.check("See `kmeans train --help`." in run.err and run.out == "", what + ": where to look", run)
    requests = [
        (["--output", "m", "rows"], 2, "No value(s) were specified for 'k'"),
        (["--k", "0", "--output", "m", "rows"], 2, "The value '0' is not valid for the 'k'"),
        (["--k", "2", "--k", "x", "--output", "m", "rows"], 2, "The value 'x'"),
        (["--k", "2", "--output", "m", "nowhere"], 2, "nowhere: no such file or folder"),
        (["--k", "2", "--output", "m", "--test", "nowhere", "rows"], 2, "'test': nowhere: no such file or folder"),
        (["--k", "2", "--output", "m", "--feature-dim", "4", "rows"], 2, "3 features, expected 4"),
        (["--k", "2", "--output", "m", "--test", "pairs", "rows"], 2, "2 features, but the train channel has 3; give both channels"),
        (["--k", "2", "--output", "m", "rows", "pairs"], 2, "2 features, but the first row of rows has 3; give"),
        (["--k", "2", "--output", "m", "--content-type", "x", "rows"], 2, "No iterator has been registered for ContentType ('x'"),
        (["--k", "2", "--output", "m", "rows.csv", "rows"], 2, "the file is RecordIO, expected CSV"),
        (["--k", "2", "--output", "m", "--test", "rows.csv", "rows"], 2, "this looks like text"),
        (["--k", "2", "--output", "m", "/dev/null"], 2, "the train channel has 0 rows (1 file(s), the first is /dev/null)"),
        (["--k", "2", "--output", "m", "--content-type", "text/csv", "-"], 2, "0 rows (1 file(s), the first is /dev/stdin)"),
        (["--k", "2", "--output", "m", "--content-type", "text/csv", "--feature-dim", "3", "--epochs", "2", "/dev/null"], 2, "set epochs to 1"),
        (["--k", "2", "--output", "m", "--content-type", "text/csv", "blank"], 2, "the train channel has 0 rows (1 file(s), the first is blank)"),
        (["--k", "2", "--output", "rows", "rows"], 2, "--output rows is a file of the data (rows)"),
        (["--k", "21", "--output", "m", "rows"], 2, "k is 21 but the train channel has 20 rows"),
        (["--k", "2", "--epochs", "2", "--output", "/dev/full", "rows"], 3, "No space left on device"),
    ]  # fmt: skip
    for args, code, part in requests:
        run = tests.run("train", *args, cwd=folder)
        refused(tests, "kmeans train " + " ".join(args), run, code, [part])
    run = tests.run("train", "--k", "2", "--output", "m", "sparse", cwd=folder)
    (folder / "sparse").write_bytes(oracle.frame(sparse([0], [1], [])))
    run = tests.run("train", "--k", "2", "--output", "m", "sparse", cwd=folder)
    refused(tests, "sparse rows without a shape", run, 2, ["a sparse row without shape", "set feature_dim"])
    tests.same(sorted(p.name for p in folder.iterdir()), ["blank", "pairs", "rows", "rows.csv", "sparse"], "nothing is left")


def test_copies(tests):
    """Tasks of a launcher that do not know of each other must not write one model."""
    folder = tests.place()
    (folder / "rows").write_bytes(ROWS)
    train = ["train", "--k", "2", "--output", "m", "rows"]
    for name, value in ("SLURM_STEP_NUM_TASKS", "4"), ("PMI_SIZE", "2"), ("PMIX_RANK", "1"):
        run = tests.run(*train, cwd=folder, env={name: value})
        refused(tests, "%s=%s" % (name, value), run, 2, ["(%s is %s)" % (name, value), "mpirun -n N kmeans train"])
        tests.check(not (folder / "m").exists(), "%s=%s: there is a model" % (name, value))
        job = Job(tests, HYPERPARAMETERS, {"train": {}})
        job.data("rows").write_bytes(ROWS)
        run = job.train(env={name: value})
        tests.same(run.code, 2, "a job with %s=%s" % (name, value), run)
        tests.check(name in job.failure.read_text(), "the failure file names " + name, run)
    for env in {"SLURM_STEP_NUM_TASKS": "1", "SLURM_NTASKS": "4"}, {"PMIX_RANK": "0"}, {"PMI_SIZE": "1"}:
        run = tests.run(*train, cwd=folder, env=env)
        tests.same(run.code, 0, "one task: %s" % env, run)


def test_every_truncation(tests):
    """A file that ends early is the same rows, or an error: never other rows, never a crash."""
    folder = tests.place()
    step = 7 if tests.sanitized else 1
    args = ["train", "--k", 1, "--feature-dim", 3, "--output", folder / "m"]
    for content_type, content in (RECORDIO, ROWS[: 3 * FRAME]), (CSV, b'1,2,3\r\n4,"5",6\n7.5,8,9'):
        for length in range(1, len(content), step):
            (folder / "rows").write_bytes(content[:length])
            run = tests.run(*args, "--content-type", content_type, folder / "rows")
            found = [int(line.split()[-2]) for line in run.lines if "processed a total of" in line]
            if content_type == RECORDIO:
                rows = length // FRAME if length % FRAME == 0 else None
            else:  # whole lines; "7" is one column, and "7.5,8," ends in an empty one
                lines = content[:length].decode().splitlines()
                rows = len(lines) if re.fullmatch(r'[\d.]+,"?\d"?,\d', lines[-1]) else None
            what = "%s cut at byte %d" % (content_type, length)
            tests.same(run.code, 2 if rows is None else 0, what, run)
            tests.same(found, [] if rows is None else [rows], what + ": rows", run)


def main():
    tests = Tests(sys.argv[1])
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test(tests)
    tests.end()


if __name__ == "__main__":
    main()
