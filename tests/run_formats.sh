#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The same rows in every format that is read: `kmeans train` makes the same bytes of model of each, and
# `kmeans convert` the same records. Files come from a writer of its own. Argument: the build folder.
set -euo pipefail

build=$(cd "${1:?usage: run_formats.sh BUILD_FOLDER}" && pwd)
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

python3 - <<'PYTHON'
import io, random, struct, zipfile

N, D = 300, 5
random.seed(1)
rows = [[random.randint(0, 100) for t in range(D)] for i in range(N)]
flat = [v for r in rows for v in r]

def put(name, data):
    open(name, 'wb').write(data)

def varint(n):
    out = b''
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])

def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload

def frame(tensor):
    record = field(1, field(1, b'values') + field(2, field(2, tensor)))
    return struct.pack('<II', 0xced7230a, len(record)) + record + b'\0' * (-len(record) % 4)

def floats(values):
    return field(1, struct.pack('<%df' % len(values), *values))

def npy(name, code, descr, order='False', shape=(N, D), values=flat, version=1):
    text = repr({'descr': descr}).rstrip('}') + ", 'fortran_order': %s, 'shape': %r, }" % (order, shape)
    front = b'\x93NUMPY' + bytes([version, 0])
    size = '<H' if version == 1 else '<I'
    text += ' ' * (-(len(front) + struct.calcsize(size) + len(text) + 1) % 64) + '\n'
    data = struct.pack(code[0] + str(len(values)) + code[1], *values)
    put(name, front + struct.pack(size, len(text)) + text.encode() + data)

put('rows.recordio', b''.join(frame(floats(r)) for r in rows))
put('rows.csv', ''.join(','.join(map(str, r)) + '\n' for r in rows).encode())
for code in 'bBhHiIqQefd':
    kind = {'e': 'f', 'f': 'f', 'd': 'f'}.get(code, 'i' if code.islower() else 'u')
    for order in '<>':
        descr = order + kind + str(struct.calcsize('<' + code))
        npy('rows_%s%d.npy' % (code, order == '>'), order + code, descr)
columns = [r[t] for t in range(D) for r in rows]
npy('fortran.npy', '<d', '<f8', 'True', values=columns)
npy('fortran3.npy', '>f', '>f4', 'True', values=columns, version=3)
npy('images.npy', '<B', '|u1', shape=(N, 1, D), version=2)
for name, code in ('fvecs', 'f'), ('bvecs', 'B'), ('ivecs', 'i'):
    put('rows.' + name, b''.join(struct.pack('<i%d%s' % (D, code), D, *r) for r in rows))
for name, code in ('fbin', 'f'), ('u8bin', 'B'), ('i8bin', 'b'):
    put('rows.' + name, struct.pack('<II%d%s' % (N * D, code), N, D, *flat))

def svmlight(name, rows, base=1):
    line = lambda r: ' '.join('%d:%d' % (t + base, v) for t, v in enumerate(r) if v)
    put(name, ('# rows\n' + ''.join('%d %s\n' % (i % 3, line(r)) for i, r in enumerate(rows))).encode())

svmlight('rows.svm', rows)
svmlight('rows.svm0', rows, 0)
few = [[v if random.random() < .02 else 0 for v in [random.randint(1, 9) for t in range(200)]] for i in range(N)]
put('few.recordio', b''.join(
    frame(floats([v for v in r if v]) + field(2, b''.join(varint(t) for t, v in enumerate(r) if v)) +
          field(3, varint(200))) for r in few))
svmlight('few.svm', few)
def npz(name, method, **arrays):
    with zipfile.ZipFile(name, 'w', method) as z:
        for member, file in arrays.items():
            with z.open(member.replace('_', '.'), 'w', force_zip64=len(name) % 2 == 0) as f:
                f.write(open(file, 'rb').read())

class Pipe(io.RawIOBase):  # cannot be gone back in
    def __init__(self, name):
        self.file = open(name, 'wb')
    def writable(self):
        return True
    def write(self, data):
        return self.file.write(data)

npz('stored.npz', zipfile.ZIP_STORED, x_npy='rows_d0.npy')
npz('deflated.npz', zipfile.ZIP_DEFLATED, readme_txt='few.svm', x_npy='rows_B0.npy')
npz('fortran.npz', zipfile.ZIP_DEFLATED, x_npy='fortran.npy')
npz('two.npz', zipfile.ZIP_DEFLATED, other_npy='fortran3.npy', X_npy='rows_i1.npy')
npz('bzip2.npz', zipfile.ZIP_BZIP2, x_npy='rows_d0.npy')
with zipfile.ZipFile(Pipe('piped.npz'), 'w', zipfile.ZIP_DEFLATED) as z:
    for name in 'first', 'X':
        with z.open(name + '.npy', 'w') as f:
            f.write(open('rows_f0.npy', 'rb').read())
