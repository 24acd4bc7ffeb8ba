/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows what a k-means model found in images of handwritten digits:
 *
 *   mnist_show model_algo-1 IMAGES LABELS CENTERS.png
 *
 * Every image goes to its nearest center (float64, straight from the definition, so that it also
 * checks the trainer's msd). Prints a table of true digits against clusters, draws the centers in
 * the terminal and writes them as a PNG. Pixels are divided by 256, as the example trains on them.
 */
#include "base/mem.h"
#include "io/gunzip.h"
#include "io/idx.h"
#include "io/model.h"
#include "io/writer.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <zlib.h>

#define DIGITS  10
#define SIDE    28
#define PIXELS  (SIDE * SIDE)
#define ZOOM    4 /* PNG pixels for one of an image */
#define MARGIN  8
#define PER_ROW 5 /* centers side by side in the terminal */

struct result {
    struct km_mat centers;
    uint64_t (*count)[DIGITS]; /* [k][digit] */
    uint64_t images;
    double sum; /* of squared distances */
};

static size_t nearest(const struct km_mat *c, const unsigned char *image, double *distance)
{
    size_t best = 0;

    *distance = HUGE_VAL;
    for (size_t j = 0; j < c->n; j++) {
        const float *row = km_mat_row(c, j);
        double sum = 0;

        for (size_t t = 0; t < c->d; t++) {
            double diff = image[t] / 256.0 - (double)row[t];

            sum += diff * diff;
        }
        if (sum < *distance) {
            *distance = sum;
            best = j;
        }
    }
    return best;
}

static int open_idx(struct km_idx **x, const char *path, struct km_err *err)
{
    struct km_stream *s; /* open until the program ends, as is *x */
    int zipped, rc = km_stream_open(&s, path, err);

    if (!rc)
        rc = km_gunzip(&s, &zipped, err);
    return rc ? rc : km_idx_open(x, s, err);
}

/* Opens images and labels, and checks that they belong together. */
static int open_data(struct km_idx **images, struct km_idx **labels, const char *image_path,
                     const char *label_path, const struct km_mat *c, struct km_err *err)
{
    int rc;

    rc = open_idx(images, image_path, err);
    if (!rc)
        rc = open_idx(labels, label_path, err);
    if (rc)
        return rc;
    if (km_idx_dim(*images) != PIXELS || c->d != PIXELS)
        return km_fail(err, KM_E_INPUT,
                       "%s: found images of %zu pixels, and a model of %zu features; "
                       "expected %d",
                       image_path, km_idx_dim(*images), c->d, PIXELS);
    if (km_idx_axes(*labels) != 1 || km_idx_rows(*labels) != km_idx_rows(*images))
        return km_fail(
            err, KM_E_INPUT, "%s: found %" PRIu64 " items on %zu axes, expected %" PRIu64 " labels",
            label_path, km_idx_rows(*labels), km_idx_axes(*labels), km_idx_rows(*images));
    return KM_OK;
}

static int count_all(struct result *r, struct km_idx *images, struct km_idx *labels,
                     struct km_err *err)
{
    const unsigned char *image, *label;
    double distance;
    int rc;

    while ((rc = km_idx_next(images, &image, err)) == KM_MORE) {
        rc = km_idx_next(labels, &label, err);
        if (rc != KM_MORE)
            return rc;
        if (*label >= DIGITS)
            return km_fail(err, KM_E_INPUT, "label %" PRIu64 " is %d, expected 0 to 9",
                           r->images + 1, *label);
        r->count[nearest(&r->centers, image, &distance)][*label]++;
        r->sum += distance;
        r->images++;
    }
    return rc;
}

static int majority(const uint64_t *count)
{
    int best = 0;

    for (int digit = 1; digit < DIGITS; digit++)
        if (count[digit] > count[best])
            best = digit;
    return best;
}

static void print_table(const struct result *r)
{
    size_t k = r->centers.n;
    uint64_t pure = 0;

    printf("True digits (rows) against clusters (columns), %" PRIu64 " images:\n\n  digit",
           r->images);
    for (size_t j = 0; j < k; j++)
        printf(" %5zu", j);
    printf("\n  -----");
    for (size_t j = 0; j < k; j++)
        printf(" -----");
    for (int digit = 0; digit < DIGITS; digit++) {
        printf("\n  %5d", digit);
        for (size_t j = 0; j < k; j++)
            printf(" %5" PRIu64, r->count[j][digit]);
    }
    printf("\n  most ");
    for (size_t j = 0; j < k; j++) {
        pure += r->count[j][majority(r->count[j])];
        printf(" %5d", majority(r->count[j]));
    }
    printf("\n\nPurity (images whose digit is the most frequent one of their cluster): %.1f %%\n",
           100 * (double)pure / (double)r->images);
    printf("Mean squared distance, computed here in float64: %.6f\n", r->sum / (double)r->images);
}

/* Brightness 0..1 of a center at (x, y) in 0..1, from the pixel there. */
static double pixel(const float *center, double x, double y)
{
    double v = (double)center[(size_t)(y * SIDE) * SIDE + (size_t)(x * SIDE)];

    return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* Mean brightness of cell (column, row) when the image is laid over a grid of w x h cells. */
static double cell(const float *center, int column, int row, int w, int h)
{
    double sum = 0;

    for (int i = 0; i < 16; i++)
        sum += pixel(center, (column + (i % 4 + 0.5) / 4) / w, (row + (i / 4 + 0.5) / 4) / h);
    return sum / 16;
}

/* Columns of one center, so that PER_ROW of them fit the terminal. */
static int cell_columns(void)
{
    struct winsize size;
    int width = PER_ROW * (SIDE + 1);

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        width = size.ws_col;
    width = (width + 1) / PER_ROW - 1;
    return width > SIDE ? SIDE : width < 8 ? 8 : width;
}

/* Two cells of the grid in one character: grey half blocks, or a ramp of ASCII. */
static void draw_cell(const float *center, int column, int line, int w, int lines, int blocks)
{
    static const char ramp[] = " .:-=+*#%@";
    double v;

    if (blocks) {
        int upper = 232 + (int)(cell(center, column, 2 * line, w, 2 * lines) * 23.99);
        int lower = 232 + (int)(cell(center, column, 2 * line + 1, w, 2 * lines) * 23.99);

        printf("\033[38;5;%dm\033[48;5;%dm\xe2\x96\x80", upper, lower);
        return;
    }
    v = sqrt(cell(center, column, line, w, lines)); /* faint strokes of a mean shall be seen */
    putchar(ramp[(int)(v * 9.99)]);
}

static void draw(const struct result *r)
{
    int columns = cell_columns(), lines = (columns + 1) / 2;
    int blocks = isatty(STDOUT_FILENO) && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    size_t k = r->centers.n;

    for (size_t from = 0; from < k; from += PER_ROW) {
        size_t to = from + PER_ROW < k ? from + PER_ROW : k;

        putchar('\n');
        for (int line = 0; line < lines; line++) {
            for (size_t j = from; j < to; j++) {
                for (int column = 0; column < columns; column++)
                    draw_cell(km_mat_row(&r->centers, j), column, line, columns, lines, blocks);
                fputs(blocks ? "\033[0m " : " ", stdout);
            }
            putchar('\n');
        }
        for (size_t j = from; j < to; j++)
            printf("%2zu: %-*d", j, columns - 3, majority(r->count[j]));
        putchar('\n');
    }
}

static void put_be(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (24 - 8 * i));
}

/* A PNG chunk: length, type, data, check sum of type and data. */
static int put_chunk(struct km_writer *w, const char *type, const unsigned char *data, size_t n,
                     struct km_err *err)
{
    unsigned char head[8], tail[4];
    uLong crc;
    int rc;

    put_be(head, (uint32_t)n);
    memcpy(head + 4, type, 4);
    crc = crc32(0, head + 4, 4);
    if (n > 0)
        crc = crc32(crc, data, (uInt)n);
    put_be(tail, (uint32_t)crc);
    rc = km_writer_put(w, head, sizeof(head), err);
    if (!rc)
        rc = km_writer_put(w, data, n, err);
    return rc ? rc : km_writer_put(w, tail, sizeof(tail), err);
}

/* Writes width x height grey pixels; each line of `lines` has a filter byte (0) in front. */
static int write_png(const char *path, const unsigned char *lines, size_t width, size_t height,
                     struct km_err *err)
{
    static const unsigned char magic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    unsigned char head[13] = {0};
    uLong size = (uLong)((width + 1) * height);
    uLongf packed_size = compressBound(size);
    unsigned char *packed = km_alloc(packed_size, 1);
    struct km_writer *w = NULL;
    int rc;

    if (!packed || compress(packed, &packed_size, lines, size) != Z_OK) {
        km_free(packed);
        return km_fail(err, KM_E_MEM, "no memory for %s", path);
    }
    put_be(head, (uint32_t)width);
    put_be(head + 4, (uint32_t)height);
    head[8] = 8; /* bits; the zeros behind it say: grey, deflate, no interlace */
    rc = km_writer_open(&w, path, err);
    if (!rc)
        rc = km_writer_put(w, magic, sizeof(magic), err);
    if (!rc)
        rc = put_chunk(w, "IHDR", head, sizeof(head), err);
    if (!rc)
        rc = put_chunk(w, "IDAT", packed, packed_size, err);
    if (!rc)
        rc = put_chunk(w, "IEND", NULL, 0, err);
    if (!rc) {
        rc = km_writer_commit(w, err);
        w = NULL;
    }
    km_writer_abort(w);
    km_free(packed);
    return rc;
}

/* The centers side by side, enlarged, on a dark grey ground. */
static int write_picture(const char *path, const struct km_mat *c, struct km_err *err)
{
    size_t step = SIDE * ZOOM + MARGIN;
    size_t width = c->n * step + MARGIN, height = step + MARGIN;
    unsigned char *lines = km_alloc(height, width + 1);
    int rc;

    if (!lines)
        return km_fail(err, KM_E_MEM, "no memory for a picture of %zu centers", c->n);
    for (size_t y = 0; y < height; y++) {
        unsigned char *line = lines + y * (width + 1) + 1;

        memset(line, 64, width);
        if (y < MARGIN || y >= MARGIN + SIDE * ZOOM)
            continue;
        for (size_t j = 0; j < c->n; j++) {
            for (size_t x = 0; x < SIDE * ZOOM; x++) {
                double v = pixel(km_mat_row(c, j), ((double)x + 0.5) / (SIDE * ZOOM),
                                 ((double)(y - MARGIN) + 0.5) / (SIDE * ZOOM));

                line[MARGIN + j * step + x] = (unsigned char)(v * 255 + 0.5);
            }
        }
    }
    rc = write_png(path, lines, width, height, err);
    km_free(lines);
    return rc;
}

static int show(char **path, struct km_err *err)
{
    struct result r = {0};
    struct km_idx *images = NULL, *labels = NULL;
    int rc;

    rc = km_model_read(path[0], &r.centers, err);
    if (rc)
        return rc;
    r.count = km_alloc(r.centers.n, sizeof(*r.count));
    if (!r.count) {
        rc = km_fail(err, KM_E_MEM, "no memory for %zu clusters", r.centers.n);
        goto out;
    }
    rc = open_data(&images, &labels, path[1], path[2], &r.centers, err);
    if (!rc)
        rc = count_all(&r, images, labels, err);
    if (!rc)
        rc = write_picture(path[3], &r.centers, err);
    if (rc)
        goto out;
    print_table(&r);
    printf("\nThe centers, each with its most frequent digit:\n");
    draw(&r);
out:
    km_idx_close(images);
    km_idx_close(labels);
    km_free(r.count);
    km_mat_done(&r.centers);
    return rc;
}

int main(int argc, char **argv)
{
    struct km_err err;

    if (argc != 5) {
        fprintf(stderr, "usage: mnist_show MODEL IMAGES LABELS CENTERS.png\n");
        return 2;
    }
    setlocale(LC_CTYPE, "");
    if (show(argv + 1, &err)) {
        fprintf(stderr, "mnist_show: %s\n", err.msg);
        return err.code == KM_E_INPUT ? 2 : 3;
    }
    return 0;
}
