/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: a code that says who must act, and one line that says what happened and where. */
#ifndef KM_BASE_ERR_H
#define KM_BASE_ERR_H

/** What a function that can fail returns. Negative values are failures. */
enum km_code {
    KM_OK = 0,
    KM_MORE = 1,     /**< iteration: there was an item, ask again */
    KM_E_INPUT = -1, /**< the customer's data or settings */
    KM_E_SYS = -2,   /**< the machine: files, disk, network */
    KM_E_MEM = -3,   /**< not enough memory */
    KM_E_PEER = -4,  /**< another rank failed and said so */
    KM_E_BUG = -5,   /**< a check of our own did not hold */
};

#define KM_ERR_MAX 1000

/** Lives on the caller's stack; filled by the function that fails first. */
struct km_err {
    int code;
    char msg[KM_ERR_MAX];
    int lacks_value; /* of a row: a value is missing or not finite, and all else is sound */
};

/**
 * Sets code and message, lacks_value to 0, and returns the code, so that failing is one line.
 * The message names the place (file, record or line, byte), what was found, what was expected and
 * what to do; no newline, no capital, no blame. Cut, never overrun, when longer than KM_ERR_MAX.
 */
int km_fail(struct km_err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** km_fail with ": <text of errno>" behind the message; KM_E_MEM when errno is ENOMEM. */
int km_fail_errno(struct km_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
