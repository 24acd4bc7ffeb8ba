/* SPDX-License-Identifier: Apache-2.0 */
#include "io/probe.h"

#include "io/format.h"
#include "io/unframed.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What to do with a file of another format. */
#define UNPACK "unpack it first"
#define SAVE   "save it as CSV (UTF-8)"
#define TABLE  "convert it to RecordIO-protobuf or CSV"
#define PANDAS(reader)                                                                             \
    TABLE ", e.g. with pandas: " reader "(FILE).to_csv(OUT, header=False, index=False)"
#define ARRAYS "save one of its arrays: np.savetxt(OUT, array, delimiter=\",\")"
#define R_TABLE                                                                                    \
    TABLE ", e.g. in R: write.table(x, \"rows.csv\", sep=\",\", row.names=FALSE, "                 \
          "col.names=FALSE)"
#define TENSOR "save one of its tensors: np.savetxt(OUT, tensor.numpy(), delimiter=\",\")"
#define PIXELS "write what the rows are, e.g. the values of the pixels, as RecordIO-protobuf or CSV"
#define FETCH  "fetch the data again and look at the file before the training"
#define FRAMES                                                                                     \
    "write it with a RecordIO-protobuf writer, e.g. "                                              \
    "sagemaker.amazon.common.write_numpy_to_dense_tensor"

/* First bytes that tell a format. */
struct signature {
    const char *bytes;
    unsigned char n;
    unsigned char words; /* they could be words of a header: only where the file is no text */
    const char *what, *todo;
};

#define BYTES(s) s, sizeof(s) - 1

