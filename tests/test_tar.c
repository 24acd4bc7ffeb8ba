/* SPDX-License-Identifier: Apache-2.0 */
/* The archive of a model, read by the programs that will read it: GNU tar and Python's tarfile. */
#include "tests/test.h"

#include "io/model.h"
#include "io/tar.h"

#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

struct place {
    char folder[300];
    char archive[400], second[400], member[400];
};

static void make_place(struct place *p)
{
    snprintf(p->folder, sizeof(p->folder), "%s", test_folder());
    snprintf(p->archive, sizeof(p->archive), "%s/model.tar.gz", p->folder);
    snprintf(p->second, sizeof(p->second), "%s/second.tar.gz", p->folder);
    snprintf(p->member, sizeof(p->member), "%s/%s", p->folder, KM_MODEL_NAME);
}

static void remove_place(const struct place *p)
{
    unlink(p->archive);
    unlink(p->second);
    unlink(p->member);
    assert_int_equal(rmdir(p->folder), 0);
}

/* Runs a program with its standard output in out. Exit code, 127 if there is no such program. */
static int run_program(char *const *argv, char *out, size_t room)
{
    int ends[2], status;
    size_t n = 0;
    ssize_t got;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        setenv("TZ", "UTC", 1);
        execvp(argv[0], argv);
        _exit(127);
    }
    close(ends[1]);
    while (n + 1 < room && (got = read(ends[0], out + n, room - 1 - n)) > 0)
        n += (size_t)got;
    out[n] = 0;
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void pack(const char *path, size_t k, size_t d)
{
    struct km_mat c;
    struct km_err err;

    assert_ok(km_mat_init(&c, k, d, &err), err);
    for (size_t j = 0; j < k; j++)
        for (size_t t = 0; t < d; t++)
            km_mat_row(&c, j)[t] = (float)(j * d + t) / 3;
    assert_ok(km_model_pack(path, &c, &err), err);
    km_mat_done(&c);
}

static size_t get_file(const char *path, unsigned char *bytes, size_t room)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    assert_non_null(f);
    n = fread(bytes, 1, room, f);
    fclose(f);
    return n;
}

static void the_archive_is_ustar_with_one_member_and_two_zero_blocks(void **state)
{
    static const unsigned char zeros[1024];
    unsigned char b[8192];
    struct place p;
    gzFile f;

    (void)state;
    make_place(&p);
    pack(p.archive, 10, 10); /* 472 bytes: one block */
    f = gzopen(p.archive, "rb");
    assert_non_null(f);
    assert_int_equal(gzread(f, b, sizeof(b)), 4 * 512);
    assert_int_equal(gzclose(f), Z_OK);
    assert_string_equal((char *)b, "model_algo-1");
    assert_memory_equal(b + 100, "0000644", 8);
    assert_memory_equal(b + 108, "0000000\0000000000", 16);
    assert_memory_equal(b + 124, "00000000730\00000000000000", 24);
    assert_int_equal(b[156], '0');
    assert_memory_equal(b + 257, "ustar\00000", 8);
    assert_memory_equal(b + 512 + 472, zeros, 40);
    assert_memory_equal(b + 1024, zeros, 1024);
    remove_place(&p);
}

static void the_same_centers_give_the_same_bytes_without_a_time(void **state)
{
    static unsigned char a[1 << 18], b[1 << 18];
    size_t n;
    struct place p;

    (void)state;
    make_place(&p);
    pack(p.archive, 10, 784);
    pack(p.second, 10, 784);
    n = get_file(p.archive, a, sizeof(a));
    assert_int_equal(get_file(p.second, b, sizeof(b)), n);
    assert_memory_equal(a, b, n);
    assert_memory_equal(a, "\x1f\x8b\x08\0\0\0\0\0", 8); /* no name, no time */
    remove_place(&p);
}

static void gnu_tar_lists_and_unpacks_it(void **state)
{
    static const struct {
        size_t k, d;
    } shapes[] = {{1, 1}, {10, 784}, {11, 10}, {100, 3000}};
    struct km_mat c;
    struct km_err err;
    struct place p;
    char out[1024], size[32];

    (void)state;
    make_place(&p);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        char *list[] = {"tar", "--numeric-owner", "-tvzf", p.archive, NULL};
        char *unpack[] = {"tar", "-xzf", p.archive, "-C", p.folder, NULL};
        int rc;

        pack(p.archive, shapes[i].k, shapes[i].d);
        rc = run_program(list, out, sizeof(out));
        if (rc == 127) {
            remove_place(&p);
            skip();
        }
        assert_int_equal(rc, 0);
        snprintf(size, sizeof(size), " %zu ", 72 + 4 * shapes[i].k * shapes[i].d);
        assert_contains(out, "-rw-r--r-- 0/0");
        assert_contains(out, size);
        assert_contains(out, "1970-01-01 00:00 model_algo-1\n");
        assert_int_equal(run_program(unpack, out, sizeof(out)), 0);
        assert_ok(km_model_read(p.member, &c, &err), err);
        assert_int_equal(c.n, shapes[i].k);
        assert_true(km_mat_row(&c, c.n - 1)[c.d - 1] == (float)(c.n * c.d - 1) / 3);
        km_mat_done(&c);
    }
    remove_place(&p);
}

static void python_tarfile_reads_it(void **state)
{
    static char script[] = "import struct, sys, tarfile\n"
                           "t = tarfile.open(sys.argv[1])\n"
                           "m, = t.getmembers()\n"
                           "b = t.extractfile(m).read()\n"
                           "print(m.name, oct(m.mode), m.uid, m.gid, m.mtime, m.size, "
                           "struct.unpack('<f', b[68:72])[0])\n";
    char out[1024];
    struct place p;
    char *argv[] = {"python3", "-c", script, p.archive, NULL};
    int rc;

    (void)state;
    make_place(&p);
    pack(p.archive, 2, 6);
    rc = run_program(argv, out, sizeof(out));
    remove_place(&p);
    if (rc == 127)
        skip();
    assert_int_equal(rc, 0);
    assert_string_equal(out, "model_algo-1 0o644 0 0 0 120 0.3333333432674408\n");
}

static void what_ustar_cannot_hold_is_refused(void **state)
{
    char name[101];
    struct km_err err;

    (void)state;
    memset(name, 'a', 100);
    name[100] = 0;
    assert_int_equal(km_tar_gz_write("x.tar.gz", name, "", 0, &err), KM_E_INPUT);
    assert_contains(err.msg, "x.tar.gz");
    assert_int_equal(km_tar_gz_write("x.tar.gz", "a", "", (size_t)1 << 33, &err), KM_E_INPUT);
    assert_contains(err.msg, "8589934592 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_archive_is_ustar_with_one_member_and_two_zero_blocks),
        cmocka_unit_test(the_same_centers_give_the_same_bytes_without_a_time),
        cmocka_unit_test(gnu_tar_lists_and_unpacks_it),
        cmocka_unit_test(python_tarfile_reads_it),
        cmocka_unit_test(what_ustar_cannot_hold_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