damaged = bytearray(open('stored.npz', 'rb').read())
damaged[4000] ^= 1
put('damaged.npz', damaged)
put('one.npy', open('rows_f0.npy', 'rb').read().replace(b'(300, 5)', b'(1500, )'))
put('cut.npy', open('rows_f0.npy', 'rb').read()[:-1])
PYTHON

# same WANT FILE OPTION...: both give the same model.
same() {
    local want=$1 file=$2
    shift 2
    "$kmeans" train --k 4 --output model "$@" "$file" >log.txt 2>&1 || fail "$file: $(tail -n 3 log.txt)"
    cmp model "$want" || fail "another model of $file"
    checks=$((checks + 1))
}

# refused PART ARGUMENT...: exit code 2, and a part of the message.
refused() {
    local part=$1 rc=0
    shift
    "$kmeans" "$@" >log.txt 2>&1 || rc=$?
    [ "$rc" -ne 0 ] || fail "kmeans $* was not refused"
    grep -qF -- "$part" log.txt || fail "kmeans $*: \"$part\" is not in: $(cat log.txt)"
    checks=$((checks + 1))
}

"$kmeans" train --k 4 --output rows.model rows.recordio >/dev/null
for file in rows.csv *[01].npy fortran*.npy images.npy rows.?vecs rows.*bin; do
    case $file in
    *_b0.npy | *_b1.npy) ;; # as the others; CI is short of time
    *) same rows.model "$file" ;;
    esac
    "$kmeans" convert "$file" -o out.recordio 2>log.txt || fail "$(cat log.txt)"
    cmp out.recordio rows.recordio || fail "other records of $file"
done
same rows.model rows_f0.npy --content-type application/x-npy
same rows.model rows.svm --feature_dim 5
same rows.model rows.svm --feature_dim 5 --content-type text/x-libsvm
same rows.model rows.svm0 --feature_dim 5 --content-type 'text/libsvm;index_base=0'
for file in stored.npz deflated.npz fortran.npz; do
    same rows.model "$file"
    same rows.model - < <(cat "$file")
    "$kmeans" convert "$file" -o out.recordio 2>log.txt || fail "$(cat log.txt)"
    cmp out.recordio rows.recordio || fail "other records of $file"
done
for file in two.npz piped.npz; do
    refused "$file: found several arrays, expected one; name it" train --k 4 --output model "$file"
    refused "$file: found no array 'x'; its arrays are:" train --k 4 --output model --content-type 'application/x-npy;member=x' "$file"
    same rows.model "$file" --content-type 'application/x-npy; member=X'
    "$kmeans" convert --member X.npy "$file" -o out.recordio 2>log.txt || fail "$(cat log.txt)"
    cmp out.recordio rows.recordio || fail "other records of $file"
done
refused "expected one; name it" convert - -o out.recordio < <(cat two.npz)
refused "bzip2.npz: array 'x' is compressed by method 12 of zip" convert bzip2.npz -o out.recordio
refused "damaged.npz: array 'x', byte 12128: found damaged or cut zip data (its check sum" convert damaged.npz -o out.recordio
cp rows.fvecs unnamed
same rows.model unnamed --content-type application/x-fvecs
same rows.model - <fortran.npy
same rows.model - < <(cat rows_d0.npy)

"$kmeans" train --k 4 --output few.model few.recordio >log.txt
grep -q 'clustered as sparse' log.txt || fail "the rows are not sparse: $(cat log.txt)"
same few.model few.svm --feature_dim 200

# svmlight is written, too, by its name or by --to.
"$kmeans" convert rows.recordio -o again.libsvm 2>/dev/null
"$kmeans" convert rows.recordio --to svmlight -o - 2>/dev/null | cmp - again.libsvm
"$kmeans" convert again.libsvm --feature-dim 5 -o out.recordio 2>/dev/null
cmp out.recordio rows.recordio || fail "other records of again.libsvm"
"$kmeans" convert rows.svm0 --index-base 0 --feature-dim 5 -o out.recordio 2>/dev/null
cmp out.recordio rows.recordio || fail "other records of rows.svm0"
refused "again.csv: the name says CSV, but --to svmlight was given" convert rows.csv --to svmlight -o again.csv
refused "again.svm: the name says svmlight, but --to csv was given" convert rows.csv --to csv -o again.svm

refused "one.npy: found one axis (1500 values)" train --k 4 --output model one.npy
refused "cut.npy: byte 6127: the file ends within row 300, expected 300 rows of 20 bytes" train --k 4 --output model cut.npy
refused "a row does not say how many features there are" train --k 4 --output model rows.svm
refused "found \"0:" train --k 4 --feature_dim 5 --output model rows.svm0
refused "the file is a numpy file, expected CSV; set the channel's content type to application/x-npy" \
    train --k 4 --output model --content-type text/csv rows_f0.npy
echo "$checks checks"
