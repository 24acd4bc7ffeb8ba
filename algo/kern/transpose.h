/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transpose(), over the square block TRANSPOSE_T of BLOCK_T x BLOCK_T values and transpose_pairs
 * that avx2.c and avx512.c define before they include this.
 */

/*
 * n <= to_rows rows of d values (ld apart) become columns: to[t * to_rows + i] = from[i * ld + t].
 * Columns behind n are zero. `to` has room for d rounded up to 16 rows; those behind d are
 * undefined. May read up to the end of row `readable` - 1, so that rows narrower than a block go
 * through it as well.
 */
static void transpose(float *to, size_t to_rows, const float *from, size_t ld, size_t n, size_t d,
                      size_t readable)
{
    size_t i = 0;

    for (; ld == 2 && i + BLOCK_T <= n; i += BLOCK_T)
        transpose_pairs(to + i, to_rows, from + i * ld);
    for (; i + BLOCK_T <= n && (i + BLOCK_T - 1) * ld + BLOCK_T <= readable * ld; i += BLOCK_T)
        for (size_t t = 0; t < d; t += BLOCK_T)
            TRANSPOSE_T(to + t * to_rows + i, to_rows, from + i * ld + t, ld);
    for (size_t t = 0; i < to_rows && t < d; t++) {
        for (size_t l = i; l < n; l++)
            to[t * to_rows + l] = from[l * ld + t];
        for (size_t l = n; l < to_rows; l++)
            to[t * to_rows + l] = 0;
    }
}
