#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kmeans convert and the verbs, as a user runs them. Expected bytes come from a writer of its own, in
# Python from the published layout. Argument: the build folder.
set -euo pipefail

build=$(cd "${1:?usage: run_convert.sh BUILD_FOLDER}" && pwd)
kmeans=$build/kmeans
if ! command -v python3 >/dev/null; then
    echo "skipped: there is no python3"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
checks=0

fail() {
    echo "FAILED: $*"
    exit 1
}

# convert ARGUMENT...: must work; its summary is left in summary.txt.
convert() {
    "$kmeans" convert "$@" 2>summary.txt || fail "kmeans convert $*: $(cat summary.txt)"
}

# same FILE FILE: what was made, what was expected.
same() {
    cmp "$1" "$2" || fail "$1 is not as expected"
    checks=$((checks + 1))
}

# refused CODE PART ARGUMENT...: exit code, a part of the message, and nothing written.
refused() {
    local code=$1 part=$2 rc=0
    shift 2
    rm -rf out
    mkdir out
    "$kmeans" "$@" >stdout.txt 2>stderr.txt </dev/null || rc=$?
    [ "$rc" -eq "$code" ] || fail "kmeans $*: exit code $rc, expected $code: $(cat stderr.txt)"
    grep -qF -- "$part" stderr.txt || fail "kmeans $*: \"$part\" is not in: $(cat stderr.txt)"
    [ -z "$(ls -A out)" ] || fail "kmeans $*: left $(ls -A out) behind"
    checks=$((checks + 1))
}

python3 - <<'PYTHON'
import gzip, struct

def varint(n):
    out = b''
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])

def field(number, payload):  # length-delimited
    return varint(number << 3 | 2) + varint(len(payload)) + payload

def frame(row):
    tensor = field(1, struct.pack('<%df' % len(row), *row))
    record = field(1, field(1, b'values') + field(2, field(2, tensor)))
    return struct.pack('<II', 0xced7230a, len(record)) + record + b'\0' * (-len(record) % 4)

def recordio(name, rows):
    open(name, 'wb').write(b''.join(map(frame, rows)))

def csv(name, rows):
    open(name, 'w').write(''.join(','.join('%g' % v for v in r) + '\n' for r in rows))

rows = [[(7 * i + 3 * t) % 256 for t in range(6)] for i in range(10)]
idx = struct.pack('>IIII', 0x803, 10, 2, 3) + bytes(v for r in rows for v in r)
open('images', 'wb').write(idx)
gzip.open('images.gz', 'wb').write(idx)
open('cut', 'wb').write(idx[:-1])
gzip.open('labels.gz', 'wb').write(struct.pack('>II', 0x801, 3) + b'\1\2\3')
open('none', 'wb').write(struct.pack('>IIII', 0x803, 0, 2, 3))
gzip.open('text.csv.gz', 'wb').write(b'1,2\n')
recordio('all.want', rows)
recordio('scaled.want', [[v / 256 for v in r] for r in rows])

def split(payload):  # as MXNet writes a record: cut where the magic number stands at a multiple of 4
    magic = struct.pack('<I', 0xced7230a)
    cuts = [i for i in range(0, len(payload) - 3, 4) if payload[i:i + 4] == magic]
    parts = [payload[a:b] for a, b in zip([0] + [c + 4 for c in cuts], cuts + [len(payload)])]
    flags = [1] + [2] * (len(parts) - 2) + [3] if cuts else [0]
    return b''.join(struct.pack('<II', 0xced7230a, f << 29 | len(p)) + p + b'\0' * (-len(p) % 4)
                    for f, p in zip(flags, parts))

magic = struct.unpack('<f', struct.pack('<I', 0xced7230a))[0]
magics = [[magic if (i + 1) >> t & 1 else t for t in range(6)] for i in range(63)]
payloads = [frame(r)[8:][:struct.unpack('<I', frame(r)[4:8])[0]] for r in magics]
open('split', 'wb').write(b''.join(map(split, payloads)))
recordio('split.want', magics)
more = field(1, field(1, b'more') + field(2, field(2, field(1, bytes(8)))))
payloads = [p + more for p in (frame(r)[8:][:struct.unpack('<I', frame(r)[4:8])[0]] for r in rows)]
open('more', 'wb').write(b''.join(struct.pack('<II', 0xced7230a, len(p)) + p + b'\0' * (-len(p) % 4) for p in payloads))
open('delimited', 'wb').write(b''.join(varint(len(p)) + p for p in payloads))
open('rows.xlsx', 'wb').write(b'PK\3\4' + bytes(40))
open('rows.tar.gz', 'wb').write(gzip.compress(b'rows'))
open('page.csv', 'w').write('<html>\n')
recordio('middle.want', (rows + rows)[8:13])
csv('all.csv.want', rows)
csv('tail.csv.want', rows[7:])
for s in range(3):
    recordio('shard_%d.want' % s, rows[s::3])
