/* SPDX-License-Identifier: Apache-2.0 */
/* Copies what passed from user memory into records of at most PIECE_BYTES payload each. */
#ifndef SYSCRIBE_PAYLOAD_H
#define SYSCRIBE_PAYLOAD_H

#include "arguments.h"
#include "repeat.h"
#include "socket.h"


/* Sends the record being filled. The last one stands for everything that was not copied too. */
static __always_inline void put_piece(struct scratch *scratch, bool last) {
  struct copy *copy = &scratch->copy;
  struct io_event *event = &scratch->io;
  u64 filled = copy->filled;
  asm volatile("" : "+r"(filled));
  if (filled > PIECE_BYTES)
    return;
  event->payload_length = filled;
  event->position = copy->position;
  event->length = last ? copy->total : filled;
  event->missing = event->length > filled ? copy->missing : MISSING_NONE;
  put_socket_event(event, sizeof *event + filled, filled, &scratch->written);
  copy->position += filled;
  copy->total -= filled;
  copy->filled = 0;
}

static long copy_step(u32 turn, struct scratch **context) {
  struct scratch *scratch = *context;
  struct copy *copy = &scratch->copy;
  if (copy->left == 0)
    return 1;
  if (copy->base_left == 0) {
    struct user_iovec part;
    if (copy->iov_left == 0) {
      copy->missing = MISSING_OTHER;
      return 1;
    }
    if (bpf_probe_read_user(&part, sizeof part, user_pointer(copy->iov))) {
      copy->missing = MISSING_FAULT;
      return 1;
    }
    copy->iov += sizeof part;
    copy->iov_left--;
    copy->base = part.base;
    copy->base_left = part.length;
    if (part.length == 0)
      return 0;
  }
  u64 room = PIECE_BYTES - copy->filled;
  u64 length = copy->base_left < copy->left ? copy->base_left : copy->left;
  if (length > room)
    length = room;
  u64 at = copy->filled;
  asm volatile("" : "+r"(length), "+r"(at));
  length &= 2 * PIECE_BYTES - 1;
  at &= PIECE_BYTES - 1;
  if (length > PIECE_BYTES)
    return 1;
  if (bpf_probe_read_user(scratch->payload + at, length, user_pointer(copy->base))) {
    copy->missing = MISSING_FAULT;
    return 1;
  }
  copy->base += length;
  copy->base_left -= length;
  copy->left -= length;
  copy->filled += length;
  /* Not the last one: that also tells what was left out. */
  if (copy->filled == PIECE_BYTES && copy->left)
    put_piece(scratch, false);
  return 0;
}
REPEATABLE(copy_step)

/*
 * Records `moved` bytes at `position`; of them at most `keep` with payload. `scratch->io` has everything else already.
 */
static __always_inline void put_io(struct scratch *scratch, const struct source *source, u64 position, u64 moved,
                                   u64 keep) {
  struct copy *copy = &scratch->copy;
  u64 left = keep < moved ? keep : moved;
  copy->iov = source->iov;
  copy->iov_left = source->iov_count;
  copy->base = source->base;
  copy->base_left = source->iov_count ? 0 : source->length;
  copy->left = left;
  copy->position = position;
  copy->total = moved;
  copy->filled = 0;
  copy->missing = MISSING_CAP;
  if (source->missing) {
    copy->missing = source->missing;
  } else if (left <= PIECE_BYTES && source->iov_count == 0 && source->length >= left) {
    /* The usual case: one buffer, one record. */
    asm volatile("" : "+r"(left));
    left &= 2 * PIECE_BYTES - 1;
    if (bpf_probe_read_user(scratch->payload, left, user_pointer(source->base)))
      copy->missing = MISSING_FAULT;
    else
      copy->filled = left;
  } else {
    struct scratch *context = scratch;
    REPEAT(16384, copy_step, &context);
  }
  put_piece(scratch, true);
}

#endif
