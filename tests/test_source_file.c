/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/file_help.h"

#include "io/stream.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>

static void a_stream_tells_what_it_cannot_open(void **state)
{
    struct km_stream *s;
    struct km_err err;

    (void)state;
    assert_int_equal(km_stream_open(&s, "/nowhere/x", &err), KM_E_SYS);
    assert_null(s);
    assert_contains(err.msg, "/nowhere/x: cannot be opened: No such file");
    assert_int_equal(km_stream_open(&s, "/tmp", &err), KM_E_INPUT);
    assert_contains(err.msg, "is a folder");
}

static void *write_slowly(void *path)
{
    int fd;

    usleep(50000);
    fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(write(fd, "abcdefgh", 8), 8);
        usleep(10000);
    }
    close(fd);
    return NULL;
}

static void a_fifo_is_read_to_its_end_though_the_writer_comes_late(void **state)
{
    char path[300];
    const unsigned char *p;
    struct km_stream *s;
    struct km_err err;
    pthread_t writer;
    size_t got;

    (void)state;
    snprintf(path, sizeof(path), "%s/fifo", test_folder());
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_slowly, path), 0);
    assert_ok(km_stream_open(&s, path, &err), err);
    assert_ok(km_stream_peek(s, 1000, &p, &got, &err), err);
    assert_int_equal(got, 40);
    assert_memory_equal(p + 32, "abcdefgh", 8);
    pthread_join(writer, NULL);
    km_stream_close(s);
}

static void waiting_for_a_fifo_can_be_stopped(void **state)
{
    char path[300];
    const uint64_t one = 1;
    const unsigned char *p;
    struct km_stream *s;
    struct km_err err;
    size_t got;
    int stop = eventfd(0, 0);

    (void)state;
    snprintf(path, sizeof(path), "%s/fifo", test_folder());
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_ok(km_stream_open(&s, path, &err), err);
    km_stream_until(s, stop);
    assert_int_equal(write(stop, &one, sizeof(one)), sizeof(one));
    assert_int_equal(km_stream_peek(s, 1, &p, &got, &err), KM_E_SYS);
    assert_contains(err.msg, "stopped");
    km_stream_close(s);
    close(stop);
}

static void a_pipe_on_standard_input_is_read_and_can_be_opened_once_more(void **state)
{
    int ends[2], before;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    before = put_stdin(ends[0]);
    assert_int_equal(write(ends[1], "ab", 2), 2);
    close(ends[1]);
    for (size_t left = 2; left != SIZE_MAX; left -= left ? 2 : 1) {
        const unsigned char *p;
        struct km_stream *s;
        struct km_err err;
        size_t got;

        assert_ok(km_stream_open(&s, KM_STDIN, &err), err);
        assert_false(km_stream_again(s));
        assert_ok(km_stream_peek(s, 3, &p, &got, &err), err);
        assert_int_equal(got, left);
        km_stream_close(s);
    }
    close(put_stdin(before));
}

static void a_file_can_be_read_again_from_any_byte(void **state)
{
    const char *folder = test_folder();
    const unsigned char *p;
    struct km_stream *s;
    struct km_err err;
    char path[300];
    size_t got;

    (void)state;
    put_file(folder, "rows", "0123456789");
    snprintf(path, sizeof(path), "%s/rows", folder);
    assert_ok(km_stream_open(&s, path, &err), err);
    assert_true(km_stream_again(s));
    for (uint64_t at = 11; at-- > 0;) {
        assert_ok(km_stream_seek(s, at, &err), err);
        assert_ok(km_stream_peek(s, 20, &p, &got, &err), err);
        assert_int_equal(got, 10 - at);
        assert_true(got == 0 || p[0] == '0' + at);
        assert_int_equal(km_stream_at(s), at);
    }
    km_stream_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_tells_what_it_cannot_open),
        cmocka_unit_test(a_fifo_is_read_to_its_end_though_the_writer_comes_late),
        cmocka_unit_test(waiting_for_a_fifo_can_be_stopped),
        cmocka_unit_test(a_pipe_on_standard_input_is_read_and_can_be_opened_once_more),
        cmocka_unit_test(a_file_can_be_read_again_from_any_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