for s in range(11):
    csv('many_%02d.want' % s, (rows + rows)[s::11])
open('labelled.csv', 'w').write(''.join('cat,%d,' % i + ','.join(map(str, r)) + '\r\n' for i, r in enumerate(rows)))
open('wide.csv', 'w').write('1,2,3,4,5,6,7\n')
open('bad.csv', 'w').write('1,5,3\n4,x,6\n')
open('big.csv', 'w').write('1,5,3\n4,1e18,6\n')
open('damaged', 'wb').write(frame([1.0, 2.0])[:-3])
# Shortest decimals that read back: one digit, six, seven, eight, nine; edges of float32.
numbers = '0,-0,1,-5,0.1,0.3,1e-45,9.000001e+17,123456.79,16777216,0.99609375,1e+18,999999,1e+06,3.1415927,1.0000001,0.010000001,1000.00006'
open('numbers.csv', 'w').write(numbers + '\n')
PYTHON

# Input formats, detected and named.
for input in images images.gz; do
    convert "$input" --output a.recordio
    same a.recordio all.want
done
grep -q '^10 rows x 6 columns, 480 bytes of recordio in 1 file' summary.txt || fail "$(cat summary.txt)"
convert --from idx images.gz -o b.csv
same b.csv all.csv.want
convert b.csv -o c.recordio
same c.recordio all.want
convert --from csv b.csv -o c.recordio
same c.recordio all.want
convert a.recordio --to csv -o d.txt
same d.txt all.csv.want
convert --from recordio a.recordio -o e.csv
same e.csv all.csv.want
convert --label-size 2 labelled.csv -o f.recordio
same f.recordio all.want
grep -q ', 2 leading columns of CSV inputs dropped' summary.txt || fail "$(cat summary.txt)"

tr , ';' <b.csv >semicolons.txt
convert --separator ';' semicolons.txt -o f.recordio
same f.recordio all.want
sed 's/,/,0\t/g; s/$/,0/' b.csv >tabs.txt
convert --separator tab --decimal comma tabs.txt -o f.recordio
same f.recordio all.want
{ echo 'a,b,c,d,e,"the f"'; cat b.csv; } >named.csv
convert named.csv -o f.recordio
same f.recordio all.want
grep -q '^the first line of named.csv is a header and is skipped: a, b, c, d, e, the f' summary.txt || fail "$(cat summary.txt)"
{ echo 0,1,2,3,4,5; cat b.csv; } >numbered.csv
convert --header present numbered.csv -o f.recordio
same f.recordio all.want
refused 2 "found the numbers of the columns" convert numbered.csv -o out/x
refused 2 "kmeans convert --separator ';' FILE" convert semicolons.txt -o out/x
sed 's/,/\x01/g' b.csv >ctrl-a.txt
for separator in ctrl-a '\x01' $'\x01'; do
    convert --separator "$separator" ctrl-a.txt -o f.recordio
    same f.recordio all.want
done
echo a,b,c,d,e,f >names.csv
refused 2 "convert --separator ctrl-a FILE" convert ctrl-a.txt -o out/x
refused 2 "are for CSV, but no input is CSV (the first is f.recordio)" convert f.recordio --header present -o out/x
refused 2 "are for CSV, but no input is CSV" convert images --separator ';' -o out/x
refused 2 'rows; line 1 of names.csv ("a,b,c,d,e,f") was taken for a header' convert names.csv -o out/x
convert images --header present named.csv -o f.recordio
convert b.csv named.csv -o f.recordio
grep -q '^warning: named.csv: line 1 .*but the first file has no header' summary.txt || fail "$(cat summary.txt)"
{ echo a title; cat b.csv; } >title.csv
convert --header present title.csv -o f.recordio
same f.recordio all.want
grep -q '^the first line of each file is skipped, as --header present says' summary.txt || fail "$(cat summary.txt)"
refused 2 "expected present, absent or auto" convert --header maybe b.csv -o out/x
refused 2 "--separator: found" convert --separator ab b.csv -o out/x
# Records as MXNet splits them come out whole, as SageMaker's writers write them.
convert split -o s.recordio
same s.recordio split.want
convert --from recordio s.recordio -o t.recordio
same t.recordio split.want

