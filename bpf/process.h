/* SPDX-License-Identifier: Apache-2.0 */
/* The table of observed processes, and how a process is told to user space. */
#ifndef SYSCRIBE_PROCESS_H
#define SYSCRIBE_PROCESS_H

#include "output.h"
#include "repeat.h"

#define NANOS_PER_TICK 10000000 /* USER_HZ is 100 */
/* Set in the image numbers the addon gives, not in ours. */
#define IMAGE_FROM_USER (1ULL << 63)

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 65536);
  __type(key, u32);
  __type(value, struct process);
} processes SEC(".maps");

/*
 * One bit for each possible process id, set for the observed ones: that is all another process's I/O has to look at.
 * Writable by the addon (memory-mapped .bss).
 */
#define PID_WORDS (4 * 1024 * 1024 / 64) /* PID_MAX_LIMIT */
u64 observed[PID_WORDS] = {};

static __always_inline bool is_observed(u32 tgid) {
  return observed[tgid >> 6 & (PID_WORDS - 1)] >> (tgid & 63) & 1;
}

/* Adds a process to the table; false when it is full. */
static __always_inline bool process_add(u32 tgid, struct process *process) {
  if (bpf_map_update_elem(&processes, &tgid, process, BPF_ANY)) {
    count_loss(LOSS_TABLE_FULL, 0);
    return false;
  }
  __sync_fetch_and_or(&observed[tgid >> 6 & (PID_WORDS - 1)], 1ULL << (tgid & 63));
  return true;
}

/* Takes it out; false when it was not there. */
static __always_inline bool process_remove(u32 tgid) {
  __sync_fetch_and_and(&observed[tgid >> 6 & (PID_WORDS - 1)], ~(1ULL << (tgid & 63)));
  return bpf_map_delete_elem(&processes, &tgid) == 0;
}

/* Image → how many processes run it. The addon keeps an image's environment while it is here. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 65536);
  __type(key, u64);
  __type(value, u64);
} images SEC(".maps");

/* Thread group → when it last executed a program: a start-up scan that read /proc before that must not decide. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 16384);
  __type(key, u32);
  __type(value, u64);
} decisions SEC(".maps");

static __always_inline u64 start_ticks(struct task_struct *task) {
  return BPF_CORE_READ(task, group_leader, start_boottime) / NANOS_PER_TICK;
}

static __always_inline void image_take(u64 image) {
  u64 *users = bpf_map_lookup_elem(&images, &image);
  if (users)
    __sync_fetch_and_add(users, 1);
}

static __always_inline void image_release(u64 image) {
  u64 *users = bpf_map_lookup_elem(&images, &image);
  if (!users || __sync_fetch_and_add(users, -1) != 1)
    return;
  bpf_map_delete_elem(&images, &image);
  struct image_released event = {.kind = EVENT_IMAGE_RELEASED, .image = image};
  put_process_event(&event, sizeof event);
}

static __always_inline void put_exit(u32 tgid, u64 start, u32 opted_out) {
  struct process_mark event = {.kind = EVENT_EXIT,
                               .pid = tgid,
                               .time = bpf_ktime_get_boot_ns(),
                               .process_start = start,
                               .opted_out = opted_out};
  put_process_event(&event, sizeof event);
}

static long block_step(u32 turn, struct scratch **context) {
  struct scratch *scratch = *context;
  struct block_walk *walk = &scratch->block_walk;
  struct block_event *event = &scratch->block;
  u64 length = walk->length - walk->offset;
  if (walk->offset >= walk->length)
    return 1;
  if (length > PIECE_BYTES)
    length = PIECE_BYTES;
  asm volatile("" : "+r"(length));
  length &= 2 * PIECE_BYTES - 1;
  if (bpf_probe_read_user(scratch->piece, length, (void *)(walk->base + walk->offset))) {
    walk->faults++;
  } else {
    event->offset = walk->offset;
    event->length = length;
    if (!put_process_event(event, sizeof *event + length))
      walk->faults++;
  }
  walk->offset += length;
  return 0;
}
REPEATABLE(block_step)

static __always_inline u32 put_block(struct scratch *scratch, u32 tgid, u64 start, u32 block, u64 base, u64 length) {
  struct scratch *context = scratch;
  struct block_walk *walk = &scratch->block_walk;
  walk->base = base;
  walk->length = length;
  walk->offset = 0;
  walk->faults = 0;
  scratch->block.kind = EVENT_BLOCK;
  scratch->block.pid = tgid;
  scratch->block.process_start = start;
  scratch->block.block = block;
  REPEAT(1024, block_step, &context);
  return walk->faults;
}

static __always_inline void read_names(char names[CGROUP_DEPTH][CGROUP_NAME_BYTES], struct kernfs_node *node) {
  for (int level = 0; level < CGROUP_DEPTH; level++) {
    names[level][0] = 0;
    if (!node)
      continue;
    bpf_probe_read_kernel_str(names[level], CGROUP_NAME_BYTES, BPF_CORE_READ(node, name));
    struct kernfs_node___before_6_15 *older = (void *)node;
    if (bpf_core_field_exists(older->parent))
      node = BPF_CORE_READ(older, parent);
    else
      node = BPF_CORE_READ(node, __parent);
  }
}

#define MOST_CONTROLLERS 24 /* kernels have 11 to 14 */

