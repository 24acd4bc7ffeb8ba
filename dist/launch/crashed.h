/* SPDX-License-Identifier: Apache-2.0 */
/* Private to dist/launch: the reason of a failure, told to another process from the handler of a
 * crash. */
#ifndef KM_LAUNCH_CRASHED_H
#define KM_LAUNCH_CRASHED_H

/**
 * Sends a frame of message.h with the code KM_E_BUG and a text, as km_put_reason makes it, on a
 * socket of a link; waits a second at most. fd -1: does nothing. Async-signal-safe, so it uses
 * neither the link nor its memory: what waits there to be sent is lost, and a frame of which a part
 * is sent already breaks this one, too (that takes a reader who has not read for minutes).
 */
void km_crashed_tell(int fd, int type, const char *text);

#endif