# Features that are not converted.
convert more more -o n.recordio
[ "$(grep -cF 'kmeans convert: warning: more: features["more"] (2 values a record) is ignored; only' summary.txt)" = 1 ] ||
    fail "$(cat summary.txt)"
convert more -o n.recordio
same n.recordio all.want

# Values.
convert --scale 1/256 images -o g.recordio
same g.recordio scaled.want
convert --scale 0.00390625 images -o g.recordio
same g.recordio scaled.want
convert numbers.csv -o h.recordio
convert h.recordio -o numbers.again.csv
same numbers.again.csv numbers.csv

# Ranges, over all inputs; an input without rows is none.
convert --rows 8:13 images none b.csv -o i.recordio
same i.recordio middle.want
convert --rows 7: images -o j.csv
same j.csv tail.csv.want
convert --rows :10 images cut -o k.recordio # cut is not reached
same k.recordio all.want

# Shards and standard output.
convert images --shards 3 -o shard.recordio
for s in 0 1 2; do same "shard_$s.recordio" "shard_$s.want"; done
convert images images.gz --shards 11 -o many.csv
for s in 00 05 10; do same "many_$s.csv" "many_$s.want"; done
convert images --to csv -o - >l.csv
same l.csv all.csv.want
echo first >m.csv
convert images --to csv -o - >>m.csv # appends, as a pipe would
{ echo first; cat all.csv.want; } >m.want
same m.csv m.want

# Standard input: a pipe, a file, in the middle of others.
for input in images images.gz b.csv a.recordio; do
    cat "$input" | convert - -o n.recordio
    same n.recordio all.want
    convert - -o n.recordio <"$input"
    same n.recordio all.want
done
cat b.csv | convert --rows 8:13 images none - -o n.recordio
same n.recordio middle.want
refused 2 "standard input (-) is named more than once" convert - images - -o out/x

# Names of the output: one of the inputs, and what the suffix says.
cp b.csv rows.csv
ln rows.csv hard.csv
ln -s rows.csv soft.csv
mkdir folder
cp all.want shards_1.recordio
for output in rows.csv ./rows.csv folder/../rows.csv hard.csv soft.csv "$PWD/rows.csv"; do
    refused 2 "--output $output is a file of the data (rows.csv)" convert rows.csv --rows 0:1 -o "$output"
    refused 2 "is a file of the data ($output)" convert images "$output" --rows 0:1 -o rows.csv
    same rows.csv b.csv
done
refused 2 "shards_1.recordio is a file of the data" convert images shards_1.recordio --shards 2 -o shards.recordio
[ ! -e shards_0.recordio ] || fail "a shard was written"
rc=0
# shellcheck disable=SC2094 # on purpose: it must be refused
"$kmeans" convert - -o rows.csv <rows.csv 2>stderr.txt || rc=$?
[ $rc -eq 2 ] && grep -q 'is a file of the data (/dev/stdin)' stderr.txt || fail "output over standard input: $rc"
rc=0
# shellcheck disable=SC2094
"$kmeans" convert rows.csv --to csv -o - >>rows.csv 2>stderr.txt || rc=$?
[ $rc -eq 2 ] && grep -q -- '--output - is a file of the data (rows.csv)' stderr.txt || fail "standard output over an input: $rc"
same rows.csv b.csv
for suffix in tfrecord idx ubyte npy npz parquet xlsx json gz zip tar h5 feather arrow tsv NPY csv.gz tar.gz params; do
    refused 2 "--output out/x.$suffix: the name says" convert images -o "out/x.$suffix"
    refused 2 "name it .pbr (RecordIO-protobuf) or .csv" convert --to csv images -o "out/x.$suffix"
done
refused 2 "out/x.csv: the name says CSV, but --to recordio was given" convert --to recordio images -o out/x.csv
refused 2 "out/x.pbr: the name says RecordIO-protobuf, but --to csv was given" convert --to csv images -o out/x.pbr
refused 2 "out/x.txt: the name says text; add --to csv" convert images -o out/x.txt
convert images -o o.CSV
same o.CSV all.csv.want
convert --to recordio images -o o.data
same o.data all.want

