/* SPDX-License-Identifier: Apache-2.0 */
#include "base/line.h"

#include <errno.h>
#include <unistd.h>

#define DAY_SECONDS 86400

void km_line_text(struct km_line *l, const char *s)
{
    while (*s && l->n + 1 < sizeof(l->s))
        l->s[l->n++] = *s++;
    l->s[l->n] = 0;
}

/* At least `digits` digits of v in `base`, a comma between groups of `group` (0: none). */
static void put(struct km_line *l, uint64_t v, unsigned base, int digits, int group)
{
    char text[64], *p = text + sizeof(text);
    int n = 0;

    *--p = 0;
    do {
        if (group && n && n % group == 0)
            *--p = ',';
        *--p = "0123456789abcdef"[v % base];
        v /= base;
        n++;
    } while (v || n < digits);
    km_line_text(l, p);
}

void km_line_number(struct km_line *l, uint64_t v)
{
    put(l, v, 10, 1, 0);
}

void km_line_grouped(struct km_line *l, uint64_t v)
{
    put(l, v, 10, 1, 3);
}

void km_line_hex(struct km_line *l, uint64_t v)
{
    km_line_text(l, "0x");
    put(l, v, 16, 1, 0);
}

/*
 * Days since 1970 as a date of the Gregorian calendar. Years are taken to begin in March, so that
 * the day that some years lack is the last one: H. Hinnant, "chrono-compatible low-level date
 * algorithms".
 */
static void put_date(struct km_line *l, int64_t days)
{
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march = (5 * of_year + 2) / 153; /* months since March */
    int64_t month = march < 10 ? march + 3 : march - 9;

    put(l, (uint64_t)month, 10, 2, 0);
    km_line_text(l, "/");
    put(l, (uint64_t)(of_year - (153 * march + 2) / 5 + 1), 10, 2, 0);
    km_line_text(l, "/");
    put(l, (uint64_t)(year_of_era + era * 400 + (month <= 2)), 10, 4, 0);
}

void km_line_time(struct km_line *l, int64_t seconds)
{
    int64_t of_day = (seconds % DAY_SECONDS + DAY_SECONDS) % DAY_SECONDS;

    put_date(l, (seconds - of_day) / DAY_SECONDS);
    km_line_text(l, " ");
    put(l, (uint64_t)(of_day / 3600), 10, 2, 0);
    km_line_text(l, ":");
    put(l, (uint64_t)(of_day / 60 % 60), 10, 2, 0);
    km_line_text(l, ":");
    put(l, (uint64_t)(of_day % 60), 10, 2, 0);
}

int km_line_write(const struct km_line *l, int fd)
{
    size_t done = 0;

    while (done < l->n) {
        ssize_t n = write(fd, l->s + done, l->n - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        done += (size_t)n;
    }
    return 0;
}
