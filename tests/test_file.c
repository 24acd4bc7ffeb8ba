/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "base/mem.h"
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char at_buffer[4096];

static const char *at(const char *folder, const char *name)
{
    snprintf(at_buffer, sizeof(at_buffer), "%s/%s", folder, name);
    return at_buffer;
}

static void put_file(const char *folder, const char *name, const char *text)
{
    FILE *f = fopen(at(folder, name), "wb");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void put_folder(const char *folder, const char *name)
{
    assert_int_equal(mkdir(at(folder, name), 0777), 0);
}

static int count_names(const char *folder)
{
    DIR *d = opendir(folder);
    int n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static void a_folder_is_listed_in_bytewise_order_of_the_whole_path(void **state)
{
    static const char *const expected[] = {"a.csv", "a/b", "a/c/d", "a0", "b"};
    char folder[256];
    struct km_files files = {0};
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    put_folder(folder, "a");
    put_folder(folder, "a/c");
    for (size_t i = 5; i-- > 0;)
        put_file(folder, expected[i], "12345");
    assert_ok(km_files_add(&files, at(folder, ""), &err), err);
    assert_int_equal(files.n, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(files.path[i], at(folder, expected[i]));
        assert_int_equal(files.bytes[i], 5);
    }
    assert_int_equal(files.total, 25);
    km_files_done(&files);
}

static void what_is_no_data_is_skipped_in_a_folder(void **state)
{
    char folder[256];
    struct km_files files = {0};
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    put_folder(folder, ".hidden");
    put_folder(folder, "_temporary");
    put_folder(folder, "empty");
    put_file(folder, ".hidden/a", "1");
    put_file(folder, "_temporary/a", "1");
    put_file(folder, ".part.crc", "1");
    put_file(folder, "_SUCCESS", "1");
    put_file(folder, "sub_$folder$", "1");
    put_file(folder, "model.7.sagemaker-ignore", "1");
    put_file(folder, "a.csv.sagemaker-uploading", "1");
    put_file(folder, "a.csv.sagemaker-uploaded", "1");
    put_file(folder, "zero", "");
    assert_int_equal(mkfifo(at(folder, "fifo"), 0600), 0);
    assert_ok(km_files_add(&files, folder, &err), err);
    assert_int_equal(files.n, 0);
    put_file(folder, "$folder$", "1");
    assert_ok(km_files_add(&files, folder, &err), err);
    assert_int_equal(files.n, 1);
    km_files_done(&files);
}

static void a_file_named_itself_is_always_taken(void **state)
{
    char folder[256];
    struct km_files files = {0};
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    put_file(folder, ".hidden", "1,2\n");
    put_file(folder, "_zero", "");
    assert_int_equal(mkfifo(at(folder, "fifo"), 0600), 0);
    assert_ok(km_files_add(&files, at(folder, "fifo"), &err), err);
    assert_ok(km_files_add(&files, at(folder, ".hidden"), &err), err);
    assert_ok(km_files_add(&files, at(folder, "_zero"), &err), err);
    assert_int_equal(files.n, 3);
    assert_string_equal(files.path[0], at(folder, "fifo"));
    assert_int_equal(files.bytes[0], 0);
    assert_int_equal(files.total, 4);
    km_files_done(&files);
}

static void more_files_than_one_growth_step_are_kept(void **state)
{
    char folder[256], name[16];
    struct km_files files = {0};
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "p%03d", (i * 37) % 100);
        put_file(folder, name, "1");
    }
    assert_ok(km_files_add(&files, folder, &err), err);
    assert_int_equal(files.n, 100);
    for (size_t i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "p%03zu", i);
        assert_string_equal(files.path[i], at(folder, name));
    }
    km_files_done(&files);
}

static void links_are_followed_and_loops_are_an_error(void **state)
{
    char folder[256];
    struct km_files files = {0};
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    put_folder(folder, "real");
    put_file(folder, "real/a", "1");
    assert_int_equal(symlink("real", at(folder, "link")), 0);
    assert_ok(km_files_add(&files, folder, &err), err);
    assert_int_equal(files.n, 2);
    km_files_done(&files);
    /* two links up would be 2^depth folders for who does not look */
    assert_int_equal(symlink("..", at(folder, "real/up")), 0);
    assert_int_equal(symlink("..", at(folder, "real/up2")), 0);
    assert_int_equal(km_files_add(&files, folder, &err), KM_E_INPUT);
    assert_contains(err.msg, "leads back to a folder that contains it");
    km_files_done(&files);
    assert_int_equal(symlink("self", at(folder, "self")), 0);
    assert_int_equal(km_files_add(&files, at(folder, "self"), &err), KM_E_INPUT);
    assert_contains(err.msg, "/self is a link to self, which leads back to it");
    km_files_done(&files);
}

