/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every row of io/numbers.h against strtof, field by field. KM_TEST_NUMBERS=100000000 for as many
 * fields instead of 300,000.
 */
#include "io/numbers.h"

#include "base/number.h"
#include "tests/io_help.h"
#include "tests/number_help.h"

#include <sys/mman.h>

#define FIELDS 80
#define ROOM   ((size_t)1 << 16)

/* Memory that ends where no byte can be read. */
static char *open_memory(void)
{
    char *p = mmap(NULL, 2 * ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(p != MAP_FAILED);
    assert_int_equal(mprotect(p + ROOM, ROOM, PROT_NONE), 0);
    return p;
}

/* A field: a number, or now and then something that is none. */
static int random_field(struct km_rng *g, const struct km_dialect *d, char *text, size_t size)
{
    static const char *const none[] = {"",    " 1",    "1 ",  "\"1\"", "nan", "-",  ".",
                                       "+",   "1.2.3", "1-2", "12a",   "1e",  "-.", "1_0",
                                       "0x1", "/",     ":",   "--1",   "\xb1"};
    uint64_t kind = km_rng_below(g, 400);
    char *mark;
    int n;

    if (kind < sizeof(none) / sizeof(*none))
        n = snprintf(text, size, "%s", none[kind]);
    else
        n = number_random(g, text, size);
    mark = strchr(text, '.');
    if (mark)
        *mark = d->point;
    return n;
}

/* The value of a field as strtof has it; 0 if it is no number as km_take_decimal takes it. */
static int judge(const char *text, size_t n, const struct km_dialect *d, float *value)
{
    char copy[128];
    char *mark;

    memcpy(copy, text, n);
    copy[n] = 0;
    if (km_take_decimal(copy, copy + n, d->point, value) != copy + n)
        return 0;
    mark = strchr(copy, d->point);
    if (mark)
        *mark = '.';
    *value = strtof(copy, &mark);
    return *mark == 0;
}

struct line {
    const char *text, *end;
    size_t fields;            /* that are numbers, from the first on */
    const char *stop[FIELDS]; /* where each ends */
    float value[FIELDS];
};

/* A line of random fields, which ends at `end`. */
static void make_line(struct line *l, struct km_rng *g, const struct km_dialect *d, char *end)
{
    char text[FIELDS * 128];
    size_t n = 1 + km_rng_below(g, FIELDS), at = 0, stops[FIELDS];
    int good = 1;
    char *begin;

    l->fields = 0;
    for (size_t i = 0; i < n; i++) {
        size_t len = (size_t)random_field(g, d, text + at, 120);

        good = good && judge(text + at, len, d, &l->value[l->fields]);
        at += len;
        stops[i] = at;
        l->fields += (size_t)good;
        if (i + 1 < n)
            text[at++] = d->separator;
    }
    begin = end - at;
    memcpy(begin, text, at);
    l->text = begin;
    l->end = end;
    for (size_t i = 0; i < n; i++)
        l->stop[i] = begin + stops[i];
}

static void check_row(const struct km_numbers *row, const struct line *l,
                      const struct km_dialect *d, size_t most)
{
    float value[FIELDS + 1] = {0};
    const char *p = l->text;
    size_t expected = l->fields < most ? l->fields : most, n;

    n = row->take(&p, l->end, d, value, most);
    if (n != expected || p != (n > 0 ? l->stop[n - 1] : l->text))
        fail_msg("%s took %zu of %zu fields of \"%.*s\"", row->level, n, expected,
                 (int)(l->end - l->text), l->text);
    for (size_t i = 0; i < n; i++)
        if (memcmp(&value[i], &l->value[i], sizeof(value[i])) != 0)
            fail_msg("%s: field %zu of \"%.*s\" is %.9g, expected %.9g", row->level, i,
                     (int)(l->end - l->text), l->text, (double)value[i], (double)l->value[i]);
    assert_true(value[most] == 0);
}

static void every_row_takes_what_strtof_says(void **state)
{
    static const char separators[] = ",;\t|\x01,,,";
    const char *wanted = getenv("KM_TEST_NUMBERS");
    size_t most = wanted ? strtoull(wanted, NULL, 10) : 300000, taken = 0;
    char *memory = open_memory();
    struct km_rng g;
    struct line l;

    (void)state;
    km_rng_seed(&g, test_seed(), 3, 0);
    while (taken < most) {
        struct km_dialect d = {separators[km_rng_below(&g, sizeof(separators) - 1)], '.'};
        size_t n = km_rng_below(&g, 4) ? FIELDS : km_rng_below(&g, FIELDS);

        if (d.separator != ',' && km_rng_below(&g, 3) == 0)
            d.point = ',';
        make_line(&l, &g, &d, memory + ROOM);
        for (const struct km_numbers *const *row = km_numbers_all(); *row; row++)
            check_row(*row, &l, &d, n);
        taken += l.fields;
    }
    munmap(memory, 2 * ROOM);
}

static void lines_of_small_numbers_of_any_length_are_taken(void **state)
{
    char *memory = open_memory();
    struct km_rng g;
    struct line l;

    (void)state;
    km_rng_seed(&g, test_seed(), 3, 1);
    for (int round = 0; round < 3000; round++) {
        const struct km_dialect d = {',', '.'};
        char *p = memory + ROOM - 1;

        for (l.end = p + 1, l.fields = 1 + km_rng_below(&g, FIELDS); p > memory + ROOM - 400;) {
            *p-- = (char)('0' + km_rng_below(&g, 10));
        }
        p = memory + ROOM;
        for (size_t i = l.fields; i-- > 0; p -= i > 0) {
            size_t digits = 1 + km_rng_below(&g, 4);

            if (i + 1 < l.fields)
                *p = ',';
            l.stop[i] = p;
            l.value[i] = 0;
            p -= digits;
            for (size_t j = 0; j < digits; j++)
                l.value[i] = l.value[i] * 10 + (float)(p[j] - '0');
        }
        l.text = p;
        for (const struct km_numbers *const *row = km_numbers_all(); *row; row++)
            check_row(*row, &l, &d, FIELDS);
    }
    munmap(memory, 2 * ROOM);
}

static void a_row_is_picked_by_the_level_of_the_kernels(void **state)
{
    const struct km_numbers *const *all = km_numbers_all();

    (void)state;
    assert_ptr_equal(km_numbers_pick(NULL), all[0]);
    assert_ptr_equal(km_numbers_pick(""), all[0]);
    assert_ptr_equal(km_numbers_pick("vnni"), all[0]);
    assert_ptr_equal(km_numbers_pick("blas"), &km_numbers_generic);
    for (; *all; all++)
        assert_ptr_equal(km_numbers_pick((*all)->level), *all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_takes_what_strtof_says),
        cmocka_unit_test(lines_of_small_numbers_of_any_length_are_taken),
        cmocka_unit_test(a_row_is_picked_by_the_level_of_the_kernels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
