/* SPDX-License-Identifier: Apache-2.0 */
/* The row of plain C, and which row a CPU has. */
#include "io/numbers.h"

#include "io/numbers_body.h"

/* Bit i: byte i of x is 0. */
static uint64_t zeros(uint64_t x)
{
    const uint64_t low = KM_DIGITS_ONES * 0x7f;

    x = ~(((x & low) + low) | x | low); /* the highest bit of each such byte */
    return (x >> 7) * 0x0102040810204080 >> 56;
}

static inline uint64_t find(const char *p, char c)
{
    uint64_t bits = 0, x;

    for (int i = 0; i < BLOCK; i += 8) {
        memcpy(&x, p + i, sizeof(x));
        bits |= zeros(x ^ KM_DIGITS_ONES * (unsigned char)c) << i;
    }
    return bits;
}

/* Up to 8 digits at p, of which *are becomes 0 if they are none. */
static inline uint32_t sum_some(const char *p, unsigned n, int *are)
{
    uint64_t x = n > 0 ? km_digits_load(p) << (64 - 8 * n) : 0;

    *are &= km_digits_are(x);
    return km_digits_sum(x);
}

/* What stands before the mark and what stands behind it, up to 8 digits each. */
static inline int sum_up(const char *p, unsigned len, char mark, struct digits *d)
{
    static const uint32_t power[9] = {1,      10,      100,      1000,     10000,
                                      100000, 1000000, 10000000, 100000000};
    uint64_t x;
    unsigned at;
    int are = 1;

    memcpy(&x, p, sizeof(x));
    x = zeros(x ^ KM_DIGITS_ONES * (unsigned char)mark);
    at = (unsigned)__builtin_ctzll(x | 1ULL << (len < 8 ? len : 8));
    d->behind = at < len ? len - at - 1 : 0;
    if (d->behind > 8 || at + d->behind == 0)
        return 0;
    d->all = (uint64_t)sum_some(p, at, &are) * power[d->behind];
    if (at < len) /* behind a mark, or what is taken for one */
        d->all += sum_some(p + at + 1, d->behind, &are);
    return are && (at == len || p[at] == mark);
}

static size_t take(const char **p, const char *end, const struct km_dialect *d, float *value,
                   size_t n)
{
    return take_fields(p, end, d, value, n);
}

const struct km_numbers km_numbers_generic = {"generic", take};

/* What this CPU can run; the compiler's test covers the operating system's part. */
static size_t first_row(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2"))
        return 2;
    return !(__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
             __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("bmi2"));
#else
    return 0;
#endif
}

const struct km_numbers *const *km_numbers_all(void)
{
    static const struct km_numbers *const all[] = {
#if defined(__x86_64__)
        &km_numbers_avx512,
        &km_numbers_avx2,
#endif
        &km_numbers_generic,
        NULL
    };

    return all + first_row();
}

const struct km_numbers *km_numbers_pick(const char *level)
{
    const struct km_numbers *const *all = km_numbers_all();

    if (level && strcmp(level, "blas") == 0)
        return &km_numbers_generic;
    for (size_t i = 0; level && all[i]; i++)
        if (strcmp(all[i]->level, level) == 0)
            return all[i];
    return *all;
}