static void a_folder_too_deep_is_an_error(void **state)
{
    char path[2048];
    struct km_files files = {0};
    struct km_err err;
    int n;

    (void)state;
    n = snprintf(path, sizeof(path), "%s", test_folder());
    for (int i = 0; i < 70; i++) {
        n += snprintf(path + n, sizeof(path) - (size_t)n, "/d");
        assert_int_equal(mkdir(path, 0777), 0);
    }
    path[n - 2 * 70] = 0;
    assert_int_equal(km_files_add(&files, path, &err), KM_E_INPUT);
    assert_contains(err.msg, "64 folders deep");
    km_files_done(&files);
}

static void a_missing_path_is_the_customers_error(void **state)
{
    struct km_files files = {0};
    struct km_err err;

    (void)state;
    assert_int_equal(km_files_add(&files, "/nowhere/at/all", &err), KM_E_INPUT);
    assert_string_equal(err.msg, "/nowhere/at/all: no such file or folder");
    km_files_done(&files);
}

static void a_link_that_leads_nowhere_is_the_customers_error(void **state)
{
    char folder[256], link[300], expected[700];
    struct km_files files = {0};
    struct km_stream *stream;
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    put_file(folder, "a", "1");
    assert_int_equal(symlink("/nowhere/b", at(folder, "b")), 0);
    snprintf(link, sizeof(link), "%s/b", folder);
    snprintf(expected, sizeof(expected),
             "%s is a link to /nowhere/b, which does not exist; remove it or restore the file",
             link);
    assert_int_equal(km_files_add(&files, folder, &err), KM_E_INPUT);
    assert_string_equal(err.msg, expected);
    assert_int_equal(km_files_add(&files, link, &err), KM_E_INPUT);
    assert_string_equal(err.msg, expected);
    assert_int_equal(km_stream_open(&stream, link, &err), KM_E_INPUT);
    assert_string_equal(err.msg, expected);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("a/x", link), 0); /* through a file */
    assert_int_equal(km_files_add(&files, folder, &err), KM_E_INPUT);
    assert_contains(err.msg, "/b is a link to a/x, which does not exist");
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("b", link), 0);
    assert_int_equal(km_files_add(&files, folder, &err), KM_E_INPUT);
    assert_contains(err.msg, "/b is a link to b, which leads back to it; remove it or restore");
    km_files_done(&files);
}

static void listing_survives_each_failed_allocation(void **state)
{
    char folder[256];
    struct km_err err;
    size_t n;
    int rc = KM_E_MEM;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    put_file(folder, "a", "1");
    put_file(folder, "b", "1");
    for (n = 1; rc == KM_E_MEM; n++) {
        struct km_files files = {0};

        km_alloc_fail_at(n);
        rc = km_files_add(&files, folder, &err);
        km_alloc_fail_at(0);
        km_files_done(&files);
    }
    assert_int_equal(rc, KM_OK);
    assert_true(n > 5);
}

static void put_pattern(const char *path, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    for (size_t i = 0; i < n; i++)
        putc((int)(i * 7 + i / 251) & 0xff, f);
    assert_int_equal(fclose(f), 0);
}

static void a_stream_shows_all_bytes_in_order_whatever_is_asked_for(void **state)
{
    static const size_t wants[] = {1, 3, 8, 4000, 70000, ((size_t)1 << 20) + 1, 3000000};
    const size_t size = 5000001;
    char path[300];
    struct km_err err;

    (void)state;
    snprintf(path, sizeof(path), "%s/data", test_folder());
    put_pattern(path, size);
    for (size_t w = 2; w < sizeof(wants) / sizeof(*wants); w++) {
        const unsigned char *p;
        struct km_stream *s;
        size_t seen = 0, got;

        assert_ok(km_stream_open(&s, path, &err), err);
        for (;;) {
            assert_ok(km_stream_peek(s, wants[w], &p, &got, &err), err);
            assert_true(got >= wants[w] || seen + got == size);
            if (got == 0)
                break;
            got = got < wants[w] ? got : wants[w];
            assert_int_equal(km_stream_at(s), seen);
            for (size_t i = 0; i < got; i++, seen++) {
                if (p[i] != (unsigned char)(seen * 7 + seen / 251))
                    fail_msg("byte %zu with want %zu", seen, wants[w]);
            }
            km_stream_skip(s, got);
        }
        assert_int_equal(seen, size);
        km_stream_close(s);
    }
}

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
    assert_ok(km_stream_open_until(&s, path, stop, &err), err);
    assert_int_equal(write(stop, &one, sizeof(one)), sizeof(one));
    assert_int_equal(km_stream_peek(s, 1, &p, &got, &err), KM_E_SYS);
    assert_contains(err.msg, "stopped");
    km_stream_close(s);
    close(stop);
}

