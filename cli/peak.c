/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/peak.h"

#include "base/clock.h"
#include "base/machine.h"
#include "base/mem.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* A multiply-add takes 4 to 5 cycles and a core starts up to two in each: 8 to 10 independent
 * chains keep it busy, and 12 with their two constants fit the 16 registers of AVX2. */
#define CHAINS 12
/* Loads in flight of one thread of reading. */
#define STREAMS 8

#define FMA_ROUNDS   200000 /* of a task: a quarter of a millisecond */
#define FMA_TASKS    24     /* of each worker, so that one that started late costs little */
#define READ_TASKS   256
#define READ_MINIMUM ((size_t)128 << 20)
#define READ_MAXIMUM ((size_t)1 << 30)

/* What comes out goes here, so that nothing is optimized away. */
static volatile float sink;
static volatile float factor = 0.999F, addend = 0.001F; /* converges to 1: never denormal */

/*
 * Both loops for one instruction set. A macro, since the intrinsics of a set may be used only in
 * functions that are compiled for it.
 */
#define PEAK_LOOPS(isa, target, V, LANES, SET1, FMA, ADD, LOAD, STORE)                             \
    target static float sum_##isa(V *v, int n)                                                     \
    {                                                                                              \
        float lane[LANES], total = 0;                                                              \
                                                                                                   \
        for (int i = 1; i < n; i++)                                                                \
            v[0] = ADD(v[0], v[i]);                                                                \
        STORE(lane, v[0]);                                                                         \
        for (int i = 0; i < LANES; i++)                                                            \
            total += lane[i];                                                                      \
        return total;                                                                              \
    }                                                                                              \
                                                                                                   \
    target static void fma_##isa(size_t rounds)                                                    \
    {                                                                                              \
        V m = SET1(factor), a = SET1(addend), acc[CHAINS];                                         \
                                                                                                   \
        _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; i++) acc[i] = SET1((float)i);         \
        for (size_t r = 0; r < rounds; r++)                                                        \
            _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; i++) acc[i] = FMA(acc[i], m, a);  \
        sink = sum_##isa(acc, CHAINS);                                                             \
    }                                                                                              \
                                                                                                   \
    target static float read_##isa(const float *from, size_t floats)                               \
    {                                                                                              \
        V acc[STREAMS];                                                                            \
                                                                                                   \
        _Pragma("GCC unroll 16") for (int i = 0; i < STREAMS; i++) acc[i] = SET1(0);               \
        for (const float *end = from + floats; from < end; from += STREAMS * LANES)                \
            _Pragma("GCC unroll 16") for (int i = 0; i < STREAMS; i++) acc[i] =                    \
                ADD(acc[i], LOAD(from + i * LANES));                                               \
        return sum_##isa(acc, STREAMS);                                                            \
    }

#if defined(__x86_64__)
#define MULTIPLY_ADD(x, m, a) _mm_add_ps(_mm_mul_ps(x, m), a)
PEAK_LOOPS(avx512, __attribute__((target("avx512f"))), __m512, 16, _mm512_set1_ps, _mm512_fmadd_ps,
           _mm512_add_ps, _mm512_loadu_ps, _mm512_storeu_ps)
PEAK_LOOPS(avx2, __attribute__((target("avx2,fma"))), __m256, 8, _mm256_set1_ps, _mm256_fmadd_ps,
           _mm256_add_ps, _mm256_loadu_ps, _mm256_storeu_ps)
PEAK_LOOPS(base, , __m128, 4, _mm_set1_ps, MULTIPLY_ADD, _mm_add_ps, _mm_loadu_ps, _mm_storeu_ps)
#elif defined(__aarch64__)
#define MULTIPLY_ADD(x, m, a) vfmaq_f32(a, x, m)
PEAK_LOOPS(base, , float32x4_t, 4, vdupq_n_f32, MULTIPLY_ADD, vaddq_f32, vld1q_f32, vst1q_f32)
#else
#define SAME(x)               (x)
#define ADD(x, y)             ((x) + (y))
#define FIRST(p)              (*(p))
#define PUT(p, x)             (*(p) = (x))
#define MULTIPLY_ADD(x, m, a) ((x) * (m) + (a))
PEAK_LOOPS(base, , float, 1, SAME, MULTIPLY_ADD, ADD, FIRST, PUT)
#endif

