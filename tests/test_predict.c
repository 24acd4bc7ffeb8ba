/* SPDX-License-Identifier: Apache-2.0 */
/* A model and rows against brute force: rows as given, and those where the training keeps them. */
#include "tests/algo_test.h"

#include "algo/predict.h"

enum { ROWS = 400, DIM = 11, K = 7 };

/* Rows around an offset (none for sparse rows, a third of whose values are 0), and a model of some
 * of them. */
struct setup {
    struct km_mat x, model;
    float origin[DIM];
    struct km_written written;
};

/* In a setup's own struct, as `written` points into it. */
static void make_setup(struct setup *s, int sparse, int exponent)
{
    s->x = random_rows(ROWS, DIM, 8);
    s->model = make_mat(K, DIM);
    for (size_t t = 0; t < DIM; t++)
        s->origin[t] = sparse ? 0 : 64;
    for (size_t i = 0; i < ROWS; i++)
        for (size_t t = 0; t < DIM; t++) {
            float *v = &km_mat_row(&s->x, i)[t];

            /* on a grid, so that the rows can be brought near 0 */
            *v = sparse && (i + t) % 3 == 0 ? 0 : roundf(*v * 1024) / 1024 + s->origin[t];
        }
    for (size_t j = 0; j < K; j++)
        memcpy(km_mat_row(&s->model, j), km_mat_row(&s->x, 5 * j), DIM * sizeof(float));
    s->written = (struct km_written){&s->model, s->origin, exponent};
}

static void done_setup(struct setup *s)
{
    km_mat_done(&s->x);
    km_mat_done(&s->model);
}

/* Of the rows as they are now. */
static void brute(const struct setup *s, uint32_t *label, double *dist2)
{
    double center[K * DIM];

    for (size_t v = 0; v < K * DIM; v++)
        center[v] = (double)km_mat_row(&s->model, v / DIM)[v % DIM];
    for (size_t i = 0; i < ROWS; i++) {
        label[i] = (uint32_t)brute_nearest(km_mat_row(&s->x, i), center, K, DIM);
        dist2[i] = brute_dist2(km_mat_row(&s->x, i), center + label[i] * DIM, DIM);
    }
}

static struct km_predict *predict_for(const struct setup *s, int sparse, struct km_pool *pool)
{
    struct km_step_size size = {.rows = ROWS, .k = K, .d = DIM, .sparse = sparse};
    struct km_predict *p;
    struct km_err err;

    assert_ok(km_predict_new(&p, &s->written, &size, test_kern(), pool, &err), err);
    return p;
}

/* Moves dense rows. */
static void check_given(struct setup *s, int sparse, struct km_pool *pool)
{
    struct km_predict *p = predict_for(s, sparse, pool);
    struct km_csr csr = sparse_of(&s->x);
    struct km_rows rows = sparse ? km_rows_of_csr(&csr) : km_rows_of_mat(&s->x);
    uint32_t label[ROWS];
    double dist2[ROWS], want[ROWS], total = 0, ssd;

    brute(s, label, want);
    ssd = km_predict(p, dist2, &rows);
    for (size_t i = 0; i < ROWS; i++) {
        assert_int_equal(km_predict_labels(p)[i], label[i]);
        assert_near(dist2[i], want[i], 1e-12 * want[i]);
        total += want[i];
    }
    assert_near(ssd / total, 1, 1e-12);
    km_predict_free(p);
    km_csr_done(&csr);
}

static void rows_as_given_are_scored_as_by_brute_force(void **state)
{
    static const int exponents[] = {0, 5, -40};

    (void)state;
    for (int sparse = 0; sparse < 2; sparse++)
        for (size_t e = 0; e < 3; e++)
            for (int threads = 1; threads <= 2; threads++) {
                struct km_pool *pool = make_pool(threads);
                struct setup s;

                make_setup(&s, sparse, exponents[e]);
                check_given(&s, sparse, pool);
                done_setup(&s);
                km_pool_close(pool);
            }
}

/* Rows that are measured where they are have labels, too. */
static void rows_that_cannot_be_moved_are_scored_where_they_are(void **state)
{
    struct setup s;

    (void)state;
    make_setup(&s, 0, 3);
    for (size_t i = 0; i < ROWS; i += 3)
        km_mat_row(&s.x, i)[i % DIM] = i % 2 ? 1e30F : 0.1F;
    check_given(&s, 0, NULL);
    done_setup(&s);
    make_setup(&s, 1, 60); /* the exponent falls */
    km_mat_row(&s.x, 9)[2] = 1e15F;
    check_given(&s, 1, NULL);
    done_setup(&s);
}

static void a_sum_is_the_same_without_distances(void **state)
{
    struct setup s, same;
    struct km_predict *p;
    struct km_rows rows;
    double dist2[ROWS], ssd;

    (void)state;
    make_setup(&s, 0, 2);
    make_setup(&same, 0, 2);
    p = predict_for(&s, 0, NULL);
    rows = km_rows_of_mat(&s.x);
    ssd = km_predict(p, dist2, &rows);
    rows = km_rows_of_mat(&same.x);
    assert_true(km_predict(p, NULL, &rows) == ssd);
    km_predict_free(p);
    done_setup(&s);
    done_setup(&same);
}

/* At (row - origin) * 2^exponent, and they stay there. */
static void kept_rows_are_measured_where_they_lie(void **state)
{
    (void)state;
    for (int sparse = 0; sparse < 2; sparse++) {
        struct setup s;
        struct km_csr csr;
        struct km_rows rows;
        uint32_t label[ROWS], found[ROWS];
        double dist2[ROWS], want[ROWS];
        struct km_err err;

        make_setup(&s, sparse, 4);
        brute(&s, label, want);
        rows = km_rows_of_mat(&s.x);
        km_rows_move(&rows, s.origin, 4);
        csr = sparse_of(&s.x);
        if (sparse)
            rows = km_rows_of_csr(&csr);
        assert_ok(km_predict_kept(found, dist2, &rows, &s.written, test_kern(), NULL, &err), err);
        for (size_t i = 0; i < ROWS; i++) {
            assert_int_equal(found[i], label[i]);
            assert_near(dist2[i], 256 * want[i], 1e-12 * 256 * want[i]);
        }
        assert_ok(km_predict_kept(NULL, want, &rows, &s.written, test_kern(), NULL, &err), err);
        assert_same_bits(want, dist2, ROWS);
        km_csr_done(&csr);
        done_setup(&s);
    }
}

static void every_allocation_may_fail(void **state)
{
    struct setup s;
    size_t n = 0;
    int rc;

    (void)state;
    make_setup(&s, 0, 0);
    do {
        struct km_step_size size = {.rows = ROWS, .k = K, .d = DIM};
        struct km_predict *p;
        struct km_err err = {0};

        km_alloc_fail_at(++n);
        rc = km_predict_new(&p, &s.written, &size, test_kern(), NULL, &err);
        km_alloc_fail_at(0);
        assert_true(rc == KM_OK || (rc == KM_E_MEM && err.code == KM_E_MEM && !p));
        km_predict_free(p);
    } while (rc);
    assert_true(n > 10);
    done_setup(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_as_given_are_scored_as_by_brute_force),
        cmocka_unit_test(rows_that_cannot_be_moved_are_scored_where_they_are),
        cmocka_unit_test(a_sum_is_the_same_without_distances),
        cmocka_unit_test(kept_rows_are_measured_where_they_lie),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