static void write_text(const char *path, const char *text)
{
    struct km_writer *w;
    struct km_err err;

    assert_ok(km_writer_open(&w, path, &err), err);
    assert_ok(km_writer_put(w, text, strlen(text), &err), err);
    assert_ok(km_writer_commit(w, &err), err);
}

static void assert_text(const char *path, const char *text)
{
    char got[100] = "";
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    assert_int_equal(fread(got, 1, sizeof(got) - 1, f), strlen(text));
    assert_string_equal(got, text);
    fclose(f);
}

/* Replaces standard input; what it was is restored by passing the result on. */
static int put_stdin(int fd)
{
    int before = dup(STDIN_FILENO);

    assert_true(dup2(fd, STDIN_FILENO) == STDIN_FILENO);
    close(fd);
    return before;
}

#define MUCH (3 << 20) /* more than a stream's first buffer */

struct much {
    int fd;
    const char *bytes; /* (MUCH) */
};

static void *write_much(void *arg)
{
    struct much *m = arg;

    for (size_t n = 0; n < MUCH;) {
        ssize_t done = write(m->fd, m->bytes + n, MUCH - n);

        assert_true(done > 0);
        n += (size_t)done;
    }
    close(m->fd);
    return NULL;
}

static void assert_looks_alike(const char *bytes, size_t look)
{
    const unsigned char *p;
    struct km_stream *s;
    struct km_err err;
    size_t got;

    assert_ok(km_stream_open(&s, KM_STDIN, &err), err);
    for (size_t n = 0; n < look; n += 500) {
        assert_ok(km_stream_peek(s, 500, &p, &got, &err), err);
        assert_memory_equal(p, bytes + n, 500);
        assert_int_equal(km_stream_at(s), n);
        km_stream_skip(s, 500);
    }
    km_stream_close(s);
}

static void a_pipe_can_be_looked_at_until_it_is_read(void **state)
{
    char *bytes = km_alloc(MUCH, 1);
    struct much much = {.bytes = bytes};
    const unsigned char *p;
    struct km_stream *s;
    struct km_err err;
    pthread_t writer;
    size_t got;
    int ends[2], before;

    (void)state;
    for (size_t i = 0; i < MUCH; i++)
        bytes[i] = (char)(i * 7919 >> 8);
    assert_int_equal(pipe(ends), 0);
    much.fd = ends[1];
    before = put_stdin(ends[0]);
    assert_int_equal(pthread_create(&writer, NULL, write_much, &much), 0);
    assert_ok(km_stream_keep(KM_STDIN, &err), err);
    assert_looks_alike(bytes, 1000);
    assert_looks_alike(bytes, 2000000);
    assert_looks_alike(bytes, 3000);
    km_stream_unkeep(KM_STDIN);
    assert_ok(km_stream_open(&s, KM_STDIN, &err), err);
    assert_ok(km_stream_peek(s, MUCH + 1, &p, &got, &err), err);
    assert_int_equal(got, MUCH);
    assert_memory_equal(p, bytes, MUCH);
    km_stream_close(s);
    pthread_join(writer, NULL);
    assert_ok(km_stream_open(&s, KM_STDIN, &err), err);
    assert_ok(km_stream_peek(s, 1, &p, &got, &err), err);
    assert_int_equal(got, 0); /* nothing was kept any more */
    km_stream_close(s);
    close(put_stdin(before));
    km_free(bytes);
}

static void looking_at_a_file_needs_nothing(void **state)
{
    char folder[256];
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    put_file(folder, "rows", "1,2\n");
    for (int i = 0; i < 2; i++) {
        const unsigned char *p;
        struct km_stream *s;
        size_t got;

        assert_ok(km_stream_keep(at(folder, "rows"), &err), err);
        assert_ok(km_stream_open(&s, at(folder, "rows"), &err), err);
        assert_ok(km_stream_peek(s, 9, &p, &got, &err), err);
        assert_int_equal(got, 4);
        km_stream_close(s);
        km_stream_unkeep(at(folder, "rows"));
    }
    assert_int_equal(km_stream_keep("/nowhere", &err), KM_E_SYS);
}

