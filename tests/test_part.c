/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "io/part.h"

#define FILES 5

static uint64_t bytes[FILES];
static char *paths[FILES];
static struct km_files files = {.path = paths, .bytes = bytes, .n = FILES};

static void set_sizes(const uint64_t size[FILES])
{
    memcpy(bytes, size, sizeof(bytes));
    files.total = 0;
    for (int i = 0; i < FILES; i++)
        files.total += bytes[i];
}

/* Each byte is in one part, and the parts are as large as they can be alike. */
static void each_byte_is_in_one_part(void **state)
{
    static const uint64_t sizes[][FILES] = {
        {10, 1, 7, 3, 2}, {1, 1, 1, 1, 1}, {100, 1, 1, 1, 1}, {1, 1, 1, 1, 100}, {3, 5, 8, 13, 21}};

    (void)state;
    for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
        for (size_t parts = 1; parts <= 30; parts++) {
            uint64_t all = 0;

            set_sizes(sizes[s]);
            for (size_t p = 0; p < parts; p++) {
                const struct km_part part = {p, parts};
                uint64_t own = 0, at = 0;

                for (size_t i = 0; i < FILES; at += bytes[i++]) {
                    struct km_range r;

                    if (!km_part_of_file(&part, &files, i, at, &r))
                        continue;
                    assert_int_equal(r.turns, 0);
                    assert_int_equal(at + r.from, all + own > at ? all + own : at);
                    own += (r.to ? r.to : bytes[i]) - r.from;
                }
                assert_int_equal(own, km_part_bytes(&part, &files));
                assert_true(own >= files.total / parts && own <= files.total / parts + 1);
                all += own;
            }
            assert_int_equal(all, files.total);
        }
}

static void what_has_no_size_is_divided_by_turns(void **state)
{
    struct km_range r;

    (void)state;
    set_sizes((const uint64_t[FILES]){4, 0, 4, 0, 0});
    assert_true(km_part_of_file(&(struct km_part){2, 3}, &files, 1, 4, &r));
    assert_int_equal(r.turn, 2);
    assert_int_equal(r.turns, 3);
    assert_int_equal(r.from + r.to, 0);
    assert_true(km_part_of_file(&(struct km_part){0, 1}, &files, 1, 4, &r));
    assert_int_equal(r.turns, 0);
}

/* total * part would not fit into 64 bits. */
static void large_sizes_do_not_overflow(void **state)
{
    const struct km_part last = {999, 1000};
    struct km_range r;

    (void)state;
    set_sizes((const uint64_t[FILES]){(uint64_t)1 << 61, 0, 0, 0, 0});
    assert_true(km_part_of_file(&last, &files, 0, 0, &r));
    assert_int_equal(r.to, 0);
    assert_true(r.from > ((uint64_t)1 << 61) / 1000 * 998);
    assert_int_equal(((uint64_t)1 << 61) - r.from, km_part_bytes(&last, &files));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_is_in_one_part),
        cmocka_unit_test(what_has_no_size_is_divided_by_turns),
        cmocka_unit_test(large_sizes_do_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
