/* SPDX-License-Identifier: Apache-2.0 */
/* When work must end with the next result that can be used: what a caller tells long work that
 * knows no clock. */
#ifndef KM_BASE_DEADLINE_H
#define KM_BASE_DEADLINE_H

/** Asked now and then, by any thread. Once it is over, it stays so. */
struct km_deadline {
    int (*over)(void *arg);
    void *arg;
};

/** Whether it is over; NULL: never. */
static inline int km_late(const struct km_deadline *deadline)
{
    return deadline && deadline->over(deadline->arg);
}

#endif