static const struct signature signatures[] = {
    {BYTES("BZh91AY&SY"), 0, "is bzip2-compressed", "decompress it first (bunzip2)"},
    {BYTES("BZh"), 1, "is bzip2-compressed", "decompress it first (bunzip2)"},
    {BYTES("\xfd"
           "7zXZ"),
     0, "is xz-compressed", "decompress it first (unxz)"},
    {BYTES("\x28\xb5\x2f\xfd"), 0, "is zstd-compressed", "decompress it first (unzstd)"},
    {BYTES("\x04\x22\x4d\x18"), 0, "is lz4-compressed", "decompress it first (unlz4)"},
    {BYTES("\x1f\x9d"), 0, "is compressed (.Z)", "decompress it first (uncompress)"},
    {BYTES("7z\xbc\xaf\x27\x1c"), 0, "is a 7-Zip archive", UNPACK},
    {BYTES("Rar!\x1a\x07"), 0, "is a rar archive", UNPACK},
    {BYTES("PAR1"), 1, "is a Parquet file", PANDAS("read_parquet")},
    {BYTES("ARROW1\0"), 0, "is an Arrow (Feather) file", PANDAS("read_feather")},
    {BYTES("FEA1"), 1, "is a Feather file", PANDAS("read_feather")},
    {BYTES("ORC"), 1, "is an ORC file", PANDAS("read_orc")},
    {BYTES("Obj\x01"), 0, "is an Avro file", TABLE},
    {BYTES("\x89HDF\r\n\x1a\n"), 0, "is an HDF5 file", TABLE},
    {BYTES("MATLAB "), 1, "is a MATLAB file", TABLE ", e.g. in MATLAB: writematrix(x, 'rows.csv')"},
    {BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60"), 0, "is a SAS data set", PANDAS("read_sas")},
    {BYTES("$FL2"), 1, "is an SPSS file", PANDAS("read_spss")},
    {BYTES("$FL3"), 1, "is an SPSS file", PANDAS("read_spss")},
    {BYTES("<stata_dta>"), 0, "is a Stata file", PANDAS("read_stata")},
    {BYTES("RDX2\n"), 1, "is a file of R's", R_TABLE},
    {BYTES("RDX3\n"), 1, "is a file of R's", R_TABLE},
    {BYTES("SQLite format 3\0"), 0, "is an SQLite database", "export its table as CSV"},
    {BYTES("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), 0, "is an Excel workbook (.xls)", SAVE},
    {BYTES("%PDF-"), 0, "is a PDF document", "save the numbers as CSV"},
    {BYTES("\x89PNG\r\n\x1a\n"), 0, "is a PNG image", PIXELS},
    {BYTES("\xff\xd8\xff"), 0, "is a JPEG image", PIXELS},
    {BYTES("GIF8"), 1, "is a GIF image", PIXELS},
    {BYTES("II*\0"), 0, "is a TIFF image", PIXELS},
    {BYTES("MM\0*"), 0, "is a TIFF image", PIXELS},
    {BYTES("\xff\xfe\0\0"), 0, "is UTF-32 text", SAVE},
    {BYTES("\0\0\xfe\xff"), 0, "is UTF-32 text", SAVE},
    {BYTES("\xff\xfe"), 0, "is UTF-16 text", SAVE},
    {BYTES("\xfe\xff"), 0, "is UTF-16 text", SAVE},
    {BYTES("\x80\x02"), 0, "is a Python pickle", ARRAYS},
    {BYTES("\x80\x03"), 0, "is a Python pickle", ARRAYS},
    {BYTES("\x80\x04"), 0, "is a Python pickle", ARRAYS},
    {BYTES("\x80\x05"), 0, "is a Python pickle", ARRAYS},
};

/* Names that tell a format where the bytes do not. */
struct suffix {
    const char *end;
    int zip; /* files of this name are zip archives */
    const char *what, *todo;
};

static const struct suffix suffixes[] = {
    {".xlsx", 1, "is an Excel workbook", SAVE},
    {".xlsm", 1, "is an Excel workbook", SAVE},
    {".xlsb", 1, "is an Excel workbook", SAVE},
    {".xls", 1, "is an Excel workbook", SAVE},
    {".ods", 1, "is an OpenDocument spreadsheet", SAVE},
    {".docx", 1, "is a Word document", "save its numbers as CSV"},
    {".pptx", 1, "is a PowerPoint document", "save its numbers as CSV"},
    {".pt", 1, "is a PyTorch file", TENSOR},
    {".pth", 1, "is a PyTorch file", TENSOR},
    {".npz", 1, "is a numpy archive without an array in front", ARRAYS},
    {".parquet", 0, "is a Parquet file", PANDAS("read_parquet")},
    {".feather", 0, "is an Arrow (Feather) file", PANDAS("read_feather")},
    {".arrow", 0, "is an Arrow file", TABLE},
    {".orc", 0, "is an ORC file", PANDAS("read_orc")},
    {".avro", 0, "is an Avro file", TABLE},
    {".h5", 0, "is an HDF5 file", TABLE},
    {".hdf5", 0, "is an HDF5 file", TABLE},
    {".mat", 0, "is a MATLAB file", TABLE},
    {".sas7bdat", 0, "is a SAS data set", PANDAS("read_sas")},
    {".sav", 0, "is an SPSS file", PANDAS("read_spss")},
    {".dta", 0, "is a Stata file", PANDAS("read_stata")},
    {".rds", 0, "is a file of R's", R_TABLE},
    {".rdata", 0, "is a file of R's", R_TABLE},
    {".tfrecord", 0, "is a TFRecord file", TABLE},
    {".tfrecords", 0, "is a TFRecord file", TABLE},
    {".tar", 0, "is a tar archive", UNPACK " (tar xf)"},
};

static void say(struct km_probe *probe, const char *what, const char *todo)
{
    snprintf(probe->what, sizeof(probe->what), "%s", what);
    probe->todo = todo;
}

static int starts(const unsigned char *p, size_t n, const char *bytes, size_t m)
{
    return n >= m && memcmp(p, bytes, m) == 0;
}

/* The same for a word, without regard to case. */
static int starts_word(const unsigned char *p, size_t n, const char *word)
{
    return n >= strlen(word) && strncasecmp((const char *)p, word, strlen(word)) == 0;
}

static int ends(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);

    return n >= m && strcasecmp(path + n - m, end) == 0;
}

/* Where a word stands, or n. */
static size_t find(const unsigned char *p, size_t n, const char *word)
{
    size_t m = strlen(word);

    for (size_t i = 0; i + m <= n; i++)
        if (memcmp(p + i, word, m) == 0)
            return i;
    return n;
}

/* No control characters but those of lines and columns; any encoding that contains ASCII. */
static int is_text(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((p[i] < 0x20 && (p[i] < '\t' || p[i] > '\r')) || p[i] == 0x7f)
            return 0;
    return 1;
}

static int probe_suffix(struct km_probe *probe, const char *path, int zip)
{
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
        if (suffixes[i].zip >= zip && ends(path, suffixes[i].end)) {
            say(probe, suffixes[i].what, suffixes[i].todo);
            return 1;
        }
    }
    return 0;
}

/* One entry of a zip archive: its name, and what of the archive is there behind it. */
static int probe_entry(struct km_probe *probe, const unsigned char *name, size_t len, size_t n)
{
    static const char *const office[] = {"[Content_Types].xml", "docProps/", "_rels/"};
    static const char sheet[] = "application/vnd.oasis.opendocument.spreadsheet";
    static const struct {
        const char *folder, *what;
    } documents[] = {{"xl/", "is an Excel workbook"},
                     {"word/", "is a Word document"},
                     {"ppt/", "is a PowerPoint document"}};

    for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
        if (starts(name, len, documents[i].folder, strlen(documents[i].folder)) &&
            (i == 0 || probe->what[0])) {
            say(probe, documents[i].what, i == 0 ? SAVE : "save its numbers as CSV");
            return 1;
        }
    }
    for (size_t i = 0; i < sizeof(office) / sizeof(*office); i++)
        if (starts(name, len, office[i], strlen(office[i])))
            say(probe, "is an Excel workbook or another document of Office", SAVE);
    if (len > 9 && memcmp(name + len - 9, "/data.pkl", 9) == 0) {
        say(probe, "is a PyTorch file", TENSOR);
        return 1;
    }
    if (len == 8 && starts(name, n, "mimetype", 8) &&
        starts(name + 8, n - 8, sheet, strlen(sheet))) {
        say(probe, "is an OpenDocument spreadsheet", SAVE);
        return 1;
    }
    return 0;
}

