/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transpose(), over the square block TRANSPOSE_T of BLOCK_T x BLOCK_T values that avx2.c and
 * avx512.c define before they include this.
 */

/*
 * n <= to_rows rows of d values (ld apart) become columns: to[t * to_rows + i] = from[i * ld + t].
 * Columns behind n are zero.
 */
static void transpose(float *to, size_t to_rows, const float *from, size_t ld, size_t n, size_t d)
{
    size_t whole_n = n / BLOCK_T * BLOCK_T, whole_d = d / BLOCK_T * BLOCK_T;

    for (size_t i = 0; i < whole_n; i += BLOCK_T) {
        for (size_t t = 0; t < whole_d; t += BLOCK_T)
            TRANSPOSE_T(to + t * to_rows + i, to_rows, from + i * ld + t, ld);
        for (size_t t = whole_d; t < d; t++)
            for (size_t l = i; l < i + BLOCK_T; l++)
                to[t * to_rows + l] = from[l * ld + t];
    }
    for (size_t t = 0; whole_n < to_rows && t < d; t++) {
        for (size_t i = whole_n; i < n; i++)
            to[t * to_rows + i] = from[i * ld + t];
        for (size_t i = n; i < to_rows; i++)
            to[t * to_rows + i] = 0;
    }
}
