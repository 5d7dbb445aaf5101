/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels that have no socket tracepoints and take no fexit programs, from 5.15: the same from the entry and exit of
 * system calls. At entry the descriptor is resolved, because by the exit it may be closed and stand for another file;
 * at exit the length is known.
 */
#ifndef SYSCRIBE_SYSCALLS_H
#define SYSCRIBE_SYSCALLS_H

#include "io.h"

struct pending_call {
  u64 sk;
  struct call call;
  long number;
  u8 direction;
  u8 padding[3];
  u32 flags; /* of a receive */
  /* While its messages are walked through: */
  u64 left;
  u32 index, count;
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 16384);
  __type(key, u64); /* thread */
  __type(value, struct pending_call);
} pending_calls SEC(".maps");

/* The socket behind a descriptor of the current task, when it is one for IP; else 0. */
static __always_inline struct sock *socket_of(struct task_struct *task, u32 fd) {
  struct fdtable *table = BPF_CORE_READ(task, files, fdt);
  struct file **files = BPF_CORE_READ(table, fd);
  struct file *file = 0;
  if (fd >= BPF_CORE_READ(table, max_fds) || bpf_probe_read_kernel(&file, sizeof file, files + fd) || !file)
    return 0;
  if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
    return 0;
  struct socket *socket = BPF_CORE_READ(file, private_data);
  if (BPF_CORE_READ(socket, file) != file)
    return 0;
  struct sock *sk = BPF_CORE_READ(socket, sk);
  u8 transport;
  return sk && is_internet(sk, &transport) ? sk : 0;
}

SEC("tp_btf/sys_enter")
int syscall_entered(u64 *ctx) {
  struct task_struct *task = bpf_get_current_task_btf();
  if (!is_observed(task->tgid) || is_compat(task))
    return 0;
  struct pending_call pending = {.number = ctx[1]};
  read_call((struct pt_regs *)ctx[0], &pending.call);
  if (!call_shape(pending.number, &pending.call, &pending.direction) || pending.call.shape == SHAPE_RING)
    return 0;
  struct sock *sk = 0;
  if (pending.call.shape == SHAPE_NONE) {
    /* sendfile(out, in), splice(in, , out): either may be the socket. */
    u32 out = pending.number == CALL_splice ? pending.call.argument[2] : pending.call.argument[0];
    u32 in = pending.number == CALL_splice ? pending.call.argument[0] : pending.call.argument[1];
    sk = socket_of(task, out);
    if (!sk) {
      sk = socket_of(task, in);
      pending.direction = DIRECTION_RECV;
    }
  } else {
    sk = socket_of(task, pending.call.argument[0]);
  }
  if (!sk)
    return 0;
  pending.sk = (u64)sk;
  if (pending.number == CALL_recvfrom || pending.number == CALL_recvmmsg)
    pending.flags = pending.call.argument[3];
  else if (pending.number == CALL_recvmsg)
    pending.flags = pending.call.argument[2];
  u64 id = bpf_get_current_pid_tgid();
  bpf_map_update_elem(&pending_calls, &id, &pending, BPF_ANY);
  return 0;
}

struct message_walk {
  struct pending_call *pending;
  struct process *process;
  struct scratch *scratch;
};

static __always_inline u32 message_length(u64 vector, u32 index) {
  u32 length = 0;
  const struct user_mmsghdr *messages = user_pointer(vector);
  bpf_probe_read_user(&length, sizeof length, &messages[index].length);
  return length;
}

static long sum_step(u32 turn, struct message_walk *walk) {
  struct pending_call *pending = walk->pending;
  if (pending->index >= pending->count)
    return 1;
  pending->left += message_length(pending->call.argument[1], pending->index);
  pending->index++;
  return 0;
}
REPEATABLE(sum_step)

static long message_step(u32 turn, struct message_walk *walk) {
  struct pending_call *pending = walk->pending;
  u32 index = pending->index;
  if (index >= pending->count)
    return 1;
  u32 length = message_length(pending->call.argument[1], index);
  pending->left -= length;
  pending->index = index + 1;
  if (length == 0)
    return 0;
  struct scratch *scratch = walk->scratch;
  struct move *move = &scratch->move;
  empty_move(move, bpf_get_current_pid_tgid() >> 32, length, pending->direction);
  move->behind = pending->left;
  find_source(&pending->call, pending->number, index, &move->source, &scratch->header);
  on_io((struct sock *)pending->sk, walk->process, scratch);
  return 0;
}
REPEATABLE(message_step)

SEC("tp_btf/sys_exit")
int syscall_exited(u64 *ctx) {
  struct task_struct *task = bpf_get_current_task_btf();
  if (!is_observed(task->tgid))
    return 0;
  u64 id = bpf_get_current_pid_tgid();
  u32 tgid = id >> 32;
  struct process *process = bpf_map_lookup_elem(&processes, &tgid);
  if (!process)
    return 0;
  struct pending_call *pending = bpf_map_lookup_elem(&pending_calls, &id);
  if (!pending || !pending->sk)
    return 0;
  struct sock *sk = (struct sock *)pending->sk;
  long result = ctx[1];
  if (result > 0 && !(pending->flags & (MSG_PEEK | MSG_ERRQUEUE | MSG_OOB))) {
    struct scratch *scratch = begin_move(tgid, result, pending->direction);
    if (!scratch) {
      pending->sk = 0;
      return 0;
    }
    struct move *move = &scratch->move;
    if (pending->call.shape == SHAPE_MESSAGES) {
      struct message_walk walk = {.pending = pending, .process = process, .scratch = scratch};
      pending->count = result > 1024 ? 1024 : result;
      pending->left = 0;
      pending->index = 0;
      REPEAT(1024, sum_step, &walk);
      pending->index = 0;
      REPEAT(1024, message_step, &walk);
    } else {
      find_source(&pending->call, pending->number, 0, &move->source, &scratch->header);
      if (pending->flags & MSG_TRUNC && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP)
        move->source.missing = MISSING_NO_USER_BUFFER;
      on_io(sk, process, scratch);
    }
    scratch_free(scratch);
  }
  pending->sk = 0;
  return 0;
}

#endif
