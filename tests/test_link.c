/* SPDX-License-Identifier: Apache-2.0 */
/* Frames over a socket, whatever comes. */
#include "tests/launch_test.h"

#include <unistd.h>

static void put_bytes(struct km_link *l, const void *bytes, size_t n)
{
    assert_int_equal(write(l->fd, bytes, n), n);
}

static void a_frame_gives_back_what_was_put_into_it(void **state)
{
    struct km_link a, b;
    struct km_frame f;
    char text[16];

    (void)state;
    open_pair(&a, &b);
    km_link_begin(&a, 7);
    km_link_put_u32(&a, 0xfffffffe);
    km_link_put_u64(&a, 0x0123456789abcdef);
    km_link_put_f64(&a, -0.1);
    km_link_put_text(&a, "text");
    km_link_end(&a);
    km_put_nothing(&a, 8);
    assert_int_equal(km_link_flush(&a), 0);
    assert_int_equal(km_link_fill(&b), 0);
    assert_int_equal(km_link_next(&b, &f), 1);
    assert_int_equal(f.type, 7);
    assert_int_equal(km_frame_u32(&f), 0xfffffffe);
    assert_true(km_frame_u64(&f) == 0x0123456789abcdef);
    assert_true(km_frame_f64(&f) == -0.1);
    assert_int_equal(km_frame_done(&f), -1);
    km_frame_text(&f, text, sizeof(text));
    assert_string_equal(text, "text");
    assert_int_equal(km_frame_done(&f), 0);
    assert_int_equal(km_link_next(&b, &f), 1);
    assert_int_equal(f.type, 8);
    assert_int_equal(km_frame_done(&f), 0);
    assert_int_equal(km_link_next(&b, &f), 0);
    km_link_close(&a);
    assert_int_equal(km_link_fill(&b), -1);
    km_link_close(&b);
    km_link_close(&b);
}

static void a_frame_that_comes_in_single_bytes_is_whole_with_the_last(void **state)
{
    static const unsigned char bytes[] = {0, 0, 0, 6, 5, 0, 0, 0, 2, 'h', 'i'};
    struct km_link a, b;
    struct km_frame f;
    char text[4];

    (void)state;
    open_pair(&a, &b);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        assert_int_equal(km_link_next(&b, &f), 0);
        put_bytes(&a, bytes + i, 1);
        assert_int_equal(km_link_fill(&b), 0);
    }
    assert_int_equal(km_link_next(&b, &f), 1);
    km_frame_text(&f, text, sizeof(text));
    assert_string_equal(text, "hi");
    km_link_close(&a);
    km_link_close(&b);
}

static void garbage_is_found_before_anything_is_kept_for_it(void **state)
{
    static const char *const garbage[] = {
        "GET / HTTP/1.1\r\n\r\n",       /* as a length it is more than a gigabyte */
        "\xff\xff\xff\xff\x01",         /* the longest */
        "\x00\x00\x10\x01\x01",         /* one byte more than is taken */
        "\x00\x00\x00\x00\x00",         /* no type */
        "\x16\x03\x01\x02\x00\x01\x00", /* TLS */
    };
    static const size_t n[] = {18, 5, 5, 5, 7};

    (void)state;
    for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
        struct km_link a, b;
        struct km_frame f;

        open_pair(&a, &b);
        put_bytes(&a, garbage[i], n[i]);
        assert_int_equal(km_link_fill(&b), 0);
        assert_int_equal(km_link_next(&b, &f), -1);
        assert_true(b.in_room <= MOST);
        km_link_close(&a);
        km_link_close(&b);
    }
}

static void a_sender_without_end_fills_no_memory(void **state)
{
    static const char zeros[MOST];
    struct km_link a, b;

    (void)state;
    open_pair(&a, &b);
    put_bytes(&a, "\x00\x00\x10\x00\x01", 5); /* a frame of MOST bytes, and then more */
    for (int i = 0; i < 8; i++)
        put_bytes(&a, zeros, sizeof(zeros));
    for (int i = 0; i < 8; i++)
        assert_int_equal(km_link_fill(&b), 0);
    assert_true(b.in_room <= 2 * MOST + 16);
    km_link_close(&a);
    km_link_close(&b);
}