/*
 * On a host of cgroup v1, or of both, a container shows in the hierarchies of the controllers: the cgroup of v2 is then
 * the root, or the service that started the container. Null when every controller is of v2.
 */
static __always_inline struct kernfs_node *deepest_of_controllers(struct css_set *set, struct cgroup *unified) {
  struct cgroup_root *root = BPF_CORE_READ(unified, root);
  u32 place = bpf_core_field_offset(set->subsys);
  u32 controllers = bpf_core_field_size(set->subsys) / sizeof(void *);
  struct kernfs_node *deepest = NULL;
  int depth = 0;
  for (u32 index = 0; index < MOST_CONTROLLERS; index++) {
    struct cgroup_subsys_state *state = NULL;
    if (index >= controllers)
      break;
    bpf_probe_read_kernel(&state, sizeof state, (void *)set + place + index * sizeof(void *));
    struct cgroup *cgroup = BPF_CORE_READ(state, cgroup);
    int level = BPF_CORE_READ(cgroup, level);
    if (level <= depth || BPF_CORE_READ(cgroup, root) == root)
      continue;
    depth = level;
    deepest = BPF_CORE_READ(cgroup, kn);
  }
  return deepest;
}

static __always_inline void read_cgroups(struct process_event *event, struct task_struct *task) {
  struct css_set *set = BPF_CORE_READ(task, cgroups);
  struct cgroup *unified = BPF_CORE_READ(set, dfl_cgrp);
  read_names(event->cgroup, BPF_CORE_READ(unified, kn));
  read_names(event->controller, deepest_of_controllers(set, unified));
}

/*
 * Tells a process of the current task: its description, its arguments, for exec its environment, and an end mark.
 * `scratch->process` holds profile and name already when it is an exec.
 */
static __always_inline void put_process(struct scratch *scratch, struct task_struct *task, u32 tgid, u64 start,
                                        u64 image, u8 reason) {
  struct process_event *event = &scratch->process;
  u64 arguments = BPF_CORE_READ(task, mm, arg_start);
  u64 arguments_end = BPF_CORE_READ(task, mm, arg_end);
  u64 environment = BPF_CORE_READ(task, mm, env_start);
  u64 environment_end = BPF_CORE_READ(task, mm, env_end);
  event->kind = EVENT_PROCESS;
  event->pid = tgid;
  event->time = bpf_ktime_get_boot_ns();
  event->process_start = start;
  event->image = image;
  event->parent = BPF_CORE_READ(task, group_leader, real_parent, tgid);
  event->reason = reason;
  event->arguments_length = arguments_end > arguments ? arguments_end - arguments : 0;
  event->environment_length =
      reason == PROCESS_EXEC && environment_end > environment ? environment_end - environment : 0;
  bpf_probe_read_kernel_str(event->comm, sizeof event->comm, task->group_leader->comm);
  read_cgroups(event, task);
  u64 arguments_length = event->arguments_length;
  u64 environment_length = event->environment_length;
  put_process_event(event, sizeof *event);

  struct process_mark end = {.kind = EVENT_PROCESS_END, .pid = tgid, .process_start = start};
  end.faults = put_block(scratch, tgid, start, BLOCK_ARGUMENTS, arguments, arguments_length);
  end.faults += put_block(scratch, tgid, start, BLOCK_ENVIRONMENT, environment, environment_length);
  end.time = bpf_ktime_get_boot_ns();
  put_process_event(&end, sizeof end);
}

/* A forked process that inherited consent is told when it first uses a socket. */
static __noinline int tell_forked(struct process *process, struct scratch *scratch, u32 tgid) {
  if (__sync_lock_test_and_set(&process->announced, 1))
    return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  scratch->process.has_name = 0;
  scratch->process.profile_cut = 0;
  scratch->process.name_cut = 0;
  scratch->process.profile[0] = 0;
  scratch->process.name[0] = 0;
  put_process(scratch, task, tgid, process->start, process->image, PROCESS_FORK);
  return 0;
}

#endif