static void standard_input_has_a_name(void **state)
{
    static char dash[] = "-", other[] = "./-", alias[] = "/dev/fd/0";
    char *one[] = {other, dash}, *two[] = {alias};
    char folder[256], c;
    struct km_err err;
    int times = 0, before;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    put_file(folder, "rows", "1,2\n");
    before = put_stdin(open(at(folder, "rows"), O_RDONLY));
    assert_ok(km_stdin_name(one, 2, &times, &err), err);
    assert_string_equal(one[0], "./-");
    assert_string_equal(one[1], KM_STDIN);
    assert_int_equal(km_stdin_name(two, 1, &times, &err), KM_E_INPUT);
    assert_contains(err.msg, "named more than once");
    times = 0;
    assert_int_equal(read(STDIN_FILENO, &c, 1), 1);
    assert_int_equal(km_stdin_name(two, 1, &times, &err), KM_E_INPUT);
    assert_contains(err.msg, "of which 1 bytes have been read already");
    times = 0;
    close(put_stdin(open(folder, O_RDONLY)));
    assert_int_equal(km_stdin_name(two, 1, &times, &err), KM_E_INPUT);
    assert_contains(err.msg, "standard input is a folder");
    times = 0;
    close(STDIN_FILENO);
    assert_int_equal(km_stdin_name(two, 1, &times, &err), KM_E_INPUT);
    assert_contains(err.msg, "standard input is closed");
    assert_int_equal(dup2(before, STDIN_FILENO), STDIN_FILENO);
    close(before);
}

static void a_file_appears_whole_and_replaces_the_old_one(void **state)
{
    char folder[256], path[300];
    struct km_writer *w;
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    snprintf(path, sizeof(path), "%s/model", folder);
    write_text(path, "old");
    assert_ok(km_writer_open(&w, path, &err), err);
    assert_ok(km_writer_put(w, "new", 3, &err), err);
    assert_text(path, "old");
    assert_int_equal(count_names(folder), 2);
    assert_ok(km_writer_commit(w, &err), err);
    assert_text(path, "new");
    assert_int_equal(count_names(folder), 1);
}

static void an_aborted_file_leaves_nothing_behind(void **state)
{
    char folder[256], path[300];
    struct km_writer *w;
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    snprintf(path, sizeof(path), "%s/model", folder);
    assert_ok(km_writer_open(&w, path, &err), err);
    assert_ok(km_writer_put(w, "new", 3, &err), err);
    km_writer_abort(w);
    assert_int_equal(count_names(folder), 0);
    km_writer_abort(NULL);
}

static void a_leftover_of_a_killed_run_does_not_stop_the_next(void **state)
{
    char folder[256], path[300], left[400];

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    snprintf(path, sizeof(path), "%s/model", folder);
    snprintf(left, sizeof(left), "model.%ld.sagemaker-ignore", (long)getpid());
    put_file(folder, left, "half a mod");
    write_text(path, "new");
    assert_text(path, "new");
    assert_int_equal(count_names(folder), 1);
}

static void a_link_keeps_leading_to_the_file_that_is_written(void **state)
{
    char folder[256], path[300];
    struct stat st;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    put_file(folder, "target", "old");
    snprintf(path, sizeof(path), "%s/link", folder);
    assert_int_equal(symlink("target", path), 0);
    write_text(path, "new");
    assert_text(at(folder, "target"), "new");
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
}

static void much_data_passes_through_the_buffer(void **state)
{
    char folder[256], path[300];
    struct km_writer *w;
    struct km_err err;
    struct stat st;
    size_t total = 0;
    char *big = km_alloc(1000000, 1);

    (void)state;
    assert_non_null(big);
    snprintf(folder, sizeof(folder), "%s", test_folder());
    snprintf(path, sizeof(path), "%s/big", folder);
    assert_ok(km_writer_open(&w, path, &err), err);
    for (size_t n = 1; n < 1000000; n = n * 3 + 1) {
        assert_ok(km_writer_put(w, big, n, &err), err);
        total += n;
    }
    assert_ok(km_writer_commit(w, &err), err);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, total);
    km_free(big);
}

