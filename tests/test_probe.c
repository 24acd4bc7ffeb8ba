/* SPDX-License-Identifier: Apache-2.0 */
/* What a file is called, and that what may be rows is called nothing else. */
#include "tests/io_help.h"

#include "base/rng.h"
#include "io/probe.h"

/* Probes a copy that ends with its allocation, so that the sanitizer sees a read behind it. */
static struct km_probe probe(const void *bytes, size_t n, const char *name)
{
    unsigned char *copy = malloc(n ? n : 1);
    struct km_probe p;

    assert_non_null(copy);
    memcpy(copy, bytes, n);
    km_probe(&p, copy, n, name);
    free(copy);
    return p;
}

#define B(s) s, sizeof(s) - 1

/* A local entry of a zip archive, whose name's length is `len`. */
#define ENTRY(len, rest) "PK\3\4\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" len "\0\0\0" rest

#define RECORD "\x0a\x12\x0a\6values\x12\x8\x12\6\x0a\4\0\0\x80\x3f"
#define LABEL  "\x12\x12\x0a\6values\x12\x8\x12\6\x0a\4\0\0\x80\x3f"
#define HEAD   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static void every_format_is_called_what_it_is(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *name, *what, *todo;
    } cases[] = {
        {B("\x1f\x8b\x08"), "a.csv.gz", "gzip-compressed", "gunzip"},
        {B("\x1f\x8b\x08"), "a.tar.gz", "gzip-compressed tar archive", "unpack"},
        {B("\x1f\x8b\x08"), "a.TGZ", "gzip-compressed tar archive", "tar xzf"},
        {B("\x1f\x8b\x08"), "train-images-idx3-ubyte.gz", "gzip-compressed", "kmeans convert"},
        {B("\x1f\x8b\x08"), "a.rds", "a file of R's", "write.table"},
        {B("BZh91AY&SY\1"), "a", "bzip2-compressed", "bunzip2"},
        {B("BZh9\x17\x72\x45\x38\x50\x90"), "a", "bzip2-compressed", "bunzip2"},
        {B("\xfd\x37zXZ\0"), "a", "xz-compressed", "unxz"},
        {B("\x28\xb5\x2f\xfd"), "a", "zstd-compressed", "unzstd"},
        {B("\x04\x22\x4d\x18"), "a", "lz4-compressed", "unlz4"},
        {B("7z\xbc\xaf\x27\x1c"), "a", "7-Zip archive", "unpack"},
        {B("Rar!\x1a\x07\1\0"), "a", "rar archive", "unpack"},
        {B("PK\3\4"), "a.zip", "a zip archive", "unpack it first"},
        {B("PK\5\6"), "a.zip", "a zip archive", "unpack it first"},
        {B(ENTRY("\5", "a.csv1,2")), "a.zip", "a zip archive", "unpack it first"},
        {B("PK\3\4"), "a.XLSX", "Excel workbook", "save it as CSV (UTF-8)"},
        {B(ENTRY("\5", "a.csv1,2")), "a.xlsm", "Excel workbook", "save it as CSV (UTF-8)"},
        {B(ENTRY("\x13", "[Content_Types].xml...")), "a", "Excel workbook", "CSV (UTF-8)"},
        {B(ENTRY("\5", "a.xml..." ENTRY("\xf", "xl/workbook.xml"))), "a.zip", "Excel workbook", ""},
        {B(ENTRY("\x10", "docProps/app.xml")), "a", "Excel workbook", ""},
        {B(ENTRY("\x13", "[Content_Types].xml" ENTRY("\x11", "word/document.xml"))), "a",
         "is a Word document", "as CSV"},
        {B(ENTRY("\x13", "[Content_Types].xml" ENTRY("\x14", "ppt/presentation.xml"))), "a.zip",
         "is a PowerPoint document", "as CSV"},
        {B(ENTRY("\x13", "[Content_Types].xml")), "a.docx", "is a Word document", "as CSV"},
        {B("PK\3\4"), "a.pptx", "is a PowerPoint document", ""},
        {B(ENTRY("\xa", "word/a.csv")), "a.zip", "is a zip archive", "unpack"},
        {B(ENTRY("\x10", "archive/data.pkl")), "a", "is a PyTorch file", "tensor.numpy()"},
        {B("PK\3\4"), "a.pth", "is a PyTorch file", ""},
        {B("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "a", "Excel workbook (.xls)", "CSV (UTF-8)"},
        {B(ENTRY("\x8", "mimetypeapplication/vnd.oasis.opendocument.spreadsheetPK")), "a",
         "OpenDocument spreadsheet", "CSV (UTF-8)"},
        {B("PK\3\4"), "a.ods", "OpenDocument spreadsheet", "CSV (UTF-8)"},
        {B("PAR1\x15\4"), "a", "a Parquet file", "convert it"},
        {B("ARROW1\0\0"), "a", "an Arrow (Feather) file", "read_feather"},
        {B("FEA1\0\0\0\0"), "a", "a Feather file", "read_feather"},
        {B("\xff\xff\xff\xff\x70\0\0\0\x10"), "a", "an Arrow stream", "convert it"},
        {B("\x89HDF\r\n\x1a\n"), "a", "an HDF5 file", "convert it"},
        {B("ORC\x0a\1\2"), "a", "an ORC file", "read_orc"},
        {B("Obj\1"), "a", "an Avro file", "convert it"},
        {B("SQLite format 3\0"), "a", "an SQLite database", "as CSV"},
        {B("MATLAB 5.0 MAT-file, Platform: GLNXA64\0\1IM"), "a", "a MATLAB file", "convert it"},
        {B("\x80\x04\x95"), "a", "a Python pickle", "np.savetxt"},
        {B("(lp0\nI1\naI2\na."), "a.pkl", "a Python pickle", "np.savetxt"},
        {B("cnumpy.core.multiarray\n_reconstruct\np0\n"), "a.pickle", "a Python pickle", ""},
        {B("\x1f\x9d\x90\1"), "a.Z", "is compressed (.Z)", "uncompress"},
        {B("\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60\xb3"), "a", "a SAS data set", "read_sas"},
        {B("\1\2"), "a.sas7bdat", "a SAS data set", "read_sas"},
        {B("$FL2@(#) SPSS DATA FILE\2\0"), "a", "an SPSS file", "read_spss"},
        {B("<stata_dta><header><release>118</release>"), "a", "a Stata file", "read_stata"},
        {B("\x73\2\1\0"), "a.dta", "a Stata file", "read_stata"},
        {B("RDX3\nX\n\0\0\0\3"), "a", "a file of R's", "write.table"},
        {B("RDX2\nX\n\0\0\0\2"), "a", "a file of R's", "col.names=FALSE"},
        {B("X\n\0\0\0\3"), "a.rds", "a file of R's", "write.table"},
        {B("%PDF-1.7\n%\xe2\xe3"), "a", "a PDF document", "as CSV"},
        {B("\x89PNG\r\n\x1a\n"), "a", "a PNG image", "pixels"},
        {B("\xff\xd8\xff\xe0"), "a", "a JPEG image", "pixels"},
        {B("GIF89a\1\0\1\0"), "a", "a GIF image", "pixels"},
        {B("II*\0\x8\0\0\0"), "a", "a TIFF image", "pixels"},
        {B("\xff\xfe\0\0\x31\0\0\0"), "a", "UTF-32 text", "CSV (UTF-8)"},
        {B("\0\0\xfe\xff\0\0\0\x31"), "a", "UTF-32 text", "CSV (UTF-8)"},
        {B("\xff\xfe\x31\0\x2c\0"), "a", "UTF-16 text", "CSV (UTF-8)"},
        {B("\x0a\x14" RECORD "."), "a", NULL, ""},
        {B("\x14" RECORD), "a", "protobuf messages without RecordIO frames (length-delimited)",
         "RecordIO-protobuf writer"},
        {B("\x14" RECORD "\x14" RECORD "\x28" RECORD LABEL "\x14\x0a"), "a", "length-delimited",
         "write_numpy_to_dense_tensor"},
        {B("\x14" RECORD "\x14" RECORD "\x14\x0a\x12\x0a\6val"), "a", "length-delimited", ""},
        {B("\x28" RECORD LABEL "\x28" RECORD LABEL), "a", "length-delimited", ""},
        {B(RECORD), "a", "a protobuf message without a RecordIO frame", "writer"},
        {B(RECORD LABEL), "a", "a protobuf message without a RecordIO frame", "writer"},
        {B("\1\2\3"), "a.parquet", "a Parquet file", "convert it"},
        {B("\1\2\3"), "a.mat", "a MATLAB file", "convert it"},
        {B("\1\2\3"), "a.tfrecord", "a TFRecord file", "convert it"},
        {B("<!DOCTYPE html>\n<html>"), "a.csv", "an HTML page", "fetch the data again"},
        {B("\xef\xbb\xbf \r\n<HTML lang=en>"), "a.csv", "an HTML page", "fetch"},
        {B(HEAD "<!DOCTYPE html><html>"), "a.csv", "an HTML page", "fetch"},
        {B(HEAD "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"),
         "a.csv", "an error message in XML in place of the data (code AccessDenied)", "fetch"},
        {B("<Error><Code>NoSuchKey</Code>"), "a.csv", "(code NoSuchKey)", "fetch"},
        {B(HEAD "<Error><Code>"), "a.csv", "an error message in XML", "fetch"},
        {B(HEAD "<table><row a='1'/></table>"), "a.csv", "is XML", "convert it"},
        {B("{\"a\": 1}"), "a.csv", "is JSON", "convert it"},
        {B("{\"a\": \"x\\\"}\", \"b\": [1, null]}\n{\"a\": 2}\n"), "a.csv", "is JSON", ""},
        {B("\n [\n  {\"a\": 1},"), "a.csv", "is JSON", "convert it"},
        {B("[1, -2.5e3]\r\n[3, 4]\r\n"), "a.csv", "is JSON", "convert it"},
        {B("[]\n"), "a.csv", "is JSON", "convert it"},
        {B("version https://git-lfs.github.com/spec/v1\noid sha256:00\n"), "a.csv",
         "a pointer of Git LFS", "git lfs pull"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct km_probe p = probe(cases[i].bytes, cases[i].n, cases[i].name);

        if (!cases[i].what) {
            assert_string_equal(p.what, "");
            continue;
        }
        if (p.kind || p.is_text)
            fail_msg("case %zu: %s, expected \"%s\"", i, p.is_text ? "text" : p.kind->name,
                     cases[i].what);
        assert_contains(p.what, cases[i].what);
        assert_contains(p.todo, cases[i].todo);
    }
}

static void text_that_may_be_rows_is_text(void **state)
{
    static const char *const lines[] = {
        "1,2,3\n",
        "-1.5,2\n",
        "\"1\",\"2\"\n",
        " 1,2",
        "\xef\xbb\xbf"
        "1,2\r\n",
        "\n\n1,2\n",
        "\t1",
        /* headers */
        "PAR1,PAR2\n1,2\n",
        "BZh,b\n",
        "ORC,Elf\n",
        "Obj,b\n",
        "PK,lat,lon\n1,2,3\n",
        "FEA1,b\n",
        "MM,II\n",
        "II,MM\n",
        "GIF8,b\n",
        "MATLAB score,b\n",
        "SQLite format 3,b\n",
        "% fat,1x1\n",
        "ARROW1,b\n",
        "Rar!,b\n",
        "7z,b\n",
        "Gr\xf6\xdf"
        "e,b\n",
        "Gr\xc3\xb6\xc3\x9f"
        "e,b\n",
        "<5,>=5\n1,2\n",
        "version,b\n",
        "ustar,b\n",
        "$FL2,b\n",
        "RDX2\n1\n",
        "RDX3,b\n",
        "count,b\n",
        "(a),b\n",
        "\x80,b\n",
        /* labels in front of the features */
        "[0, 10),3,4\n",
        "(0, 10],3,4\n",
        "[12],3,4\n",
        "{\"a\"},3,4\n",
        "{\"a\": 1},3,4\n",
        "{a},1\n",
        "[a],1\n",
        "[x,y\n",
        "{,1\n",
        "[,1\n",
        "{\n",
        "[",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        static const char *const names[] = {"a.csv", "a.xlsx", "a.parquet",
                                            "a.npz", "a.tar",  "a.pkl"};

        for (size_t t = 0; t < 6; t++) {
            struct km_probe p = probe(lines[i], strlen(lines[i]), names[t]);

            if (!p.is_text || p.kind || p.what[0])
                fail_msg("%s: no text (%s)", lines[i], p.what);
        }
    }
}

static void the_magic_of_recordio_comes_first(void **state)
{
    unsigned char bytes[512] = "\x0a\x23\xd7\xce";

    (void)state;
    memcpy(bytes + 257, "ustar", 5);
    assert_ptr_equal(probe(bytes, sizeof(bytes), "a.xlsx").kind, &km_format_recordio);
    assert_ptr_equal(probe(bytes, 4, "a.npy").kind, &km_format_recordio);
    bytes[0] = 'a';
    assert_contains(probe(bytes, sizeof(bytes), "a").what, "a tar archive");
    assert_string_equal(probe(bytes, 261, "a").what, "");
    assert_string_equal(probe(bytes, 0, "a.xlsx").what, "");
}

static void files_of_our_formats_say_their_content_type(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *name;
        const struct km_format_kind *kind;
        const char *what, *todo;
    } cases[] = {
        {B("\x93NUMPY\1\0"), "a", &km_format_npy, "is a numpy file", "application/x-npy"},
        {B("# x\n+1 2:0.5 7:1 # x\n"), "a", &km_format_svmlight, "is an svmlight", "text/libsvm"},
        {B("1,2 qid:3 2:0.5\r\n"), "a.csv", &km_format_svmlight, "is an svmlight", ""},
        {B(ENTRY("\x9", "arr_0.npy\x93NUMPY")), "a", &km_format_npy, "is a numpy file", ""},
        {B(ENTRY("\5", "a.txt..." ENTRY("\5", "x.npy"))), "a.zip", &km_format_npy, "numpy", ""},
        {B("PK\3\4"), "a.npz", NULL, "is a numpy archive without an array", "np.savetxt"},
        {B(ENTRY("\5", "a.txt...")), "a.zip", NULL, "is a zip archive", "unpack"},
        {B("\4\0\0\0"), "a.fvecs", &km_format_fvecs, "", ""},
        {B("12:30,5\n"), "a", NULL, "", ""},
        {B("1 12:30,5\n"), "a", NULL, "", ""},
        {B("1 2 3\n"), "a", NULL, "", ""},
        {B("1 2:x\n"), "a", NULL, "", ""},
        {B("# x\n"), "a", NULL, "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct km_probe p = probe(cases[i].bytes, cases[i].n, cases[i].name);

        assert_ptr_equal(p.kind, cases[i].kind);
        assert_contains(p.what, cases[i].what);
        assert_contains(p.todo, cases[i].todo);
    }
}

static void idx_is_told_apart(void **state)
{
    struct km_probe p = probe("\0\0\x08\3\0\0\0\1", 8, "train-images-idx3-ubyte");

    (void)state;
    assert_ptr_equal(p.kind, &km_format_idx);
    assert_contains(p.what, "an idx file");
    assert_contains(p.todo, "kmeans convert");
    assert_string_equal(probe("\0\0\7\3", 4, "a").what, "");
}

/* Bytes that begin like anything, of any length: no read behind them (the sanitizer's to see), and
 * words that end. */
static void no_bytes_lead_it_astray(void **state)
{
    static const char *const seeds[] = {
        "PK\3\4",       "<?xml <Error><Code>",
        "{\"",          "[[",
        "[\"\\",        "\x14\x0a\x12\x0a\6values\x12\x8\x12\6\x0a\4",
        "\x80\4",       "<Error><Code>abc",
        "\xef\xbb\xbf", "ustar",
        "\x0a\x0a"};
    static const char *const names[] = {"", "a", "a.xlsx", "a.tgz", "x.ubyte.gz"};
    unsigned char bytes[600];
    struct km_rng g;

    (void)state;
    km_rng_seed(&g, test_seed(), 7, 0);
    for (int run = 0; run < 60000; run++) {
        size_t n = (size_t)km_rng_below(&g, run % 4 ? 80 : sizeof(bytes) + 1);
        struct km_probe p;

        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)(run % 3 ? 9 + km_rng_below(&g, 118) : km_rng_below(&g, 256));
        for (uint64_t some = km_rng_below(&g, 3), at = 0; some > 0; some--) {
            const char *seed = seeds[km_rng_below(&g, sizeof(seeds) / sizeof(*seeds))];

            for (size_t i = 0; seed[i] && at + i < n; i++)
                bytes[at + i] = (unsigned char)seed[i];
            at = n ? km_rng_below(&g, (uint32_t)n) : 0;
        }
        p = probe(bytes, n, names[run % 5]);
        assert_true(strlen(p.what) < sizeof(p.what));
        assert_non_null(p.todo);
        assert_true(!p.is_text || (!p.kind && !p.what[0]));
        assert_true(!p.kind || p.what[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_is_called_what_it_is),
        cmocka_unit_test(text_that_may_be_rows_is_text),
        cmocka_unit_test(the_magic_of_recordio_comes_first),
        cmocka_unit_test(files_of_our_formats_say_their_content_type),
        cmocka_unit_test(idx_is_told_apart),
        cmocka_unit_test(no_bytes_lead_it_astray),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
