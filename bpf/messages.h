/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sendmmsg and recvmmsg move many messages in one call, and the socket tracepoints fire after each. Which one it was
 * is not in the arguments, so it is counted: the count starts anew after a failure (which also fires), after the last
 * message, and when the arguments are others.
 */
#ifndef SYSCRIBE_MESSAGES_H
#define SYSCRIBE_MESSAGES_H

#include "arguments.h"

struct message_cursor {
  u64 vector;
  u32 index;
  u32 last_length;
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 4096);
  __type(key, u64); /* thread */
  __type(value, struct message_cursor);
} message_cursors SEC(".maps");

/* Index of the message that has just moved `length` bytes (or failed). */
static __always_inline u32 message_index(u64 thread, const struct call *call, int length) {
  u64 vector = call->argument[1];
  u32 count = call->argument[2];
  struct message_cursor *cursor = bpf_map_lookup_elem(&message_cursors, &thread);
  if (!cursor) {
    struct message_cursor first = {};
    bpf_map_update_elem(&message_cursors, &thread, &first, BPF_ANY);
    cursor = bpf_map_lookup_elem(&message_cursors, &thread);
    if (!cursor)
      return 0;
  }
  u32 index = cursor->index;
  if (cursor->vector != vector || length < 0)
    index = 0;
  if (index) {
    /* The kernel has written the length of the message before this one. */
    u32 written = 0;
    u64 previous = vector + (u64)(index - 1) * sizeof(struct user_mmsghdr);
    u64 place = previous + __builtin_offsetof(struct user_mmsghdr, length);
    if (bpf_probe_read_user(&written, sizeof written, user_pointer(place)) ||
        written != cursor->last_length)
      index = 0;
  }
  cursor->vector = vector;
  cursor->last_length = length;
  cursor->index = length < 0 || index + 1 >= count ? 0 : index + 1;
  return index;
}

#endif