static void a_device_is_written_to_directly(void **state)
{
    struct km_writer *w;
    struct km_err err;
    struct stat st;

    (void)state;
    write_text("/dev/null", "x");
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
    assert_ok(km_writer_open(&w, "/dev/full", &err), err);
    assert_ok(km_writer_put(w, "x", 1, &err), err);
    assert_int_equal(km_writer_commit(w, &err), KM_E_SYS);
    assert_string_equal(err.msg, "/dev/full: cannot be written: No space left on device");
}

static void a_missing_folder_and_a_folder_are_no_target(void **state)
{
    struct km_writer *w;
    struct km_err err;

    (void)state;
    assert_int_equal(km_writer_open(&w, "/nowhere/model", &err), KM_E_SYS);
    assert_null(w);
    assert_string_equal(err.msg, "/nowhere/model: cannot be created: No such file or directory");
    assert_int_equal(km_writer_open(&w, "/tmp", &err), KM_E_INPUT);
    assert_contains(err.msg, "is a folder");
    assert_int_equal(km_writer_open(&w, "", &err), KM_E_INPUT);
}

static void a_folder_without_write_permission_is_told(void **state)
{
    char folder[256], path[300];
    struct km_writer *w;
    struct km_err err;

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    snprintf(path, sizeof(path), "%s/model", folder);
    assert_int_equal(chmod(folder, 0555), 0);
    if (geteuid() == 0 && seteuid(65534)) /* root may write everywhere */
        skip();
    assert_int_equal(km_writer_open(&w, path, &err), KM_E_SYS);
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
    assert_contains(err.msg, "Permission denied");
    assert_int_equal(chmod(folder, 0700), 0);
}

static void a_full_disk_leaves_the_old_file_and_no_temporary_one(void **state)
{
    char folder[256], path[300];
    struct rlimit before, small;
    struct km_writer *w;
    struct km_err err;
    char *big = km_alloc(1000000, 1);

    (void)state;
    snprintf(folder, sizeof(folder), "%s", test_folder());
    snprintf(path, sizeof(path), "%s/model", folder);
    write_text(path, "old");
    signal(SIGXFSZ, SIG_IGN); /* the file size limit stands in for the disk's */
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){100000, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_ok(km_writer_open(&w, path, &err), err);
    assert_int_equal(km_writer_put(w, big, 1000000, &err), KM_E_SYS);
    assert_contains(err.msg, "model: cannot be written: File too large");
    km_writer_abort(w);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_text(path, "old");
    assert_int_equal(count_names(folder), 1);
    km_free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_listed_in_bytewise_order_of_the_whole_path),
        cmocka_unit_test(what_is_no_data_is_skipped_in_a_folder),
        cmocka_unit_test(a_file_named_itself_is_always_taken),
        cmocka_unit_test(more_files_than_one_growth_step_are_kept),
        cmocka_unit_test(links_are_followed_and_loops_are_an_error),
        cmocka_unit_test(a_folder_too_deep_is_an_error),
        cmocka_unit_test(a_missing_path_is_the_customers_error),
        cmocka_unit_test(a_link_that_leads_nowhere_is_the_customers_error),
        cmocka_unit_test(listing_survives_each_failed_allocation),
        cmocka_unit_test(a_stream_shows_all_bytes_in_order_whatever_is_asked_for),
        cmocka_unit_test(a_stream_tells_what_it_cannot_open),
        cmocka_unit_test(a_fifo_is_read_to_its_end_though_the_writer_comes_late),
        cmocka_unit_test(waiting_for_a_fifo_can_be_stopped),
        cmocka_unit_test(a_pipe_can_be_looked_at_until_it_is_read),
        cmocka_unit_test(looking_at_a_file_needs_nothing),
        cmocka_unit_test(standard_input_has_a_name),
        cmocka_unit_test(a_file_appears_whole_and_replaces_the_old_one),
        cmocka_unit_test(an_aborted_file_leaves_nothing_behind),
        cmocka_unit_test(a_leftover_of_a_killed_run_does_not_stop_the_next),
        cmocka_unit_test(a_link_keeps_leading_to_the_file_that_is_written),
        cmocka_unit_test(much_data_passes_through_the_buffer),
        cmocka_unit_test(a_device_is_written_to_directly),
        cmocka_unit_test(a_missing_folder_and_a_folder_are_no_target),
        cmocka_unit_test(a_folder_without_write_permission_is_told),
        cmocka_unit_test(a_full_disk_leaves_the_old_file_and_no_temporary_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
