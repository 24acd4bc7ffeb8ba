/* SPDX-License-Identifier: Apache-2.0 */
#include "io/output.h"

#include <string.h>
#include <strings.h>
#include <sys/stat.h>

int km_output_not_input(const char *output, char *const *inputs, size_t n, struct km_err *err)
{
    const char *path = strcmp(output, "-") == 0 ? "/dev/stdout" : output;
    struct stat out, in;

    if (stat(path, &out) || !S_ISREG(out.st_mode))
        return KM_OK;
    for (size_t i = 0; i < n; i++)
        if (stat(inputs[i], &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return km_fail(err, KM_E_INPUT,
                           "--output %s is a file of the data (%s) and would replace it; choose "
                           "another name",
                           output, inputs[i]);
    return KM_OK;
}

/* The longer one of two that fit comes first. */
static const struct {
    const char *suffix;
    enum km_promise promise;
    const char *what;
} suffixes[] = {
    {".tar.gz", KM_PROMISE_PACKED_MODEL, "a tar archive, compressed with gzip"},
    {".tgz", KM_PROMISE_PACKED_MODEL, "a tar archive, compressed with gzip"},
    {".params", KM_PROMISE_MODEL, "MXNet arrays"},
    {".csv", KM_PROMISE_CSV, "CSV"},
    {".txt", KM_PROMISE_TEXT, "text"},
    {".pbr", KM_PROMISE_RECORDIO, "RecordIO-protobuf"},
    {".rec", KM_PROMISE_RECORDIO, "RecordIO-protobuf"},
    {".recordio", KM_PROMISE_RECORDIO, "RecordIO-protobuf"},
    {".pb", KM_PROMISE_RECORDIO, "RecordIO-protobuf"},
    {".protobuf", KM_PROMISE_RECORDIO, "RecordIO-protobuf"},
    {".npy", KM_PROMISE_OTHER, "a NumPy file"},
    {".npz", KM_PROMISE_OTHER, "a NumPy archive"},
    {".parquet", KM_PROMISE_OTHER, "Parquet"},
    {".pq", KM_PROMISE_OTHER, "Parquet"},
    {".xlsx", KM_PROMISE_OTHER, "an Excel workbook"},
    {".xls", KM_PROMISE_OTHER, "an Excel workbook"},
    {".ods", KM_PROMISE_OTHER, "a spreadsheet"},
    {".json", KM_PROMISE_OTHER, "JSON"},
    {".jsonl", KM_PROMISE_OTHER, "JSON lines"},
    {".ndjson", KM_PROMISE_OTHER, "JSON lines"},
    {".xml", KM_PROMISE_OTHER, "XML"},
    {".yaml", KM_PROMISE_OTHER, "YAML"},
    {".tsv", KM_PROMISE_OTHER, "columns between tabs"},
    {".svm", KM_PROMISE_SVMLIGHT, "svmlight"},
    {".libsvm", KM_PROMISE_SVMLIGHT, "svmlight"},
    {".svmlight", KM_PROMISE_SVMLIGHT, "svmlight"},
    {".fvecs", KM_PROMISE_OTHER, "fvecs"},
    {".bvecs", KM_PROMISE_OTHER, "bvecs"},
    {".ivecs", KM_PROMISE_OTHER, "ivecs"},
    {".fbin", KM_PROMISE_OTHER, "fbin"},
    {".u8bin", KM_PROMISE_OTHER, "u8bin"},
    {".i8bin", KM_PROMISE_OTHER, "i8bin"},
    {".gz", KM_PROMISE_OTHER, "a file compressed with gzip"},
    {".bz2", KM_PROMISE_OTHER, "a file compressed with bzip2"},
    {".xz", KM_PROMISE_OTHER, "a file compressed with xz"},
    {".zst", KM_PROMISE_OTHER, "a file compressed with zstd"},
    {".lz4", KM_PROMISE_OTHER, "a file compressed with lz4"},
    {".zip", KM_PROMISE_OTHER, "a zip archive"},
    {".7z", KM_PROMISE_OTHER, "a 7z archive"},
    {".tar", KM_PROMISE_OTHER, "a tar archive that is not compressed"},
    {".h5", KM_PROMISE_OTHER, "HDF5"},
    {".hdf5", KM_PROMISE_OTHER, "HDF5"},
    {".feather", KM_PROMISE_OTHER, "Feather"},
    {".arrow", KM_PROMISE_OTHER, "Arrow"},
    {".orc", KM_PROMISE_OTHER, "ORC"},
    {".avro", KM_PROMISE_OTHER, "Avro"},
    {".pkl", KM_PROMISE_OTHER, "a Python pickle"},
    {".pickle", KM_PROMISE_OTHER, "a Python pickle"},
    {".joblib", KM_PROMISE_OTHER, "a joblib file"},
    {".mat", KM_PROMISE_OTHER, "a MATLAB file"},
    {".rds", KM_PROMISE_OTHER, "an R object"},
    {".rdata", KM_PROMISE_OTHER, "R objects"},
    {".onnx", KM_PROMISE_OTHER, "ONNX"},
    {".pt", KM_PROMISE_OTHER, "a PyTorch file"},
    {".pth", KM_PROMISE_OTHER, "a PyTorch file"},
    {".safetensors", KM_PROMISE_OTHER, "safetensors"},
    {".tfrecord", KM_PROMISE_OTHER, "TFRecord"},
    {".tfrecords", KM_PROMISE_OTHER, "TFRecord"},
    {".idx", KM_PROMISE_OTHER, "idx"},
    {".ubyte", KM_PROMISE_OTHER, "idx"},
    {"-ubyte", KM_PROMISE_OTHER, "idx"},
    {".xlsm", KM_PROMISE_OTHER, "an Excel workbook"},
    {".xlsb", KM_PROMISE_OTHER, "an Excel workbook"},
    {".docx", KM_PROMISE_OTHER, "a Word document"},
    {".sas7bdat", KM_PROMISE_OTHER, "SAS"},
    {".sav", KM_PROMISE_OTHER, "SPSS"},
    {".dta", KM_PROMISE_OTHER, "Stata"},
    {".sqlite", KM_PROMISE_OTHER, "SQLite"},
    {".pdf", KM_PROMISE_OTHER, "PDF"},
    {".html", KM_PROMISE_OTHER, "HTML"},
};

enum km_promise km_output_promise(const char *path, const char **what)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t n = strlen(name);

    *what = NULL;
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        size_t m = strlen(suffixes[i].suffix);

        if (n > m && strcasecmp(name + n - m, suffixes[i].suffix) == 0) {
            *what = suffixes[i].what;
            return suffixes[i].promise;
        }
    }
    return KM_PROMISE_NONE;
}
