/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void km_rng_seed(struct km_rng *r, uint64_t seed, uint64_t purpose, uint64_t index)
{
    uint64_t x = seed;

    /* Each word is mixed before the next is added, so that near seeds give far streams. */
    x = splitmix(&x) ^ purpose;
    x = splitmix(&x) ^ index;
    for (int i = 0; i < 4; i++)
        r->s[i] = splitmix(&x);
}

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t km_rng_next(struct km_rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t km_rng_below(struct km_rng *r, uint64_t n)
{
    __extension__ typedef unsigned __int128 u128;
    u128 m = (u128)km_rng_next(r) * n;

    if ((uint64_t)m < n) {
        uint64_t floor = (0 - n) % n;

        while ((uint64_t)m < floor)
            m = (u128)km_rng_next(r) * n;
    }
    return (uint64_t)(m >> 64);
}

double km_rng_unit(struct km_rng *r)
{
    return (double)(km_rng_next(r) >> 11) * 0x1p-53;
}