static void probe_zip(struct km_probe *probe, const unsigned char *p, size_t n, const char *path)
{
    enum { NAME = 30 }; /* bytes in front of an entry's name */

    for (size_t i = 0; i + NAME <= n; i++) {
        size_t len = (size_t)p[i + 26] | (size_t)p[i + 27] << 8;

        if (memcmp(p + i, "PK\3\4", 4) == 0 && len <= n - i - NAME &&
            probe_entry(probe, p + i + NAME, len, n - i - NAME))
            return;
    }
    if (!probe_suffix(probe, path, 1) && !probe->what[0])
        say(probe, "is a zip archive", UNPACK);
}

static void probe_gzip(struct km_probe *probe, const char *path)
{
    if (ends(path, ".tar.gz") || ends(path, ".tgz"))
        say(probe, "is a gzip-compressed tar archive", UNPACK " (tar xzf)");
    else if (ends(path, ".rds") || ends(path, ".rdata"))
        say(probe, "is a file of R's (gzip-compressed)", R_TABLE);
    else if (ends(path, "ubyte.gz"))
        say(probe, "is gzip-compressed",
            "decompress it first (gunzip); images of MNIST's format: `kmeans convert` reads them "
            "as they are");
    else
        say(probe, "is gzip-compressed", "decompress it first (gunzip)");
}

/* What is neither text nor of a known signature. */
static void probe_binary(struct km_probe *probe, const unsigned char *p, size_t n, const char *path)
{
    if (n >= 262 && memcmp(p + 257, "ustar", 5) == 0) {
        say(probe, "is a tar archive", UNPACK " (tar xf)");
    } else if (n >= 8 && memcmp(p, "\xff\xff\xff\xff", 4) == 0 && p[4] % 8 == 0 && p[7] == 0 &&
               (p[4] || p[5] || p[6])) {
        say(probe, "is an Arrow stream", TABLE);
    } else if (km_unframed_delimited(p, n)) {
        say(probe, "holds protobuf messages without RecordIO frames (length-delimited)", FRAMES);
    } else if (km_unframed_record(p, n)) {
        say(probe, "holds a protobuf message without a RecordIO frame", FRAMES);
    } else {
        probe_suffix(probe, path, 0);
    }
}

/* XML: an answer of S3 or the like in place of the data, or anything else. */
static void probe_xml(struct km_probe *probe, const unsigned char *p, size_t n)
{
    size_t error = find(p, n, "<Error>"), code = find(p, n, "<Code>"), len = 0;

    if (find(p, n, "<html") < n) {
        say(probe, "is an HTML page", FETCH);
        return;
    }
    if (error == n) {
        say(probe, "is XML", TABLE);
        return;
    }
    say(probe, "is an error message in XML in place of the data", FETCH);
    if (code == n)
        return;
    code += strlen("<Code>");
    while (code + len < n && len < 40 && (isalnum(p[code + len]) || p[code + len] == '.'))
        len++;
    snprintf(probe->what, sizeof(probe->what),
             "is an error message in XML in place of the data (code %.*s)", (int)len,
             (const char *)p + code);
}

