/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to dist/launch: framed messages over a stream socket that never blocks. A frame is the
 * number of its bytes (32 bits, big-endian), its type (one byte, not 0), and its payload. What
 * comes from outside is bounded: a longer frame than `most` is garbage, and nothing is allocated
 * for it.
 */
#ifndef KM_LAUNCH_LINK_H
#define KM_LAUNCH_LINK_H

#include <stddef.h>
#include <stdint.h>

struct km_link {
    int fd; /* -1: none */
    size_t most;
    unsigned char *in, *out;
    size_t in_n, in_room, in_at;    /* bytes that came; bytes of them already given out */
    size_t out_n, out_room, out_at; /* bytes to be sent; where the frame in the making begins */
    int failed;                     /* no memory, or too much to be sent: the link is of no use */
};

/** A frame that came; the values are taken out of it in order. Text lies in the link's memory. */
struct km_frame {
    int type;
    const unsigned char *p;
    size_t n;
    int failed; /* something was taken that is not there */
};

/** Takes over fd, which becomes non-blocking; frames of at most `most` bytes are accepted. */
void km_link_open(struct km_link *l, int fd, size_t most);
void km_link_close(struct km_link *l); /* twice is fine */

/** A frame in the making: begin, values, end. Nothing is sent before km_link_flush. */
void km_link_begin(struct km_link *l, int type);
void km_link_put_u32(struct km_link *l, uint32_t v);
void km_link_put_u64(struct km_link *l, uint64_t v);
void km_link_put_f64(struct km_link *l, double v);
void km_link_put_text(struct km_link *l, const char *s);
void km_link_end(struct km_link *l);

/** Sends what can be sent now. 0, or -1: the other side is gone, or the link has failed. */
int km_link_flush(struct km_link *l);

/** Whether something waits to be sent. */
int km_link_pending(const struct km_link *l);

/** Takes what has come. 0, or -1: the other side has ended; what came before is given out. */
int km_link_fill(struct km_link *l);

/** The next whole frame: 1, 0: none yet, -1: garbage. Good until the next km_link_fill. */
int km_link_next(struct km_link *l, struct km_frame *f);

/**
 * Takes what has come and gives each whole frame to `take`, which returns 0, or else: garbage, or
 * nothing more is wanted; then sends what can be sent. 0, or -1: the link is of no more use. `take`
 * may close the link.
 */
int km_link_serve(struct km_link *l, int (*take)(void *arg, struct km_frame *f), void *arg);

/** The next number of a frame; where it is too short, 0 now and from then on. */
uint32_t km_frame_u32(struct km_frame *f);
uint64_t km_frame_u64(struct km_frame *f);
double km_frame_f64(struct km_frame *f);

/** Copies a text to out, where it must fit; "" if it does not. */
void km_frame_text(struct km_frame *f, char *out, size_t size);

/** 0 if everything was there and nothing is left. */
int km_frame_done(const struct km_frame *f);

#endif
