/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/launch/crashed.h"

#include "base/err.h"
#include "dist/launch/limits.h"
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

static size_t put_u32(unsigned char *b, size_t n, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        b[n + (size_t)i] = (unsigned char)(v >> (24 - 8 * i));
    return n + 4;
}

void km_crashed_tell(int fd, int type, const char *text)
{
    unsigned char frame[KM_ERR_MAX + 16];
    size_t length = 0, n, sent = 0;

    while (text[length] && length < KM_ERR_MAX - 1)
        length++;
    n = put_u32(frame, 0, (uint32_t)length + 8);
    frame[n++] = (unsigned char)type;
    n = put_u32(frame, n, (uint32_t)-KM_E_BUG);
    n = put_u32(frame, n, (uint32_t)length);
    for (size_t i = 0; i < length; i++)
        frame[n++] = (unsigned char)text[i];
    while (fd >= 0 && sent < n) {
        ssize_t done = send(fd, frame + sent, n - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        struct pollfd p = {fd, POLLOUT, 0};

        if (done > 0)
            sent += (size_t)done;
        else if ((errno != EAGAIN && errno != EINTR) || poll(&p, 1, KM_CRASH_SECONDS * 1000) <= 0)
            return;
    }
}
