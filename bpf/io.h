/* SPDX-License-Identifier: Apache-2.0 */
/* One I/O of an observed process on a socket: the body all hooks share. */
#ifndef SYSCRIBE_IO_H
#define SYSCRIBE_IO_H

#include "payload.h"
#include "tcp.h"
#include "udp.h"

/* How many of `moved` bytes are kept, by the burst they belong to. */
static __always_inline u64 keep_of(struct socket_state *state, u8 direction, u64 moved) {
  if (state->burst_direction != direction) {
    state->burst_direction = direction;
    state->burst = 0;
  }
  u64 burst = state->burst;
  state->burst = burst + moved;
  if (burst >= cap_bytes)
    return 0;
  return cap_bytes - burst < moved ? cap_bytes - burst : moved;
}

static __always_inline void empty_move(struct move *move, u32 tgid, u32 length, u8 direction) {
  __builtin_memset(move, 0, sizeof *move);
  move->tgid = tgid;
  move->length = length;
  move->direction = direction;
}

/* A scratch for an I/O of so many bytes, with an empty `move`; null when none is free, which is counted. */
static __always_inline struct scratch *begin_move(u32 tgid, int length, u8 direction) {
  struct scratch *scratch = scratch_take();
  if (!scratch) {
    if (length > 0)
      count_loss(LOSS_SCRATCH_BUSY, length);
    return 0;
  }
  empty_move(&scratch->move, tgid, length, direction);
  return scratch;
}

/* Records what `scratch->move` says has passed. */
static __noinline int on_io(struct sock *sk, struct process *process, struct scratch *scratch) {
  struct move *move = &scratch->move;
  struct socket_state *state = tcp_find(sk);
  u8 direction = move->direction;
  u64 length = move->length, position;
  if (!state || !state->ready) {
    u8 transport;
    if (!is_internet(sk, &transport))
      return 0;
    if (!BPF_CORE_READ(sk, sk_socket, file))
      return 0; /* a socket of the kernel itself, NFS for one: what the process wrote was a file */
    if (transport == TRANSPORT_UDP) {
      state = udp_state(sk, move->source.name, direction);
    } else {
      if (!state)
        state = tcp_create(sk);
      if (state)
        tcp_begin(sk, state, direction, length + move->behind);
    }
    if (!state)
      return 0;
  }
  if (!process->announced)
    tell_forked(process, scratch, move->tgid);
  if (!state->announced)
    announce(state, move->tgid, process->start);
  if (state->identity.transport == TRANSPORT_UDP)
    position = __sync_fetch_and_add(&state->next[direction == DIRECTION_SEND ? 0 : 1], length);
  else
    position = tcp_advance(sk, state, direction, length, move->behind);
  struct io_event *event = &scratch->io;
  event->kind = EVENT_IO;
  event->time = bpf_ktime_get_boot_ns();
  event->process_start = process->start;
  event->pid = move->tgid;
  event->direction = direction;
  event->layer = 0;
  event->padding = 0;
  event->socket = state->identity;
  put_io(scratch, &move->source, position, length, keep_of(state, direction, length));
  return 0;
}

#endif