static void a_reader_that_never_reads_ends_the_link(void **state)
{
    struct km_link a, b;
    int rc = 0;

    (void)state;
    open_pair(&a, &b);
    for (int i = 0; i < 10000 && rc == 0; i++) {
        km_put_text(&a, 1,
                    "a text that nobody reads, again and again, until there is no room for it");
        for (int j = 0; j < 20; j++)
            km_put_nothing(&a, 2);
        rc = km_link_flush(&a);
    }
    assert_int_equal(rc, -1);
    assert_true(a.out_room <= (size_t)2 << 20);
    km_link_close(&a);
    km_link_close(&b);
}

/* A frame of these bytes. */
static struct km_frame frame_of(const void *bytes, size_t n)
{
    return (struct km_frame){1, bytes, n, 0};
}

static void values_that_are_not_there_fail_and_are_zero(void **state)
{
    struct km_frame f = frame_of("\x01\x02\x03", 3);
    char text[8] = "old";

    (void)state;
    assert_int_equal(km_frame_u32(&f), 0);
    assert_int_equal(f.failed, 1);
    assert_int_equal(km_frame_done(&f), -1);
    f = frame_of("\x00\x00\x00\x05gone", 8); /* longer than the frame */
    km_frame_text(&f, text, sizeof(text));
    assert_string_equal(text, "");
    assert_int_equal(f.failed, 1);
    f = frame_of("\x00\x00\x00\x08too long", 12); /* longer than the place for it */
    km_frame_text(&f, text, sizeof(text));
    assert_string_equal(text, "");
    assert_int_equal(f.failed, 1);
    f = frame_of("\x00\x00\x00\x03"
                 "a\0b",
                 7);
    km_frame_text(&f, text, sizeof(text));
    assert_string_equal(text, "");
    assert_int_equal(f.failed, 1);
}

/* Counts frames, and wants nothing behind one of type 9. */
static int count(void *n, struct km_frame *f)
{
    (*(int *)n)++;
    return f->type == 9;
}

static void a_link_is_served_until_a_frame_is_not_wanted_or_the_other_side_ends(void **state)
{
    struct km_link a, b;
    int n = 0;

    (void)state;
    open_pair(&a, &b);
    assert_int_equal(km_link_serve(&b, count, &n), 0);
    km_put_nothing(&a, 1);
    km_put_nothing(&a, 2);
    assert_int_equal(km_link_flush(&a), 0);
    km_put_nothing(&b, 3); /* what is to be sent is sent as well */
    assert_int_equal(km_link_serve(&b, count, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(km_link_serve(&a, count, &n), 0);
    assert_int_equal(n, 3);
    km_put_nothing(&a, 9);
    km_put_nothing(&a, 1);
    km_link_flush(&a);
    assert_int_equal(km_link_serve(&b, count, &n), -1);
    assert_int_equal(n, 4);
    km_link_close(&a);
    assert_int_equal(km_link_serve(&b, count, &n), -1); /* the last words are heard */
    assert_int_equal(n, 5);
    km_link_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_gives_back_what_was_put_into_it),
        cmocka_unit_test(a_frame_that_comes_in_single_bytes_is_whole_with_the_last),
        cmocka_unit_test(garbage_is_found_before_anything_is_kept_for_it),
        cmocka_unit_test(a_sender_without_end_fills_no_memory),
        cmocka_unit_test(a_reader_that_never_reads_ends_the_link),
        cmocka_unit_test(values_that_are_not_there_fail_and_are_zero),
        cmocka_unit_test(a_link_is_served_until_a_frame_is_not_wanted_or_the_other_side_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
