/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long bounded loops. bpf_loop came with 5.17; before it, walking a map of N elements calls a function N times just
 * as well. The callback returns 1 to stop.
 */
#ifndef SYSCRIBE_REPEAT_H
#define SYSCRIBE_REPEAT_H

#include "config.h"

#define REPEAT_MAP_TURNS 65536

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, REPEAT_MAP_TURNS);
  __type(key, u32);
  __type(value, u8);
} turns SEC(".maps");

/* Defines `callback`_each, the shape bpf_for_each_map_elem wants, beside `callback`(u32 turn, void *context). */
#define REPEATABLE(callback)                                                                   \
  static long callback##_each(void *map, u32 *turn, u8 *value, void *context) {                \
    return callback(0, context);                                                               \
  }

#define REPEAT(count, callback, context)                                                       \
  do {                                                                                         \
    if (loop == LOOP_BPF)                                                                      \
      bpf_loop(count, callback, context, 0);                                                   \
    else                                                                                       \
      bpf_for_each_map_elem(&turns, callback##_each, context, 0);                              \
  } while (0)

#endif
