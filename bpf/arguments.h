/* SPDX-License-Identifier: Apache-2.0 */
/* Where the bytes of a send or receive lie in user memory, from the arguments of the system call that is running. */
#ifndef SYSCRIBE_ARGUMENTS_H
#define SYSCRIBE_ARGUMENTS_H

#include "kernel.h"
#include "event.h"

/* How a call names its memory. */
enum shape { SHAPE_OTHER, SHAPE_BUFFER, SHAPE_IOVEC, SHAPE_MESSAGE, SHAPE_MESSAGES, SHAPE_NONE, SHAPE_RING };

struct call {
  u32 shape;
  u32 fd_argument; /* which argument is the socket; splice and sendfile may have two */
  u64 argument[6];
};

struct source {
  u64 base;   /* one buffer of `length` bytes, or */
  u64 length;
  u64 iov;    /* iov_count of struct iovec, when not 0 */
  u32 iov_count;
  u8 missing; /* not MISSING_NONE: nothing to read */
  u8 padding[3];
  u64 name;   /* struct sockaddr of the peer, 0 when none */
};

/* Bytes that have just passed a socket. */
struct move {
  u32 tgid;
  u32 length;
  u32 behind; /* bytes the same call moved after these */
  u8 direction;
  u8 padding[3];
  struct source source;
};

#if defined(__TARGET_ARCH_x86)
#define TS_COMPAT 0x0002
static __always_inline bool is_compat(struct task_struct *task) {
  return task->thread_info.status & TS_COMPAT;
}
static __always_inline long call_number(struct pt_regs *regs) {
  return regs->orig_ax;
}
static __always_inline void read_call(struct pt_regs *regs, struct call *call) {
  call->argument[0] = regs->di;
  call->argument[1] = regs->si;
  call->argument[2] = regs->dx;
  call->argument[3] = regs->r10;
  call->argument[4] = regs->r8;
  call->argument[5] = regs->r9;
}
static __always_inline void *user_pointer(u64 address) {
  return (void *)address;
}
enum {
  CALL_read = 0, CALL_write = 1, CALL_readv = 19, CALL_writev = 20, CALL_sendfile = 40, CALL_sendto = 44,
  CALL_recvfrom = 45, CALL_sendmsg = 46, CALL_recvmsg = 47, CALL_splice = 275, CALL_recvmmsg = 299,
  CALL_sendmmsg = 307, CALL_preadv2 = 327, CALL_pwritev2 = 328,
};
#else
#define TIF_32BIT 22
static __always_inline bool is_compat(struct task_struct *task) {
  return task->thread_info.flags >> TIF_32BIT & 1;
}
static __always_inline long call_number(struct pt_regs *regs) {
  return regs->syscallno;
}
static __always_inline void read_call(struct pt_regs *regs, struct call *call) {
  call->argument[0] = regs->orig_x0;
  call->argument[1] = regs->regs[1];
  call->argument[2] = regs->regs[2];
  call->argument[3] = regs->regs[3];
  call->argument[4] = regs->regs[4];
  call->argument[5] = regs->regs[5];
}
/*
 * From Linux 6.3 on the kernel takes no address with a tag in its top byte from us, though it took it from the call. Only
 * where no tags are checked (MTE) may it be left away: a wrong one may end the process.
 */
#define CHECKED_TAGS (3ULL << 38) /* SCTLR_EL1.TCF0 */
static __always_inline void *user_pointer(u64 address) {
  if (address >> 56) {
    struct task_struct *task = bpf_get_current_task_btf();
    if (!bpf_core_field_exists(task->thread.sctlr_user) || !(task->thread.sctlr_user & CHECKED_TAGS))
      address &= (1ULL << 56) - 1;
  }
  return (void *)address;
}
enum {
  CALL_read = 63, CALL_write = 64, CALL_readv = 65, CALL_writev = 66, CALL_sendfile = 71, CALL_splice = 76,
  CALL_sendto = 206, CALL_recvfrom = 207, CALL_sendmsg = 211, CALL_recvmsg = 212, CALL_recvmmsg = 243,
  CALL_sendmmsg = 269, CALL_preadv2 = 286, CALL_pwritev2 = 287,
};
#endif
#define CALL_io_uring_enter 426

/* Direction of a call's socket; sendfile and splice go by which of their descriptors it is. */
static __always_inline bool call_shape(long number, struct call *call, u8 *direction) {
  call->fd_argument = 0;
  *direction = DIRECTION_SEND;
  switch (number) {
  case CALL_read:
  case CALL_recvfrom:
    *direction = DIRECTION_RECV;
  case CALL_write:
  case CALL_sendto:
    call->shape = SHAPE_BUFFER;
    return true;
  case CALL_readv:
  case CALL_preadv2:
    *direction = DIRECTION_RECV;
  case CALL_writev:
  case CALL_pwritev2:
    call->shape = SHAPE_IOVEC;
    return true;
  case CALL_recvmsg:
    *direction = DIRECTION_RECV;
  case CALL_sendmsg:
    call->shape = SHAPE_MESSAGE;
    return true;
  case CALL_recvmmsg:
    *direction = DIRECTION_RECV;
  case CALL_sendmmsg:
    call->shape = SHAPE_MESSAGES;
    return true;
  case CALL_sendfile:
    call->shape = SHAPE_NONE;
    return true;
  case CALL_splice:
    call->shape = SHAPE_NONE;
    call->fd_argument = 2;
    return true;
  case CALL_io_uring_enter:
    call->shape = SHAPE_RING;
    return true;
  }
  call->shape = SHAPE_OTHER;
  return false;
}

/* From a struct msghdr in user memory, read into `header`. */
static __always_inline void read_message(u64 address, struct source *source, struct user_msghdr *header) {
  if (bpf_probe_read_user(header, sizeof *header, user_pointer(address))) {
    source->missing = MISSING_FAULT;
    return;
  }
  source->iov = header->iov;
  source->iov_count = header->iov_count > 1024 ? 1024 : header->iov_count;
  source->name = header->name && header->name_length >= 8 ? header->name : 0;
}

/* Where call `call` has its bytes; for SHAPE_MESSAGES those of message `index`. `number` tells whose address argument there is. */
static __always_inline void find_source(const struct call *call, long number, u32 index, struct source *source,
                                        struct user_msghdr *header) {
  switch (call->shape) {
  case SHAPE_BUFFER:
    source->base = call->argument[1];
    source->length = call->argument[2];
    if (number == CALL_sendto || number == CALL_recvfrom)
      source->name = call->argument[4];
    break;
  case SHAPE_IOVEC:
    source->iov = call->argument[1];
    source->iov_count = call->argument[2] > 1024 ? 1024 : call->argument[2];
    break;
  case SHAPE_MESSAGE:
    read_message(call->argument[1], source, header);
    break;
  case SHAPE_MESSAGES:
    read_message(call->argument[1] + (u64)index * sizeof(struct user_mmsghdr), source, header);
    break;
  case SHAPE_NONE:
    source->missing = MISSING_NO_USER_BUFFER;
    break;
  case SHAPE_RING:
    source->missing = MISSING_IO_URING;
    break;
  default:
    source->missing = MISSING_OTHER;
  }
}

#endif