static void pick_loops(struct km_peak *p, const char *level)
{
    size_t lanes = 4;

    p->fma = fma_base;
    p->read = read_base;
#if defined(__x86_64__)
    if (strcmp(level, "avx2") != 0 && __builtin_cpu_supports("avx512f")) {
        p->fma = fma_avx512;
        p->read = read_avx512;
        lanes = 16;
    } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        p->fma = fma_avx2;
        p->read = read_avx2;
        lanes = 8;
    }
#elif !defined(__aarch64__)
    lanes = 1;
#endif
    (void)level;
    p->flops_per_round = 2.0 * CHAINS * (double)lanes;
}

static void fill_task(void *arg, size_t task, int worker)
{
    const struct km_peak *p = arg;
    size_t n = p->floats / READ_TASKS;

    (void)worker;
    for (size_t i = task * n; i < (task + 1) * n; i++)
        p->buffer[i] = 1; /* a page that nobody wrote is one page of zeros in cache */
}

/* Not sysconf, which tells of all L3 caches together on some CPUs. */
size_t km_peak_l3(void)
{
    unsigned long kib = 0;
    FILE *f = fopen("/sys/devices/system/cpu/cpu0/cache/index3/size", "re");

    if (f && fscanf(f, "%luK", &kib) != 1)
        kib = 0;
    if (f)
        fclose(f);
    return (size_t)kib << 10;
}

int km_peak_init(struct km_peak *p, const char *level, size_t l3, struct km_pool *pool,
                 struct km_err *err)
{
    size_t bytes = 4 * l3;
    uint64_t half =
        km_memory_available() / 2; /* of a small container, rather than a true read rate */

    *p = (struct km_peak){0};
    pick_loops(p, level);
    bytes = bytes < READ_MINIMUM ? READ_MINIMUM : bytes > READ_MAXIMUM ? READ_MAXIMUM : bytes;
    bytes = bytes < half ? bytes : (size_t)half;
    p->floats = bytes / sizeof(float) / (READ_TASKS * 1024) * (READ_TASKS * 1024);
    p->buffer = km_alloc(p->floats, sizeof(float));
    if (!p->buffer)
        return km_fail(err, KM_E_MEM, "no memory for %zu MB to measure the read rate with",
                       bytes >> 20);
    km_pool_run(pool, fill_task, p, READ_TASKS);
    return KM_OK;
}

void km_peak_done(struct km_peak *p)
{
    km_free(p->buffer);
    *p = (struct km_peak){0};
}

static void fma_task(void *arg, size_t task, int worker)
{
    const struct km_peak *p = arg;

    (void)task;
    (void)worker;
    p->fma(FMA_ROUNDS);
}

static void read_task(void *arg, size_t task, int worker)
{
    const struct km_peak *p = arg;
    size_t n = p->floats / READ_TASKS;

    (void)worker;
    sink = p->read(p->buffer + task * n, n);
}

double km_peak_clock(const struct km_pool *pool)
{
    struct timespec t;

    if (km_pool_threads(pool) > 1)
        return km_now();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double km_peak_flops(const struct km_peak *p, struct km_pool *pool)
{
    size_t tasks = FMA_TASKS * (size_t)km_pool_threads(pool);
    double start = km_peak_clock(pool);

    km_pool_run(pool, fma_task, (void *)p, tasks);
    return (double)tasks * FMA_ROUNDS * p->flops_per_round / (km_peak_clock(pool) - start);
}

double km_peak_read(const struct km_peak *p, struct km_pool *pool)
{
    double start = km_peak_clock(pool);

    km_pool_run(pool, read_task, (void *)p, READ_TASKS);
    return (double)p->floats * sizeof(float) / (km_peak_clock(pool) - start);
}
