/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consent, decided at exec from the new program's own environment, before its first instruction:
 *   ADI_PROFILE is set (an empty value counts), its value is allowed, and ADI_PROFILE_DISABLED is not exactly "1".
 * Of a variable set more than once the first counts, as for getenv.
 */
#ifndef SYSCRIBE_CONSENT_H
#define SYSCRIBE_CONSENT_H

#include "process.h"

struct profile_value {
  char text[PROFILE_BYTES]; /* zero-filled */
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1024);
  __type(key, struct profile_value);
  __type(value, u8);
} allowed SEC(".maps");

#define WORD(a, b, c, d) ((u32)(a) | (u32)(b) << 8 | (u32)(c) << 16 | (u32)(d) << 24)
#define WORD8(a, b, c, d, e, f, g, h) ((u64)WORD(a, b, c, d) | (u64)WORD(e, f, g, h) << 32)

static __always_inline u8 copy_value(char *to, const char *from, bool whole) {
  long copied = bpf_probe_read_kernel_str(to, PROFILE_BYTES, from);
  /* A value that fills the buffer is taken as cut: its end was not seen. */
  return !whole || copied >= PROFILE_BYTES;
}

static __always_inline void look_at(struct scratch *scratch, bool whole) {
  struct environment_walk *walk = &scratch->environment_walk;
  const char *string = scratch->string;
  const u64 *words = (const u64 *)string;
  if (words[0] != WORD8('A', 'D', 'I', '_', 'P', 'R', 'O', 'F'))
    return;
  struct process_event *event = &scratch->process;
  u32 rest = *(const u32 *)(string + 8);
  if (rest == WORD('I', 'L', 'E', '=')) {
    if (!walk->profile)
      event->profile_cut = copy_value(event->profile, string + 12, whole);
    walk->profile = 1;
  } else if (rest == WORD('I', 'L', 'E', '_')) {
    if (*(const u32 *)(string + 12) == WORD('N', 'A', 'M', 'E') && string[16] == '=') {
      if (!walk->name)
        event->name_cut = copy_value(event->name, string + 17, whole);
      walk->name = 1;
    } else if (*(const u32 *)(string + 12) == WORD('D', 'I', 'S', 'A') &&
               *(const u32 *)(string + 16) == WORD('B', 'L', 'E', 'D') && string[20] == '=') {
      if (!walk->disabled)
        walk->is_disabled = string[21] == '1' && string[22] == 0;
      walk->disabled = 1;
    }
  }
}

static long environment_step(u32 turn, struct scratch **context) {
  struct scratch *scratch = *context;
  struct environment_walk *walk = &scratch->environment_walk;
  if (walk->position >= walk->end)
    return 1;
  long length = bpf_probe_read_user_str(scratch->string, sizeof scratch->string, (void *)walk->position);
  if (length < 0)
    return 1;
  if (length == 0) /* how kernels before 6.9 tell an empty string */
    length = 1;
  /* A string that fills the buffer goes on, or ends with an empty one: both are read as its continuation. */
  bool whole = length < (long)sizeof scratch->string;
  if (!walk->inside)
    look_at(scratch, whole);
  walk->inside = !whole;
  walk->position += whole ? length : length - 1;
  return 0;
}
REPEATABLE(environment_step)

/* Whether the current task's program opts in. Leaves profile and name in `scratch->process`. */
static __always_inline bool opts_in(struct scratch *scratch, struct task_struct *task) {
  struct process_event *event = &scratch->process;
  __builtin_memset(event->profile, 0, sizeof event->profile);
  __builtin_memset(event->name, 0, sizeof event->name);
  event->profile_cut = 0;
  event->name_cut = 0;
  struct environment_walk *walk = &scratch->environment_walk;
  struct scratch *context = scratch;
  __builtin_memset(walk, 0, sizeof *walk);
  walk->position = BPF_CORE_READ(task, mm, env_start);
  walk->end = BPF_CORE_READ(task, mm, env_end);
  REPEAT(1 << 20, environment_step, &context);
  event->has_name = walk->name;
  if (!walk->profile || walk->is_disabled)
    return false;
  if (!has_allowed)
    return true;
  return !event->profile_cut && bpf_map_lookup_elem(&allowed, event->profile) != 0;
}

#endif
