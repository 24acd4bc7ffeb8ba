/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csr.h"

#include "base/mem.h"
#include <assert.h>
#include <string.h>

int km_csr_init(struct km_csr *m, size_t max_n, size_t max_nnz, size_t d, struct km_err *err)
{
    *m = (struct km_csr){.d = d, .max_n = max_n, .max_nnz = max_nnz};
    m->at = km_alloc(max_n, sizeof(*m->at));
    m->len = km_alloc(max_n, sizeof(*m->len));
    m->col = km_alloc(max_nnz, sizeof(*m->col));
    m->val = km_alloc(max_nnz, sizeof(*m->val));
    if (m->at && m->len && m->col && m->val)
        return KM_OK;
    km_csr_done(m);
    return km_fail(err, KM_E_MEM, "no memory for %zu sparse rows of %zu values together", max_n,
                   max_nnz);
}

void km_csr_done(struct km_csr *m)
{
    km_free(m->at);
    km_free(m->len);
    km_free(m->col);
    km_free(m->val);
    *m = (struct km_csr){0};
}

void km_csr_copy_row(struct km_csr *m, const struct km_csr *from, size_t i)
{
    size_t len = from->len[i], at = from->at[i];

    assert(m->n < m->max_n && len <= m->max_nnz - m->nnz);
    memcpy(m->col + m->nnz, from->col + at, len * sizeof(*m->col));
    memcpy(m->val + m->nnz, from->val + at, len * sizeof(*m->val));
    m->at[m->n] = m->nnz;
    m->len[m->n++] = (uint32_t)len;
    m->nnz += len;
}

size_t km_csr_values(const struct km_csr *m)
{
    size_t total = 0;

    for (size_t i = 0; i < m->n; i++)
        total += m->len[i];
    return total;
}

double km_csr_norm2(const struct km_csr *m, size_t i)
{
    const float *val = m->val + m->at[i];
    size_t len = m->len[i], e = 0;
    double a = 0, b = 0, c = 0, d = 0; /* four chains: one would wait for itself */

    for (; e + 4 <= len; e += 4) {
        a += (double)val[e] * (double)val[e];
        b += (double)val[e + 1] * (double)val[e + 1];
        c += (double)val[e + 2] * (double)val[e + 2];
        d += (double)val[e + 3] * (double)val[e + 3];
    }
    for (; e < len; e++)
        a += (double)val[e] * (double)val[e];
    return (a + b) + (c + d);
}

double km_csr_dot(const struct km_csr *m, size_t i, const double *dense)
{
    const uint32_t *col = m->col + m->at[i];
    const float *val = m->val + m->at[i];
    size_t len = m->len[i], e = 0;
    double a = 0, b = 0, c = 0, d = 0;

    for (; e + 4 <= len; e += 4) {
        a += (double)val[e] * dense[col[e]];
        b += (double)val[e + 1] * dense[col[e + 1]];
        c += (double)val[e + 2] * dense[col[e + 2]];
        d += (double)val[e + 3] * dense[col[e + 3]];
    }
    for (; e < len; e++)
        a += (double)val[e] * dense[col[e]];
    return (a + b) + (c + d);
}