/* JSON or JSON Lines, as far as it is there: brackets that close at the end of a line, and between
 * them nothing but strings, numbers and the three words. (`[0, 10),3,4` and `{a},1` are lines of
 * CSV.) */
static int is_json(const unsigned char *p, size_t n)
{
    static const char outside[] = " \t\r\n,:+-.0123456789eEtrufalsnNIiy";
    size_t depth = 0, i = 1;
    int quoted = 0;

    if (*p != '{' && *p != '[')
        return 0;
    while (i < n && isspace(p[i]))
        i++;
    if (i == n || !strchr(*p == '{' ? "\"}" : "{[\"-0123456789]", p[i]))
        return 0;
    for (i = 0; i < n; i++) {
        if (quoted && p[i] == '\\') {
            i++;
        } else if (quoted) {
            quoted = p[i] != '"';
        } else if (p[i] == '"') {
            quoted = 1;
        } else if (p[i] == '{' || p[i] == '[') {
            depth++;
        } else if (p[i] == '}' || p[i] == ']') {
            if (--depth == 0)
                break;
        } else if (!strchr(outside, p[i])) {
            return 0;
        }
    }
    for (i++; i < n && (p[i] == ' ' || p[i] == '\t' || p[i] == '\r'); i++)
        ;
    return i >= n || p[i] == '\n';
}

/* Protocol 0, which is text: a mark or a name of a module, alone on its line. */
static int is_pickle(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n && p[i] != '\n'; i++)
        if (p[i] == ',')
            return 0;
    return *p == '(' || *p == 'c';
}

static void probe_text(struct km_probe *probe, const unsigned char *p, size_t n, const char *path)
{
    if (starts(p, n, "\xef\xbb\xbf", 3)) {
        p += 3;
        n -= 3;
    }
    while (n > 0 && isspace(*p)) {
        p++;
        n--;
    }
    probe->is_text = n == 0;
    if (n == 0)
        return;
    if (starts_word(p, n, "<!doctype html") || starts_word(p, n, "<html"))
        say(probe, "is an HTML page", FETCH);
    else if (starts_word(p, n, "<?xml") || starts_word(p, n, "<Error>"))
        probe_xml(probe, p, n);
    else if (starts_word(p, n, "version https://git-lfs.github.com/spec/"))
        say(probe, "is a pointer of Git LFS, not the data", "fetch the data with git lfs pull");
    else if (is_json(p, n))
        say(probe, "is JSON", TABLE);
    else if ((ends(path, ".pkl") || ends(path, ".pickle")) && is_pickle(p, n))
        say(probe, "is a Python pickle", ARRAYS);
    probe->is_text = !probe->what[0];
}

void km_probe(struct km_probe *probe, const unsigned char *p, size_t n, const char *path)
{
    int text;

    if (n > KM_PROBE_BYTES)
        n = KM_PROBE_BYTES;
    text = is_text(p, n);
    *probe = (struct km_probe){.kind = km_format_of_file(p, n, path), .todo = ""};
    if (probe->kind) {
        if (probe->kind->found)
            say(probe, probe->kind->found, probe->kind->todo);
        return;
    }
    if (starts(p, n, "\x1f\x8b", 2)) {
        probe_gzip(probe, path);
        return;
    }
    if (starts(p, n, "PK\3\4", 4) || starts(p, n, "PK\5\6", 4) || starts(p, n, "PK\7\10", 4)) {
        probe_zip(probe, p, n, path);
        return;
    }
    for (size_t i = 0; i < sizeof(signatures) / sizeof(*signatures); i++) {
        const struct signature *s = &signatures[i];

        if (starts(p, n, s->bytes, s->n) && !(s->words && text)) {
            say(probe, s->what, s->todo);
            return;
        }
    }
    if (n > 0 && text)
        probe_text(probe, p, n, path);
    else if (n > 0)
        probe_binary(probe, p, n, path);
}
