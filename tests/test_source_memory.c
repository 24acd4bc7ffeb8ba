/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "io/stream.h"

static void memory_is_a_stream_as_a_file_is(void **state)
{
    static const char text[] = "0123456789";
    const unsigned char *p;
    struct km_stream *s;
    struct km_err err;
    size_t got;

    (void)state;
    assert_ok(km_stream_open_memory(&s, "the request", text, 10, &err), err);
    assert_true(km_stream_again(s));
    assert_string_equal(km_stream_path(s), "the request");
    for (uint64_t at = 10; at < 11; at--) {
        assert_ok(km_stream_seek(s, at, &err), err);
        assert_ok(km_stream_peek(s, 20, &p, &got, &err), err);
        assert_int_equal(got, 10 - at);
        assert_memory_equal(p, text + at, got);
    }
    km_stream_close(s);
}

static void no_bytes_are_an_end(void **state)
{
    const unsigned char *p;
    struct km_stream *s;
    struct km_err err;
    size_t got;

    (void)state;
    assert_ok(km_stream_open_memory(&s, "nothing", NULL, 0, &err), err);
    assert_ok(km_stream_peek(s, 1, &p, &got, &err), err);
    assert_int_equal(got, 0);
    km_stream_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_a_stream_as_a_file_is),
        cmocka_unit_test(no_bytes_are_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