# Input errors: file, place, what was found, what to do.
refused 2 "labels.gz: byte 3: found 1 axis" convert labels.gz -o out/x
refused 2 "cut: byte 75: the file ends within item 10" convert cut -o out/x
refused 2 "text.csv.gz: byte 0: found gzip that holds no idx file" convert text.csv.gz -o out/x
refused 2 "rows.tar.gz: byte 0: found gzip that holds no idx file; only idx is read compressed: the file is a gzip-compressed tar archive; unpack it first (tar xzf)" convert rows.tar.gz -o out/x
refused 2 "rows.xlsx: the file is an Excel workbook, expected RecordIO-protobuf, CSV, idx, numpy, svmlight (libsvm), fvecs, bvecs, ivecs, fbin, u8bin or i8bin; save it as CSV (UTF-8)" convert rows.xlsx -o out/x
refused 2 "the file is an Excel workbook, expected CSV; save it" convert --from csv rows.xlsx -o out/x
refused 2 "page.csv: the file is an HTML page, expected RecordIO-protobuf, CSV" convert page.csv -o out/x
refused 2 "delimited: the file holds protobuf messages without RecordIO frames (length-delimited), expected" convert delimited -o out/x
refused 2 "images: the file is an idx file (the format of MNIST), expected CSV; turn it into rows" convert --from csv images -o out/x
refused 2 "nowhere: there is no such file" convert nowhere -o out/x
ln -s /nowhere/b.csv link.csv
refused 2 "link.csv is a link to /nowhere/b.csv, which does not exist" convert link.csv -o out/x
refused 2 "link.csv is a link to /nowhere/b.csv, which does not exist" convert --from csv link.csv -o out/x
refused 2 "wide.csv: found rows of 7 columns, expected 6 as in images" convert images wide.csv -o out/x
refused 2 "line 2" convert bad.csv -o out/x
refused 2 "big.csv: row 1, column 2: 1e+18 times the scale" convert --scale 1e30 big.csv -o out/x
refused 2 "out: is a folder, expected a file" convert out -o out/x
refused 2 "out: is a folder, expected a file" convert --from csv out -o out/x
refused 2 "damaged" convert damaged -o out/x
refused 2 "byte 0: found" convert --from idx b.csv -o out/x
refused 2 "the inputs have 0 rows" convert none -o out/x
refused 2 "all before the first row of --rows" convert --rows 10: images -o out/x
refused 2 "line 2" convert --shards 2 bad.csv -o out/x

# Usage errors.
refused 2 "did you mean --output?" convert images --ouput out/x
refused 2 "did you mean --label-size?" convert images --label_size=1 -o out/x
refused 2 "unknown option --frobnicate" convert images --frobnicate -o out/x
refused 2 "unknown option -z" convert images -z -o out/x
refused 2 "--output needs a value" convert images --output
refused 2 "--output FILE is missing" convert images
refused 2 "no input file" convert -o out/x
refused 2 "expected recordio, csv, svmlight, npy, idx" convert --from parquet images -o out/x
refused 2 "expected recordio, csv or svmlight" convert --to idx images -o out/x
for rows in 5 5:5 7:3 a:b -1: 1:-1 1:2:3 99999999999999999999:; do
    refused 2 "--rows: " convert --rows=$rows images -o out/x
done
for scale in 0 0/5 x 1/0 1/ /2 nan inf 1/256x ''; do
    refused 2 "--scale: found \"$scale\"" convert --scale="$scale" images -o out/x
done
for shards in 0 -1 x 1001; do
    refused 2 "--shards: found" convert --shards=$shards images -o out/x
done
refused 2 "--label-size: found" convert --label-size=-1 images -o out/x
refused 2 "standard output takes one shard" convert --shards 2 images -o -

# The system's errors.
refused 3 "out/none/x" convert images -o out/none/x
if [ -w /dev/full ]; then
    rc=0
    "$kmeans" convert images --to csv -o - >/dev/full 2>stderr.txt || rc=$?
    [ "$rc" -eq 3 ] || fail "a full disk: exit code $rc"
    grep -q 'No space left' stderr.txt || fail "$(cat stderr.txt)"
fi

# The verbs.
[[ $("$kmeans" --version) =~ ^kmeans\ [0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "$("$kmeans" --version)"
"$kmeans" --help | grep 'kmeans train' >/dev/null || fail "--help"
"$kmeans" help | grep 'kmeans convert' >/dev/null || fail "help"
"$kmeans" help convert | grep 'usage: kmeans convert' >/dev/null || fail "help convert"
"$kmeans" convert --help | grep 'usage: kmeans convert' >/dev/null || fail "convert --help"
"$kmeans" help train | grep -- '--k' >/dev/null || fail "help train"
ln -s "$kmeans" train
./train --help | grep -- '--k' >/dev/null || fail "argv[0] = train"
./train train --help | grep -- '--k' >/dev/null || fail "argv[0] = train, and the platform's argument"
refused 2 'did you mean "train"?' trian
refused 2 'did you mean "convert"?' help conver
refused 2 "the verbs are" frobnicate
[ -e /opt/ml/input/config ] || refused 2 "Verbs:"

echo "$checks checks passed"
