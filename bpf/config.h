/* SPDX-License-Identifier: Apache-2.0 */
/* What the addon sets before loading. Read-only to the verifier, so code for other settings is left out. */
#ifndef SYSCRIBE_CONFIG_H
#define SYSCRIBE_CONFIG_H

#include "event.h"

enum hook { HOOK_SOCKET = 0, HOOK_SYSCALL = 1, HOOK_FUNCTION = 2 };
enum loop { LOOP_BPF = 0, LOOP_MAP = 1 };

const volatile u32 hook = HOOK_SOCKET;
const volatile u32 loop = LOOP_BPF;
/* Our own thread group: never observed. */
const volatile u32 self_tgid = 0;
const volatile u64 cap_bytes = 1 << 20;
/* Waiting bytes at which a record wakes the drain thread instead of waiting for its timer. */
const volatile u64 wake_bytes = 16 << 20;
/* Only values in the map `allowed` are observed. */
const volatile u32 has_allowed = 0;
/* First of the scratch slots of a CPU is cpu * slots. */
#define SCRATCH_SLOTS 4

#endif
